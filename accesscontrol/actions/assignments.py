"""Giving roles to principals, and taking them away."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from accesscontrol.actions import assigned
from accesscontrol.decide import Permission
from accesscontrol.gate import may_grant, require_may_grant
from accesscontrol.models import Assignment, TenantRole
from applications import facts as sharing_facts
from applications.availability import granted
from applications.models import Application, ApplicationRole, Contract, RolePermission
from applications.models.applications import PORTAL_ID
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor, Answers
from iam_portal.walls import tenant_scope
from tenants.models import Group, Tenant, User, since
from tenants.models.lookups import just
from tenants.policies import guarded, hold

# Of a role that thousands of permissions of other applications make, one row says that there are some.
_NAMED = """
SELECT DISTINCT p.role_id, s.type, s.key, CASE WHEN s.type IS NOT NULL THEN p.privilege END
FROM (
    SELECT role_id, resource_id, privilege FROM accesscontrol_tenantrolepermission
    WHERE role_id = ANY(%(roles)s::uuid[])
        AND NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(at)s) OFFSET 0
) p
LEFT JOIN LATERAL (
    SELECT type, key FROM applications_resource
    WHERE id = p.resource_id AND application_id = %(portal)s OFFSET 0
) s ON true
"""


class NotGrantedHere(DomainError):
    """The role is not granted to this tenant, or not by that contract; the reasons say why."""

    code = "role_not_granted"


class AlreadyAssigned(DomainError):
    """The principal holds the role for that time."""

    code = "already_assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to assign: exactly one principal; ``application_id`` ``None`` names a tenant role."""

    role: str
    application_id: str | None = None
    user_id: UUID | None = None
    group_id: UUID | None = None
    principal_application_id: str | None = None
    contract_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def assign(*, tenant: Tenant, wanted: Wanted, by: Actor, at: datetime) -> Assignment:
    """Give the role, from now or a later moment. Asks ``may grant`` before it writes."""
    start = wanted.starts_at or at
    if start < at or (wanted.ends_at is not None and wanted.ends_at <= start):
        raise Invalid("An assignment begins now or later, and ends after it began.")
    with tenant_scope(tenant.id), transaction.atomic():
        hold(tenant)  # two at once with the same role and principal take turns
        row = Assignment(
            tenant=tenant, during=since(start, wanted.ends_at), created_at=at, by_name=assigned.name_of(by)
        )
        _set_principal(row, tenant, wanted, at)
        _set_role(row, tenant, wanted, at)
        asked, foreign = what_role_gives(row, at=at)
        subject = assigned.subject_of(row)
        require_may_grant(actor=by, tenant_id=tenant.id, asked=asked, foreign=foreign, at=at, subject=subject)
        if _overlapping(row):
            raise AlreadyAssigned("The role is assigned for that time already.")
        row.full_clean()
        row.save()
        assigned.told(row, "role.assigned" if start == at else "role.planned", by=by, at=at)
    return row


def withdraw(*, tenant: Tenant, assignment_id: UUID, by: Actor, at: datetime) -> None:
    """End the assignment now. Whoever may not give a role may not take it either."""
    with tenant_scope(tenant.id), transaction.atomic(), guarded(tenant=tenant, at=at):
        row = (
            Assignment.objects.not_over(at)
            .filter(tenant=tenant, id=assignment_id)
            .select_related("application_role__application", "tenant_role")
            .first()
        )
        if row is None or _has_ended(row.application_role):
            raise NotFound
        asked, foreign = what_role_gives(row, at=at)
        subject = assigned.subject_of(row)
        require_may_grant(actor=by, tenant_id=tenant.id, asked=asked, foreign=foreign, at=at, subject=subject)
        assigned.end([row], by=by, at=at)


def _has_ended(role: ApplicationRole | None) -> bool:
    """A manifest was faster: who held the role holds its heir, if it has one, by another assignment."""
    return role is not None and role.during.upper is not None


def withdraw_all(*, role: TenantRole, by: Actor, at: datetime) -> None:
    """End the role for all who hold it, now or planned. The caller holds the tenant's row.

    Whoever may not give it may not take it from anybody.
    """
    # Looked up by their ids: joined, each row is held against everybody of the tenant.
    rows = list(_holding(role, at).prefetch_related("user", "group", "application"))
    for row in rows:
        row.tenant, row.tenant_role = role.tenant, role
    if rows:
        _require_may_take(rows[0], by=by, at=at)
        assigned.end(rows, by=by, at=at)


def require_may_withdraw_all(
    *, role: TenantRole, by: Actor, at: datetime, read: Answers | None = None
) -> None:
    """Refuses as :func:`withdraw_all` would. ``read`` is what the same request has read of the actor.

    Who may take it of whomever need not be told whether somebody holds it.
    """
    asked, foreign = what_roles_hold({role.id}, at=at)
    named: dict[str, Any] = {"actor": by, "tenant_id": role.tenant_id, "at": at}
    may, _missing = may_grant(asked=asked, foreign=foreign, read=read, **named)
    row = None if may else _holding(role, at).first()
    if row is not None:
        _require_may_take(row, by=by, at=at)


def _holding(role: TenantRole, at: datetime) -> QuerySet[Assignment]:
    rows = Assignment.objects.not_over(at).filter(just("tenant_role", role.id), tenant_id=role.tenant_id)
    return rows.order_by("created_at", "id")


def _require_may_take(row: Assignment, *, by: Actor, at: datetime) -> None:
    asked, foreign = what_role_gives(row, at=at)
    subject = assigned.subject_of(row)
    require_may_grant(actor=by, tenant_id=row.tenant_id, asked=asked, foreign=foreign, at=at, subject=subject)


