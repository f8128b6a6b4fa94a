"""The manifest as it stands: the document that would change nothing. Four queries for any size."""

import hashlib
import json
from collections import defaultdict
from datetime import datetime
from typing import Any

from applications.models import Application, ApplicationRole, RequiredRole, Resource, RolePermission
from iam_portal.gate import Privilege

_ORDER = {privilege.value: index for index, privilege in enumerate(Privilege)}


def document(application: Application, *, at: datetime) -> dict[str, Any]:
    """In the wire form, each list in one order. What was superseded once is over, and not in it."""
    placed = Resource.objects.placed(at).filter(application=application, owner_tenant=None)
    static = {row.id: row for row in placed.order_by("type", "key", "id")}
    roles = ApplicationRole.objects.at(at).filter(application=application).order_by("key")
    held = _held(application, at)
    required = RequiredRole.objects.at(at).filter(application=application)
    return {
        "resources": [_resource(row, static.get(row.parent_id)) for row in static.values()],
        "roles": [
            {
                "key": role.key,
                "name": role.name,
                "description": role.description,
                "permissions": held.get(role.key, []),
            }
            for role in roles
        ],
        "requiredRoles": [
            {"applicationId": wanted, "role": role}
            for wanted, role in required.order_by("wanted_application", "wanted_role").values_list(
                "wanted_application", "wanted_role"
            )
        ],
    }


def revision_of(document: dict[str, Any]) -> str:
    """Stands for the document: ``m-`` and 32 hexadecimal digits."""
    canonical = json.dumps(document, separators=(",", ":"), sort_keys=True)
    return "m-" + hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _resource(row: Resource, parent: Resource | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": row.type,
        "id": row.key,
        "name": row.name,
        "description": row.description,
        "privileges": sorted(row.privileges, key=lambda privilege: _ORDER[privilege]),
    }
    return shown | ({"parent": {"type": parent.type, "id": parent.key}} if parent is not None else {})


def _held(application: Application, at: datetime) -> dict[str, list[dict[str, Any]]]:
    rows = RolePermission.objects.at(at).filter(role__application=application)
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for *address, privilege in rows.values_list("role__key", "resource__type", "resource__key", "privilege"):
        role, kind, key = address
        found[role, kind, key].append(privilege)
    held: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (role, kind, key), privileges in sorted(found.items()):
        ordered = sorted(privileges, key=lambda privilege: _ORDER[privilege])
        held[role].append({"resourceType": kind, "resourceId": key, "privileges": ordered})
    return held
