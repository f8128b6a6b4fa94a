"""``attributes`` and ``excludedAttributes`` (RFC 7644 §3.9): which parts of a resource an answer has."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from accesscontrol.scim.filters import name_of
from accesscontrol.scim.refused import ScimRefused

MOST = 50
_ALWAYS: Final = frozenset({"id", "schemas"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """Names in lower case; ``only`` is None where nothing was asked for."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    def wants(self, attribute: str) -> bool:
        """Whether the answer may have it; ``attribute`` in lower case."""
        if attribute in _ALWAYS:
            return True
        if self.only is None:
            return attribute not in self.without
        return any(name.partition(".")[0] == attribute for name in self.only)

    def names(self, path: str) -> bool:
        """Whether it was asked for by its full name."""
        return self.only is not None and path in self.only

    def of(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with these parts alone."""
        kept = {name: value for name, value in document.items() if self.wants(name.lower())}
        return {name: self._parts(name.lower(), value) for name, value in kept.items()}

    def _parts(self, attribute: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._parts(attribute, each) for each in value]
        if not isinstance(value, dict) or attribute in _ALWAYS:
            return value
        if self.only is None:
            return {name: v for name, v in value.items() if f"{attribute}.{name.lower()}" not in self.without}
        if attribute in self.only:
            return value
        return {name: v for name, v in value.items() if f"{attribute}.{name.lower()}" in self.only}


def read(only: object, without: object) -> Chosen:
    """Of the words of a query (separated by commas) or the lists of a search; not both at once."""
    asked, left_out = _names(only), _names(without)
    if asked and left_out:
        raise ScimRefused("invalidValue", "attributes or excludedAttributes, not both.")
    return Chosen(asked or None, left_out)


def _names(given: object) -> frozenset[str]:
    if given in (None, "", []):
        return frozenset()
    names: Iterable[Any] = given.split(",") if isinstance(given, str) else given  # type: ignore[assignment]
    if not isinstance(names, list) or len(names) > MOST or not all(isinstance(each, str) for each in names):
        raise ScimRefused("invalidValue", f"Attributes are at most {MOST} names.")
    return frozenset(name_of(each.strip()) for each in names)
