"""PATCH (RFC 7644 §3.5.2): operations on a person's document, and what they come to for a group.

Directories differ in how they send the same: the words of an operation in any case, values as lists of one,
paths as keys of a value. What is meant is taken; what could mean two things is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sized
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from accesscontrol.scim.filters import Among, Both, Compare, Either, Filter, Not, Reader, name_of
from accesscontrol.scim.refused import ScimRefused

MOST, MOST_VALUES = 500, 20  # operations of one request, values of one attribute
MESSAGE = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_FOREIGN = ("urn:ietf:params:scim:schemas:extension:",)  # schemas of others: nothing of them is kept here
_VERBS: Final = frozenset({"add", "replace", "remove"})
READ_ONLY: Final = frozenset({"id", "meta", "schemas", "groups"})


@dataclass(frozen=True, slots=True)
class Path:
    """``attribute[within].part``, in lower case."""

    attribute: str
    within: Filter | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One of a request. ``named``: the path was said, and not found among the keys of a value."""

    verb: str
    path: Path
    value: Any
    named: bool


def read(body: Any) -> list[Operation]:
    """The operations of a PATCH, each with its path; ScimRefused for what is none."""
    body = folded(body)
    found = body.get("operations")
    if not isinstance(found, list) or not found:
        raise ScimRefused("invalidSyntax", "A PATCH has a list of Operations.")
    # A value may name any number of paths as its keys: those are what is counted.
    operations = list(islice((one for each in found for one in _operations(folded(each))), MOST + 1))
    if max(len(found), len(operations)) > MOST:
        raise ScimRefused("tooMany", f"At most {MOST} operations at once.")
    return operations


def folded(value: Any) -> dict[str, Any]:
    """An object with the names of its attributes in lower case (RFC 7643 §2.1), without their schema."""
    if not isinstance(value, Mapping):
        raise ScimRefused("invalidSyntax", "Here stands an object.")
    return {str(name).lower(): each for name, each in value.items()}


def path_of(text: Any) -> Path | None:
    """The path; None for an attribute of a schema that is not kept here. ScimRefused (invalidPath)."""
    if not isinstance(text, str):
        raise ScimRefused("invalidPath", "A path is a text.")
    if text.lower().startswith(_FOREIGN):
        return None
    reader = Reader(text)
    attribute, _, part = name_of(reader.take()).partition(".")
    within = None
    if reader.peek() == "[":
        reader.take()
        within = reader.either()
        if reader.take() != "]":
            raise ScimRefused("invalidPath", "A ] is missing in a path.")
        if (rest := reader.peek()) is not None:
            if part or not rest.startswith("."):
                raise ScimRefused("invalidPath", "A path cannot be read.")
            part = name_of(reader.take()[1:])
    if reader.peek() is not None:
        raise ScimRefused("invalidPath", "A path cannot be read.")
    return Path(attribute, within, part)


def patched(document: Mapping[str, Any], operations: Iterable[Operation], known: frozenset[str]) -> Any:
    """The document of a person afterwards. Attributes are lower-case; ``known`` are kept by others only."""
    made = deepcopy(dict(document))
    for each in operations:
        attribute = each.path.attribute
        if attribute in READ_ONLY:
            if each.named:
                raise ScimRefused("mutability", f"{attribute} is not changed by anybody.")
        elif attribute == "emails":
            made["emails"] = _mailboxes(made.get("emails", []), each)
            _require_few(made["emails"])
        elif attribute == "name":
            _whole(made, each, part=each.path.part)
        elif attribute in document:
            if each.path.part or each.path.within:
                raise ScimRefused("invalidPath", f"{attribute} has no parts.")
            _whole(made, each)
        elif each.named and attribute not in known:
            raise ScimRefused("invalidPath", "There is no attribute of such a name.")
    return made


def holds(part: Filter, item: Mapping[str, Any]) -> bool:
    """Whether a filter holds for one value of an attribute with several."""
    if isinstance(part, Both):
        return all(holds(each, item) for each in part.parts)
    if isinstance(part, Either):
        return any(holds(each, item) for each in part.parts)
    if isinstance(part, Not):
        return not holds(part.part, item)
    if isinstance(part, Among):
        raise ScimRefused("invalidFilter", "A value has no values of its own.")
    return _compares(part, item.get(part.path))


