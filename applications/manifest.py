"""The manifest: what an application declares of itself, parsed and compared. No writing here."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from applications.placing import DEEPEST
from iam_portal.errors import Invalid
from iam_portal.gate import Privilege
from iam_portal.sentences import said

ResourceKey = tuple[str, str]
PermissionKey = tuple[str, str, str]
MOST_HELD = 20_000  # permissions of all roles together: they are compared and written under a lock


@dataclass(frozen=True, slots=True)
class DeclaredResource:
    """A static resource. ``supersedes``: a former id, which ends; what rests on it goes on with this one."""

    type: str
    key: str
    name: str
    privileges: tuple[str, ...]
    description: str = ""
    parent: ResourceKey | None = None
    supersedes: ResourceKey | None = None


@dataclass(frozen=True, slots=True)
class DeclaredRole:
    """A role and its permissions (resource type, resource key, privilege); ``supersedes``: a former key."""

    key: str
    name: str
    description: str
    permissions: frozenset[PermissionKey]
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Resources by (type, key), roles by key, required roles as (application id, role key)."""

    resources: Mapping[ResourceKey, DeclaredResource]
    roles: Mapping[str, DeclaredRole]
    required: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class Diff:
    """What a declaration adds, changes and removes: addresses like ``roles/viewer``.

    ``superseded`` says of what is removed what took its place: pairs of addresses, former and new.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    superseded: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "superseded": [{"from": former, "to": new} for former, new in self.superseded],
        }


def parse(document: Mapping[str, Any]) -> Manifest:
    """From the JSON of the wire (validated for shape already). Raises Invalid with every objection."""
    errors: list[dict[str, str]] = []
    resources: dict[ResourceKey, DeclaredResource] = {}
    for index, item in enumerate(document.get("resources", [])):
        resource = _resource(item)
        if (resource.type, resource.key) in resources:
            errors.append(_objection(f"/resources/{index}", "declared twice"))
        resources[resource.type, resource.key] = resource
    roles: dict[str, DeclaredRole] = {}
    for index, item in enumerate(document.get("roles", [])):
        role = _role(item)
        if role.key in roles:
            errors.append(_objection(f"/roles/{index}", "declared twice"))
        roles[role.key] = role
        for kind, key, privilege in sorted(role.permissions):
            known = resources.get((kind, key))
            if known is None or privilege not in known.privileges:
                errors.append(
                    _objection(
                        f"/roles/{index}",
                        said(
                            "%(kind)s/%(key)s does not offer %(privilege)s",
                            {"kind": kind, "key": key, "privilege": privilege},
                        ),
                    )
                )
    errors += _placing(resources)
    errors += _superseding("resources", [(row.supersedes, resources) for row in resources.values()])
    errors += _superseding("roles", [(row.supersedes, roles) for row in roles.values()])
    if sum(len(role.permissions) for role in roles.values()) > MOST_HELD:
        errors.append(
            _objection(
                "/roles", said("hold more than %(most_held)s permissions together", {"most_held": MOST_HELD})
            )
        )
    if errors:
        raise Invalid("The manifest contradicts itself. Nothing was changed.", errors=errors)
    required = frozenset((item["applicationId"], item["role"]) for item in document.get("requiredRoles", []))
    return Manifest(resources, roles, required)


def _placing(resources: Mapping[ResourceKey, DeclaredResource]) -> list[dict[str, str]]:
    """What contains each is declared, and neither below it nor too many levels up. Each is passed once."""
    errors = []
    depths = _depths(resources)
    for index, (address, resource) in enumerate(resources.items()):
        pointer, depth = f"/resources/{index}/parent", depths[address]
        if resource.parent is not None and resource.parent not in resources:
            errors.append(_objection(pointer, "is not declared"))
        elif depth is None:
            errors.append(_objection(pointer, "lies below it"))
        elif depth > DEEPEST:
            errors.append(
                _objection(
                    pointer,
                    said("stands on level %(deepest)s already: nothing goes below it", {"deepest": DEEPEST}),
                )
            )
    return errors


def _depths(resources: Mapping[ResourceKey, DeclaredResource]) -> dict[ResourceKey, int | None]:
    """On which level each stands; None for what comes back to itself."""
    found: dict[ResourceKey, int | None] = {}
    for start in resources:
        line: list[ResourceKey] = []
        places: dict[ResourceKey, int] = {}
        here: ResourceKey | None = start
        while here is not None and here in resources and here not in found and here not in places:
            places[here] = len(line)
            line.append(here)
            here = resources[here].parent
        loop = places[here] if here in places else len(line)
        found.update(dict.fromkeys(line[loop:]))
        depth = (found.get(here) if here is not None else None) or 0
        for address in reversed(line[:loop]):
            found[address] = depth = depth + 1
    return found


def _superseding(part: str, asked: Sequence[tuple[Any, Container[Any]]]) -> list[dict[str, str]]:
    """A former id ends: it is not declared here, too (no chain, no circle), and it has one heir."""
    errors = []
    taken: set[Any] = set()
    for index, (former, declared) in enumerate(asked):
        pointer = f"/{part}/{index}/supersedes"
        if former is not None and former in declared:
            errors.append(_objection(pointer, "is declared here, too: what is superseded ends"))
        if former is not None and former in taken:
            errors.append(_objection(pointer, "is superseded twice"))
        taken.add(former)
    return errors


def _resource(item: Mapping[str, Any]) -> DeclaredResource:
    parent, former = item.get("parent"), item.get("supersedes")
    chosen = set(item.get("privileges") or [])
    return DeclaredResource(
        type=item["type"],
        key=item["id"],
        name=item.get("name") or item["id"],
        privileges=tuple(privilege.value for privilege in Privilege if privilege.value in chosen),
        description=item.get("description", ""),
        parent=(parent["type"], parent["id"]) if parent else None,
        supersedes=(former["type"], former["id"]) if former else None,
    )


def _role(item: Mapping[str, Any]) -> DeclaredRole:
    permissions = frozenset(
        (entry["resourceType"], entry["resourceId"], privilege)
        for entry in item.get("permissions", [])
        for privilege in entry["privileges"]
    )
    return DeclaredRole(
        key=item["key"],
        name=item.get("name") or item["key"],
        description=item.get("description", ""),
        permissions=permissions,
        supersedes=item.get("supersedes"),
    )


def _objection(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "detail": detail}
