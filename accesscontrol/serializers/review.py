"""Shapes of the access review."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from rest_framework import serializers as rest

from accesscontrol.decide import AssignmentFact, Permission
from accesscontrol.review import USER, Change
from iam_portal.decision import rfc3339
from iam_portal.gate import Privilege

_ORDER = [privilege.value for privilege in Privilege]
COLUMNS = (
    "change",
    "kind",
    "id",
    "name",
    "applicationId",
    "role",
    "urn",
    "owningTenantId",
    "relation",
    "contractId",
    "through",
    "permissions",
)


class ThroughOut(rest.Serializer[Any]):
    """An assignment by which a role is held: to the principal itself, or to a group."""

    assignmentId = rest.UUIDField()
    groupId = rest.UUIDField(required=False)
    groupName = rest.CharField(required=False)
    by = rest.CharField()
    since = rest.DateTimeField(allow_null=True)
    until = rest.DateTimeField(allow_null=True)


class HeldPermissionOut(rest.Serializer[Any]):
    """What a role comes to on a resource."""

    resourceType = rest.CharField()
    resourceId = rest.CharField()
    privileges = rest.ListField(child=rest.CharField())


class ReviewedPrincipalOut(rest.Serializer[Any]):
    """Exactly one of the ids."""

    userId = rest.UUIDField(required=False)
    applicationId = rest.CharField(required=False)


class ReviewLineOut(rest.Serializer[Any]):
    """One role of one principal. ``change`` and ``permissionsBefore`` where two moments are compared."""

    change = rest.ChoiceField(choices=["gained", "lost", "changed"], required=False)
    principal = ReviewedPrincipalOut()
    name = rest.CharField()
    role = rest.CharField(help_text="Its key")
    urn = rest.CharField()
    owningTenantId = rest.UUIDField()
    relation = rest.CharField()
    contractId = rest.UUIDField(allow_null=True)
    through = ThroughOut(many=True)
    permissions = HeldPermissionOut(many=True)
    permissionsBefore = HeldPermissionOut(many=True, required=False)


class ReviewPage(rest.Serializer[Any]):
    """A page of the review."""

    applicationId = rest.CharField()
    at = rest.DateTimeField()
    compareWith = rest.DateTimeField(required=False)
    items = ReviewLineOut(many=True)
    next = rest.CharField(allow_null=True)


def all_as_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Lines in their order. What a role comes to is told once for all who hold it."""
    told: dict[frozenset[Permission], list[dict[str, Any]]] = {}

    def tell(permissions: frozenset[Permission]) -> list[dict[str, Any]]:
        if permissions not in told:
            told[permissions] = permissions_of(permissions)
        return told[permissions]

    return [as_json(change, tell) for change in changes]


def as_json(
    change: Change, tell: Callable[[frozenset[Permission]], list[dict[str, Any]]] | None = None
) -> dict[str, Any]:
    """One line of the page; ``change`` where two moments are compared."""
    line, tell = change.line, tell or permissions_of
    compared: dict[str, Any] = {}
    if change.what:
        compared = {"change": change.what, "permissionsBefore": tell(change.before)}
    return {
        "principal": {"userId" if line.kind == USER else "applicationId": line.principal_id},
        "name": line.name,
        "role": line.role.key,
        "urn": line.role.urn,
        "owningTenantId": line.role.scope_tenant_id,
        "relation": line.role.relation,
        "contractId": line.role.contract_id,
        "through": [_through(way) for way in line.through],
        "permissions": tell(line.permissions),
        **compared,
    }


def _through(way: AssignmentFact) -> dict[str, Any]:
    found: dict[str, Any] = {
        "assignmentId": way.id,
        "by": way.by,
        "since": rfc3339(way.span.start),
        "until": rfc3339(way.span.end),
    }
    if way.via is not None:
        found |= {"groupId": way.via.group_id, "groupName": way.via.group_name}
    return found


def permissions_of(permissions: Iterable[Permission]) -> list[dict[str, Any]]:
    """By resource, in a fixed order."""
    by_resource: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, key, privilege in permissions:
        by_resource[kind, key].append(privilege)
    return [
        {"resourceType": kind, "resourceId": key, "privileges": sorted(held, key=_ORDER.index)}
        for (kind, key), held in sorted(by_resource.items())
    ]


def as_row(change: Change, application_id: str) -> list[object]:
    """One line of the table, in the order of :data:`COLUMNS`."""
    line = change.line
    through = [way.via.group_name if way.via else "directly" for way in line.through]
    permissions = [
        f"{each['resourceType']}/{each['resourceId']}:{','.join(each['privileges'])}"
        for each in permissions_of(line.permissions)
    ]
    return [
        change.what,
        line.kind,
        line.principal_id,
        line.name,
        application_id,
        line.role.key,
        line.role.urn,
        line.role.scope_tenant_id,
        line.role.relation,
        line.role.contract_id,
        "; ".join(dict.fromkeys(through)),
        "; ".join(permissions),
    ]
