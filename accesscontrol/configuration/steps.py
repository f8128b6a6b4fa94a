"""The steps from one configuration to another, and how a person reads them. No rows here."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ADD, CHANGE, REMOVE = "add", "change", "remove"
MOST_LINES = 200  # of one step


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act through one action. ``permissions`` are those of the act's own door.

    ``parts``: so many resources and permissions it compares and writes.
    ``gives`` and ``needs``: what it makes, and what has to be made before it. ``final``: it cannot be taken
    back. ``pointer`` is its place in the document; of what is removed, its section.
    """

    act: str
    verb: str
    section: str
    name: str
    pointer: str
    permissions: tuple[str, ...]
    lines: tuple[str, ...] = ()
    was: Any = None
    wanted: Any = None
    gives: str = ""
    needs: frozenset[str] = frozenset()
    final: bool = False
    parts: int = 0

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "verb": self.verb,
            "section": self.section,
            "name": self.name,
            "pointer": self.pointer,
            "permissions": list(self.permissions),
            "final": self.final,
            "diff": list(self.lines),
        }


def lines(was: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What differs, a line each: ``+`` comes, ``-`` goes, ``~`` becomes."""
    found = list(_differing(was or {}, wanted or {}, ""))
    if len(found) > MOST_LINES:
        found = [*found[:MOST_LINES], f"… and {len(found) - MOST_LINES} more"]
    return tuple(found)


def _differing(was: Mapping[str, Any], wanted: Mapping[str, Any], above: str) -> Iterator[str]:
    for key in dict.fromkeys([*wanted, *was]):
        old, new = was.get(key), wanted.get(key)
        name = above + key
        if old == new:
            continue
        if isinstance(old, list) or isinstance(new, list):
            yield from _listed(old or [], new or [], name)
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, f"{name}.")
        elif old is None:
            yield f"+ {name}: {_text(new)}"
        elif new is None:
            yield f"- {name}: {_text(old)}"
        else:
            yield f"~ {name}: {_text(old)} → {_text(new)}"


def _listed(old: list[Any], new: list[Any], name: str) -> Iterator[str]:
    before, after = [_text(item) for item in old], [_text(item) for item in new]
    kept = set(before) & set(after)
    yield from (f"- {name}: {text}" for text in before if text not in kept)
    yield from (f"+ {name}: {text}" for text in after if text not in kept)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
