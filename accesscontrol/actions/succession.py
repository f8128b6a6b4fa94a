"""What is held goes on when a manifest gives roles or resources new ids: in every tenant, for nobody more.

The caller holds the tenants and the application. What runs ends and begins anew, so that the past reads as
it was; what is planned was never used and is only named anew. The job tells the events of assignments.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from accesscontrol.models import Assignment, TenantRole, TenantRolePermission
from applications.events import event, write
from applications.models import Application, ApplicationRole, Resource
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant
from tenants import history
from tenants.models import since


def follow_roles(
    *,
    application: Application,
    pairs: Sequence[tuple[ApplicationRole, ApplicationRole]],
    by: Actor,
    at: datetime,
) -> None:
    """Who holds the former role holds its heir, for the rest of the time and in the same way."""
    heirs = {former.id: (former, heir) for former, heir in pairs}
    with cross_tenant():
        found = Assignment.objects.not_over(at).filter(application_role__in=list(heirs)).order_by("id")
        rows = list(found.select_for_update(of=("self",), no_key=True))
        moved = Counter((row.tenant_id, row.application_role_id) for row in rows)
        planned = [row for row in rows if not _runs(row, at)]
        running = [row for row in rows if _runs(row, at)]
        Assignment.objects.filter(id__in=[row.id for row in running]).close(at)
        fresh = [_anew(row, heirs[row.application_role_id][1], at) for row in running]
        Assignment.objects.bulk_create(fresh, batch_size=1000)
        for row in planned:
            row.application_role = heirs[row.application_role_id][1]
        Assignment.objects.bulk_update(planned, ["application_role"], batch_size=1000)
    for (tenant_id, role_id), number in sorted(moved.items(), key=str):
        former, heir = heirs[role_id]
        history.record(
            action="role.superseded",
            tenants=[tenant_id],
            by=by,
            at=at,
            subject=("application", application.id, application.display_name),
            before={"role": former.key},
            after={"role": heir.key, "assignments": number},
        )


def follow_resources(*, pairs: Sequence[tuple[Resource, Resource]], by: Actor, at: datetime) -> None:
    """Roles of tenants hold of the heir what they held of the former one, as far as it offers that."""
    heirs = {former.id: heir for former, heir in pairs}
    with cross_tenant():
        found = TenantRolePermission.objects.not_over(at).filter(resource__in=list(heirs))
        rows = list(found.order_by("id").select_for_update(of=("self",), no_key=True))
        touched = TenantRole.objects.filter(id__in={row.role_id for row in rows})
        roles = list(touched.order_by("tenant_id", "key"))
        before = _held(roles, at)
        found.close(at)
        TenantRolePermission.objects.bulk_create(
            [
                TenantRolePermission(
                    tenant_id=row.tenant_id,
                    role_id=row.role_id,
                    resource=heirs[row.resource_id],
                    privilege=row.privilege,
                    during=since(max(row.during.lower, at), row.during.upper),
                )
                for row in rows
                if row.privilege in heirs[row.resource_id].privileges
            ],
            batch_size=1000,
        )
        touched.update(revision=F("revision") + 1)  # who edits one of them now edits another one
        after = _held(roles, at)
    for role in roles:
        _tell(role, before[role.id], after[role.id], by, at)


def _runs(row: Assignment, at: datetime) -> bool:
    return row.during.lower is None or row.during.lower < at


def _anew(row: Assignment, heir: ApplicationRole, at: datetime) -> Assignment:
    """The rest of it, still by whoever gave it and as old as it was."""
    return Assignment(
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        group_id=row.group_id,
        application_id=row.application_id,
        application_role=heir,
        contract_id=row.contract_id,
        during=since(at, row.during.upper),
        created_at=row.created_at,
        by_name=row.by_name,
    )


def _held(roles: Sequence[TenantRole], at: datetime) -> dict[UUID, list[list[str]]]:
    rows = TenantRolePermission.objects.at(at).filter(role__in=roles)
    held: dict[UUID, list[list[str]]] = defaultdict(list)
    columns = ("resource__application_id", "resource__type", "resource__key", "privilege")
    for role_id, *permission in rows.order_by(*columns).values_list("role_id", *columns):
        held[role_id].append(permission)
    return held


def _tell(role: TenantRole, before: list[list[str]], after: list[list[str]], by: Actor, at: datetime) -> None:
    history.record(
        action="role.followed",
        tenants=[role.tenant_id],
        by=by,
        at=at,
        subject=("role", role.id, role.name),
        before={"key": role.key, "permissions": before},
        after={"key": role.key, "permissions": after},
    )
    data = {"tenantId": str(role.tenant_id), "role": role.key, "action": "role.followed"}
    write([event(type="role.changed", tenant_id=role.tenant_id, subject=role.key, at=at, data=data)])
