"""A group as SCIM writes one (RFC 7643 §4.2). Its members are people; groups stand in a tree elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accesscontrol.scim.filters import Compare, Either, Filter
from accesscontrol.scim.patching import READ_ONLY, Operation, folded
from accesscontrol.scim.people import text
from accesscontrol.scim.refused import ScimRefused

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
MOST_MEMBERS = 1000  # let in or out by one request


@dataclass(slots=True)
class Team:
    """What is to become of a group; None where nothing is said. ``exactly``: these and nobody else."""

    name: str | None = None
    external_id: str | None = None
    exactly: set[UUID] | None = None
    into: set[UUID] = field(default_factory=set)
    out_of: set[UUID] = field(default_factory=set)


def read(body: Any) -> Team:
    """A whole group; ScimRefused (invalidValue) for what none can be."""
    said = folded(body)
    name = text(said, "displayname")
    if not name:
        raise ScimRefused("invalidValue", "A group has a displayName.")
    members = said.get("members")
    return Team(name, text(said, "externalid") or "", None if members is None else _people(members))


def patched(operations: Iterable[Operation]) -> Team:
    """What the operations come to, one after the other."""
    team = Team()
    for each in operations:
        attribute, path = each.path.attribute, each.path
        if attribute == "members":
            _apply(team, each)
            _require_few(team)
        elif attribute in ("displayname", "externalid"):
            if path.part or path.within:
                raise ScimRefused("invalidPath", f"{attribute} has no parts.")
            _say(team, each)
        elif each.named:
            kind = "mutability" if attribute in READ_ONLY else "invalidPath"
            raise ScimRefused(kind, f"{attribute} is nothing that is changed in a group.")
    return team


def _require_few(team: Team) -> None:
    for people in (team.into, team.out_of, team.exactly or ()):
        if len(people) > MOST_MEMBERS:
            raise ScimRefused("tooMany", f"At most {MOST_MEMBERS} members at once.")


def _say(team: Team, operation: Operation) -> None:
    name = operation.path.attribute
    value = None if operation.verb == "remove" else text({name: operation.value}, name)
    if name == "externalid":
        team.external_id = value or ""
    elif not value:
        raise ScimRefused("mutability", "A group has a displayName.")
    else:
        team.name = value


def _apply(team: Team, operation: Operation) -> None:
    path, verb = operation.path, operation.verb
    if path.part and path.part != "value":
        raise ScimRefused("mutability", "Of a member nothing is changed but who it is.")
    if path.within is not None and verb != "remove":
        raise ScimRefused("invalidPath", "Members are added and replaced by their values.")
    if path.within is not None:
        chosen = _chosen(path.within)
    elif operation.value is None:  # everybody out
        team.exactly, team.into, team.out_of = set(), set(), set()
        return
    else:
        chosen = _people(operation.value)
    if verb == "replace":
        team.exactly, team.into, team.out_of = chosen, set(), set()
    elif team.exactly is not None:
        team.exactly = team.exactly | chosen if verb == "add" else team.exactly - chosen
    elif verb == "add":
        team.into, team.out_of = team.into | chosen, team.out_of - chosen
    else:
        team.into, team.out_of = team.into - chosen, team.out_of | chosen


def _chosen(part: Filter) -> set[UUID]:
    """Whom ``members[value eq "…"]`` names; what needs a look at each of thousands is refused."""
    if isinstance(part, Either):
        return {one for each in part.parts for one in _chosen(each)}
    if isinstance(part, Compare) and (part.path, part.operator) == ("value", "eq"):
        return {_person(part.value)}
    raise ScimRefused("invalidFilter", "Members are named by their value.")


def _people(given: Any) -> set[UUID]:
    items = given if isinstance(given, list) else [given]
    if len(items) > MOST_MEMBERS:
        raise ScimRefused("tooMany", f"At most {MOST_MEMBERS} members at once.")
    return {_person(each) if isinstance(each, str) else _member(folded(each)) for each in items}


def _member(item: Mapping[str, Any]) -> UUID:
    kind = item.get("type")
    if kind is not None and str(kind).lower() != "user":
        raise ScimRefused("invalidValue", "Members are people: groups stand in a tree in the console.")
    return _person(item.get("value"))


def _person(value: Any) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) and len(value) <= 45 else UUID("")
    except ValueError:
        raise ScimRefused("invalidValue", "A member is named by the id of a person.") from None
