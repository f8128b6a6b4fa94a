"""What applications declare of themselves, read back as manifests: four statements for any number of them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from applications.manifest import DeclaredResource, DeclaredRole, Manifest, PermissionKey, ResourceKey
from applications.models import ApplicationRole, RequiredRole, Resource, RolePermission
from iam_portal.gate import Privilege


def manifests_of(application_ids: Collection[str], *, at: datetime) -> dict[str, Manifest]:
    """The present manifest of each application; an empty one where nothing is declared."""
    ids = list(application_ids)
    resources, roles, required = _resources(ids, at), _roles(ids, at), _required(ids, at)
    return {
        one: Manifest(resources.get(one, {}), roles.get(one, {}), frozenset(required.get(one, ())))
        for one in ids
    }


def _resources(ids: list[str], at: datetime) -> dict[str, dict[ResourceKey, DeclaredResource]]:
    found: dict[str, dict[ResourceKey, DeclaredResource]] = defaultdict(dict)
    placed = Resource.objects.placed(at).filter(application_id__in=ids, owner_tenant=None)
    rows = {row.id: row for row in placed.order_by("type", "key")}
    for row in rows.values():
        parent = rows.get(row.parent_id)
        found[row.application_id][row.type, row.key] = DeclaredResource(
            type=row.type,
            key=row.key,
            name=row.name,
            privileges=tuple(one.value for one in Privilege if one.value in row.privileges),
            description=row.description,
            parent=(parent.type, parent.key) if parent is not None else None,
        )
    return found


def _roles(ids: list[str], at: datetime) -> dict[str, dict[str, DeclaredRole]]:
    held: dict[object, set[PermissionKey]] = defaultdict(set)
    rows = RolePermission.objects.at(at).filter(role__application_id__in=ids)
    for role_id, *address in rows.values_list("role_id", "resource__type", "resource__key", "privilege"):
        held[role_id].add((address[0], address[1], address[2]))
    found: dict[str, dict[str, DeclaredRole]] = defaultdict(dict)
    for role in ApplicationRole.objects.at(at).filter(application_id__in=ids).order_by("key"):
        found[role.application_id][role.key] = DeclaredRole(
            role.key, role.name, role.description, frozenset(held[role.id])
        )
    return found


def _required(ids: list[str], at: datetime) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    rows = RequiredRole.objects.at(at).filter(application_id__in=ids)
    for application_id, wanted, role in rows.values_list(
        "application_id", "wanted_application", "wanted_role"
    ):
        found[application_id].add((wanted, role))
    return found
