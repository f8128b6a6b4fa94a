"""The manifest: what an application declares of itself, parsed and compared. No writing here."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iam_portal.errors import Invalid
from iam_portal.gate import Privilege

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
                errors.append(_objection(f"/roles/{index}", f"{kind}/{key} does not offer {privilege}"))
    for index, resource in enumerate(resources.values()):
        if resource.parent is not None and resource.parent not in resources:
            errors.append(_objection(f"/resources/{index}/parent", "is not declared"))
        elif _lies_below_itself(resource, resources):
            errors.append(_objection(f"/resources/{index}/parent", "lies below it"))
    errors += _superseding("resources", [(row.supersedes, resources) for row in resources.values()])
    errors += _superseding("roles", [(row.supersedes, roles) for row in roles.values()])
    if sum(len(role.permissions) for role in roles.values()) > MOST_HELD:
        errors.append(_objection("/roles", f"hold more than {MOST_HELD} permissions together"))
    if errors:
        raise Invalid("The manifest contradicts itself. Nothing was changed.", errors=errors)
    required = frozenset((item["applicationId"], item["role"]) for item in document.get("requiredRoles", []))
    return Manifest(resources, roles, required)


def _lies_below_itself(resource: DeclaredResource, resources: Mapping[ResourceKey, DeclaredResource]) -> bool:
    """Whether the way outwards comes back to it."""
    seen: set[ResourceKey] = set()
    above = resource.parent
    while above is not None and above in resources and above not in seen:
        if above == (resource.type, resource.key):
            return True
        seen.add(above)
        above = resources[above].parent
    return False


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