def _compares(one: Compare, found: Any) -> bool:
    if one.operator == "pr":
        return found not in (None, "")
    if isinstance(found, str) and isinstance(one.value, str):
        left, right = found.casefold(), one.value.casefold()
        tests = {"co": right in left, "sw": left.startswith(right), "ew": left.endswith(right)}
        tests |= {"eq": left == right, "ne": left != right}
    else:
        same = found is one.value or (found is None and one.value is False)
        tests = {"eq": same, "ne": not same}
    if one.operator not in tests:
        raise ScimRefused("invalidFilter", f"{one.operator} compares nothing here.")
    return tests[one.operator]


def _operations(body: Mapping[str, Any]) -> Iterator[Operation]:
    verb = body.get("op")
    if not isinstance(verb, str) or verb.lower() not in _VERBS:
        raise ScimRefused("invalidSyntax", "op is add, replace or remove.")
    verb, value = verb.lower(), body.get("value")
    if verb != "remove" and value is None:
        raise ScimRefused("invalidValue", f"To {verb} takes a value.")
    if body.get("path") not in (None, ""):
        if (path := path_of(body["path"])) is not None:
            yield Operation(verb, path, value, named=True)
        return
    if verb == "remove":
        raise ScimRefused("noTarget", "To remove takes a path.")
    for name, each in folded(value).items():
        if (path := path_of(name)) is not None:
            yield Operation(verb, path, each, named=False)


def _whole(made: dict[str, Any], operation: Operation, *, part: str = "") -> None:
    attribute, value = operation.path.attribute, operation.value
    if part:
        parts = dict(made.get(attribute) or {})
        parts.pop(part, None)
        made[attribute] = parts if operation.verb == "remove" else {**parts, part: value}
    elif operation.verb == "remove":
        made.pop(attribute, None)
    elif attribute == "name":
        made[attribute] = folded(value)
    else:
        made[attribute] = value


def _mailboxes(found: list[dict[str, Any]], operation: Operation) -> list[dict[str, Any]]:
    path, verb = operation.path, operation.verb
    if path.within is None and not path.part:
        given = [] if operation.value is None else _items(operation.value)
        if verb == "remove":
            gone = {str(each.get("value")).casefold() for each in given}
            return [each for each in found if given and str(each.get("value")).casefold() not in gone]
        return given if verb == "replace" else _together(found, given)
    chosen = [each for each in found if path.within is None or holds(path.within, each)]
    if not chosen and verb != "add":
        if verb == "remove":
            return found
        raise ScimRefused("noTarget", "No value is the one that the path names.")
    if verb == "remove" and not path.part:
        return [each for each in found if each not in chosen]
    if not chosen:
        return _together(found, [{**_named(path.within), **_part(operation)}])
    changed = [_changed(each, operation) if each in chosen else each for each in found]
    return _together([each for each in changed if each not in found], changed)


def _changed(item: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    if operation.verb == "remove":
        return {name: value for name, value in item.items() if name != operation.path.part}
    return {**item, **_part(operation)}


def _part(operation: Operation) -> dict[str, Any]:
    part = operation.path.part
    if part:
        return {part: operation.value}
    given = _items(operation.value)
    if len(given) != 1:
        raise ScimRefused("invalidValue", "Here stands one value.")
    return given[0]


def _together(first: list[dict[str, Any]], then: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of each; a new primary one takes that from the others (RFC 7644 §3.5.2)."""
    if any(each.get("primary") is True for each in then):
        first = [{**each, "primary": False} for each in first if each not in then]
    return [*then, *(each for each in first if each not in then)]


def _items(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    _require_few(found)
    return [{"value": each} if isinstance(each, str) else folded(each) for each in found]


def _require_few(values: Sized) -> None:
    if len(values) > MOST_VALUES:
        raise ScimRefused("tooMany", f"At most {MOST_VALUES} values of one attribute.")


def _named(part: Filter | None) -> dict[str, Any]:
    """What a new value has to be, so that the path that asked for it finds it."""
    if isinstance(part, Compare) and part.operator == "eq":
        return {part.path: part.value}
    if isinstance(part, Both):
        return {name: value for each in part.parts for name, value in _named(each).items()}
    return {}
