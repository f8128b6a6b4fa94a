"""From the JSON of the wire, whose shape is validated, to a configuration; contradictions are collected."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from accesscontrol.configuration.shape import (
    Application,
    Assignment,
    Configuration,
    Contract,
    Group,
    Member,
    Names,
    ProviderMapping,
    Role,
)
from applications.manifest import Manifest
from applications.manifest import parse as parse_manifest
from iam_portal.errors import Invalid
from iam_portal.sentences import said
from tenants.models import IdentityMapper

Objections = list[dict[str, str]]
DEEPEST = 50  # groups one below the other: every question about the lowest one goes through all of them


class Contradiction(Invalid):
    """The document says two things of one, or names what is not in it."""

    code = "configuration_contradiction"


def parse(document: Mapping[str, Any], names: Names) -> Configuration:
    """The configuration; :class:`Contradiction` with every objection."""
    errors: Objections = []
    read: dict[str, Any] = {"applications": _application, "contracts": _contract}
    read |= {"groups": _group, "roles": _role, "assignments": _assignment}
    read |= {"mappings": _mapping}
    sections: dict[str, Any] = {}
    for section, of_item in read.items():
        if section in document:
            items = enumerate(document[section])
            sections[section] = tuple(
                of_item(item, names, f"/{section}/{index}", errors) for index, item in items
            )
    made = Configuration(**sections)
    _once("applications", (item.id for item in made.applications or ()), errors)
    _once("groups", (item.name.lower() for item in made.groups or ()), errors)
    _once("roles", (item.key for item in made.roles or ()), errors)
    _once("assignments", made.assignments or (), errors)
    _once("mappings", map(_lower, made.mappings or ()), errors)
    _tree(made.groups or (), errors)
    if errors:
        raise Contradiction("The document contradicts itself. Nothing was changed.", errors=errors)
    return made


def _application(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Application:
    return Application(
        id=names.full(item["applicationId"]),
        name=item["name"],
        display_name=item["displayName"],
        description=item["description"],
        home_url=item["homeUrl"],
        manifest=_manifest(item["manifest"], names, f"{pointer}/manifest", errors)
        if "manifest" in item
        else None,
    )


def _manifest(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Manifest | None:
    required = [
        {**one, "applicationId": names.full(one["applicationId"])} for one in item.get("requiredRoles", [])
    ]
    try:
        return parse_manifest({**item, "requiredRoles": required})
    except Invalid as refused:
        errors += [{**error, "pointer": pointer + error["pointer"]} for error in refused.errors]
        return None


def _contract(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Contract:
    return Contract(
        consumer=item["consumer"],
        type=item["type"],
        roles=frozenset((names.full(one["applicationId"]), one["role"]) for one in item["roles"]),
        starts_at=item["startsAt"],
        ends_at=item["endsAt"],
        onward_access=item["onwardAccess"],
        note=item["note"],
    )


def _group(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Group:
    plain = [Member(user=name) for name in item["members"]]
    timed = [
        Member(user=one["user"], starts_at=one["from"], ends_at=one["until"]) for one in item["memberships"]
    ]
    for field, members in (("members", plain), ("memberships", timed)):
        named = {(one.user.lower(), one.starts_at, one.ends_at) for one in members}
        if len(named) < len(members):
            _object(errors, f"{pointer}/{field}", "named_twice", "Somebody is named twice.")
    return Group(
        name=item["name"].strip(),
        description=item["description"].strip(),
        parent=item["parent"],
        members=frozenset([*plain, *timed]),
    )


def _role(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Role:
    return Role(
        key=item["key"],
        name=item["name"],
        description=item["description"],
        permissions=frozenset(
            (names.full(one["applicationId"]), one["resourceType"], one["resourceId"], privilege)
            for one in item["permissions"]
            for privilege in one["privileges"]
        ),
    )


def _assignment(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> Assignment:
    [(kind, who)] = item["principal"].items()
    application_id = item["role"].get("applicationId")
    if item["provider"] is not None and application_id is None:
        _object(errors, f"{pointer}/provider", "no_contract", "Contracts give roles of applications only.")
    if item["contractId"] is not None and item["provider"] is None:
        _object(errors, f"{pointer}/contractId", "no_provider", "Name the provider of the contract, too.")
    return Assignment(
        kind=kind,
        principal=names.full(who) if kind == "application" else who,
        role=item["role"]["key"],
        application_id=names.full(application_id) if application_id else None,
        provider=item["provider"],
        contract_id=str(item["contractId"]) if item["contractId"] else None,
        starts_at=item["from"],
        ends_at=item["until"],
    )


def _mapping(item: Mapping[str, Any], names: Names, pointer: str, errors: Objections) -> ProviderMapping:
    """What its kind has no place for would be lost, and come back as a difference for ever."""
    into_group = item["kind"] == IdentityMapper.Kind.GROUP
    for name in ("claim", "value", "group", "template"):
        if bool(item[name]) == (into_group == (name != "template")):
            continue
        code = "not_taken" if item[name] else "needed"
        detail = said("A mapping into a group has claim, value and group; others have a template.")
        _object(errors, f"{pointer}/{name}", code, detail)
    parts = ("provider", "kind", "when", "claim", "value", "template")
    return ProviderMapping(**{name: item[name] for name in parts}, group=item["group"] or None)


def _lower(one: ProviderMapping) -> ProviderMapping:
    return replace(one, group=one.group.lower() if one.group else None)


def _once(section: str, keys: Iterable[object], errors: Objections) -> None:
    seen: set[object] = set()
    for index, key in enumerate(keys):
        if key in seen:
            _object(errors, f"/{section}/{index}", "named_twice", "This stands in the document already.")
        seen.add(key)


def _tree(groups: Iterable[Group], errors: Objections) -> None:
    """Every parent is in the section, which is complete, none stands below itself, and none too deep."""
    parents = {group.name.lower(): group.parent.lower() if group.parent else None for group in groups}
    depths = depths_of(parents)
    for index, group in enumerate(groups):
        pointer, depth = f"/groups/{index}/parent", depths[group.name.lower()]
        if group.parent is not None and group.parent.lower() not in parents:
            _object(errors, pointer, "unknown_group", "This group is not in the document.")
        elif depth is None:
            _object(errors, pointer, "group_loop", "A group would stand below itself.")
        elif depth > DEEPEST:
            _object(errors, pointer, "too_deep", f"At most {DEEPEST} groups stand one below the other.")


def depths_of(parents: Mapping[str, str | None]) -> dict[str, int | None]:
    """How many groups stand from the outermost to each; None: it comes back to itself, or to such a one.

    Each is looked at once: a chain of thousands, walked from every link anew, would take minutes.
    """
    depths: dict[str, int | None] = {}
    for name in parents:
        way: dict[str, None] = {}
        here: str | None = name
        while here is not None and here in parents and here not in depths and here not in way:
            way[here] = None
            here = parents[here]
        depth = None if here in way else depths.get(here or "", 0)
        for below in reversed(way):
            depth = depths[below] = None if depth is None else depth + 1
    return depths


def _object(errors: Objections, pointer: str, code: str, detail: str) -> None:
    errors.append({"pointer": pointer, "code": code, "detail": detail})