def what_role_gives(row: Assignment, *, at: datetime) -> tuple[set[Permission], bool]:
    """(portal permissions that the role holds, whether it holds anything of other applications)."""
    return what_principal_holds([row], at=at)


def what_principal_holds(rows: Iterable[Assignment], *, at: datetime) -> tuple[set[Permission], bool]:
    """The same over everything that a principal holds. Two statements at most, after that of the rows."""
    every = list(rows)
    declared = [row.application_role for row in every if row.application_role]
    portal = {role.pk for role in declared if role.application_id == PORTAL_ID}
    foreign = any(role.application_id != PORTAL_ID for role in declared)
    made = {row.tenant_role_id for row in every if row.tenant_role_id}
    asked: set[Permission] = set()
    if portal:
        # The rows that the gate reads, not the table they were made from.
        held = RolePermission.objects.at(at).filter(role__in=portal)
        asked |= set(held.values_list("resource__type", "resource__key", "privilege"))
    if made:
        named, others = what_roles_hold(made, at=at)
        asked, foreign = asked | named, foreign or others
    return asked, foreign


def what_roles_hold(made: Collection[UUID], *, at: datetime) -> tuple[set[Permission], bool]:
    """The same of roles of a tenant's own making, whoever holds them. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"roles": list(made), "at": at, "portal": PORTAL_ID})
        found = cursor.fetchall()
    asked = {(kind, key, privilege) for _, kind, key, privilege in found if kind is not None}
    # One that is empty yet may be filled with anything.
    return asked, {role for role, *_ in found} != set(made) or any(row[1] is None for row in found)


def _set_principal(row: Assignment, tenant: Tenant, wanted: Wanted, at: datetime) -> None:
    named = [wanted.user_id, wanted.group_id, wanted.principal_application_id]
    if sum(value is not None for value in named) != 1:
        raise Invalid("Name exactly one principal.")
    if wanted.user_id is not None:
        row.user = User.objects.filter(tenant=tenant, id=wanted.user_id).first()
        found = row.user is not None
    elif wanted.group_id is not None:
        row.group = Group.objects.at(at).filter(tenant=tenant, id=wanted.group_id).first()
        found = row.group is not None
    else:
        row.application = _service(tenant, wanted, at)
        found = row.application is not None
    if not found:
        raise NotFound("There is no such principal here.")


def _service(tenant: Tenant, wanted: Wanted, at: datetime) -> Application | None:
    """An application that has a part in this tenant, or wants it: available here, or the tenant's own."""
    application_id = wanted.principal_application_id or ""
    facts = sharing_facts.of_application(application_id, tenant_id=tenant.id)
    if facts is None or application_id == PORTAL_ID:
        return None
    known = facts.application.owner_id == str(tenant.id) or any(
        contract.consumer_id == str(tenant.id) for contract in facts.contracts
    )
    return Application.objects.at(at).filter(id=application_id).first() if known else None


def _set_role(row: Assignment, tenant: Tenant, wanted: Wanted, at: datetime) -> None:
    if wanted.application_id is None:
        row.tenant_role = TenantRole.objects.at(at).filter(tenant=tenant, key=wanted.role).first()
        if row.tenant_role is None:
            raise NotFound("There is no such role here.")
        return
    row.application_role = (
        ApplicationRole.objects.at(at).filter(application_id=wanted.application_id, key=wanted.role).first()
    )
    if _has_ended(row.application_role):
        raise NotFound("There is no such role here.")
    sharing = sharing_facts.of_application(wanted.application_id, tenant_id=tenant.id)
    known = sharing is not None and sharing_facts.concerns(sharing, tenant_id=str(tenant.id))
    if row.application_role is None or sharing is None or not known:
        # A stranger's application answers like one that is not there, whatever its state.
        raise NotFound("There is no such role here.")
    if wanted.contract_id is not None:
        row.contract = Contract.objects.filter(
            id=wanted.contract_id, consumer=tenant, type="access", terms__role=row.application_role
        ).first()
        if row.contract is None:
            raise NotFound("There is no such contract here.")
    answer = granted(sharing, role=wanted.role, tenant_id=str(tenant.id), at=max(wanted.starts_at or at, at))
    contract_id = str(wanted.contract_id) if wanted.contract_id else None
    ways = [way for way in answer.holding if _fits(way.relation, way.contract_id, contract_id)]
    if not ways and not _planned(tenant, wanted, at):
        if answer.decision.code in ("no_contract", "application_retired") and not answer.ways:
            raise NotFound("There is no such role here.")
        raise NotGrantedHere("The role is not granted here in this way.", reasons=answer.decision.reasons)


def _fits(relation: str, way_contract: str | None, contract_id: str | None) -> bool:
    return way_contract == contract_id if contract_id is not None else relation != "access"


def _planned(tenant: Tenant, wanted: Wanted, at: datetime) -> bool:
    """A role may be assigned before its contract starts or while it is paused; it counts once granted."""
    rows = Contract.objects.filter(
        consumer=tenant,
        state="accepted",
        terms__role__application_id=wanted.application_id,
        terms__role__key=wanted.role,
        type="access" if wanted.contract_id else "provision",
    )
    if wanted.contract_id:
        rows = rows.filter(id=wanted.contract_id)
    return rows.exclude(ends_at__lte=at).exists()


def _overlapping(row: Assignment) -> bool:
    return Assignment.objects.filter(
        tenant=row.tenant,
        user=row.user,
        group=row.group,
        application=row.application,
        application_role=row.application_role,
        tenant_role=row.tenant_role,
        contract=row.contract,
        during__overlap=row.during,
    ).exists()
