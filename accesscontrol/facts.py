"""The bridge from rows to the facts of ``may``: principals, their assignments, the permissions of roles."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accesscontrol.decide import (
    AssignmentFact,
    CallFacts,
    PermissionFact,
    PrincipalFacts,
    RoleBook,
    Via,
)
from accesscontrol.models import Assignment, TenantRolePermission
from applications import facts as sharing_facts
from applications.models import Application, RolePermission
from iam_portal.spans import Span
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import UserActivity

ALWAYS = (Span(),)

_GROUPS = """
WITH RECURSIVE reach(group_id, during) AS (
    SELECT group_id, during FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND user_id = %(user)s AND NOT isempty(during)
    UNION
    SELECT p.parent_id, r.during * p.during
    FROM reach r JOIN tenants_groupplacement p
        ON p.group_id = r.group_id AND p.tenant_id = %(tenant)s AND p.during && r.during
)
SELECT g.id, g.name, reach.during * g.during FROM reach JOIN tenants_group g ON g.id = reach.group_id
WHERE reach.during && g.during
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a question is about: exactly one of user, group and application, in a tenant."""

    tenant_id: UUID | str
    user_id: UUID | str | None = None
    application_id: str | None = None
    group_id: UUID | str | None = None


def principal(who: Principal, *, application_ids: Collection[str]) -> dict[str, PrincipalFacts]:
    """What is assigned to the principal for each of the applications. Runs in the tenant's scope."""
    reach = _reach(who)
    rows = _assignments(who, reach, application_ids)
    found: dict[str, list[AssignmentFact]] = defaultdict(list)
    for row, application_id in rows:
        vias = reach.get(row.group_id, [None]) if row.group_id else [None]
        found[application_id] += [_assignment(row, application_id, via) for via in vias]
    active = _activity(who)
    principal_id = str(who.user_id or who.application_id or who.group_id)
    return {
        application_id: PrincipalFacts(
            principal_id, str(who.tenant_id), active, tuple(found.get(application_id, ()))
        )
        for application_id in application_ids
    }


def books(application_ids: Collection[str], *, tenant_id: UUID | str) -> dict[str, RoleBook]:
    """Permissions of application roles and of the tenant's roles, by application. Two queries."""
    own: dict[str, dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
    rows = RolePermission.objects.filter(
        role__application_id__in=application_ids, during__isempty=False, resource__owner_tenant=None
    ).values_list(
        "role__application_id", "role__key", "resource__type", "resource__key", "privilege", "during"
    )
    for application_id, key, kind, resource, privilege, during in rows:
        own[application_id][key].append(PermissionFact((kind, resource, privilege), Span.of(during)))
    made: dict[str, dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
    local = TenantRolePermission.objects.filter(
        tenant_id=tenant_id, resource__application_id__in=application_ids, during__isempty=False
    ).values_list(
        "resource__application_id", "role__key", "resource__type", "resource__key", "privilege", "during"
    )
    for application_id, key, kind, resource, privilege, during in local:
        made[application_id][key].append(PermissionFact((kind, resource, privilege), Span.of(during)))
    return {
        application_id: RoleBook(
            {key: tuple(facts) for key, facts in own[application_id].items()},
            {key: tuple(facts) for key, facts in made[application_id].items()},
        )
        for application_id in application_ids
    }


def calls(*, caller: Application, target_ids: Collection[str], tenant_id: UUID | str) -> dict[str, CallFacts]:
    """Facts of ``may_call`` for each known target. A fixed number of queries for any number of targets."""
    tenant_id, home_id = str(tenant_id), str(caller.owner_id)
    everyone = {tenant_id, home_id}
    sharing = sharing_facts.sharing({*target_ids, caller.id}, tenant_ids=everyone)
    targets = [target_id for target_id in target_ids if target_id in sharing]
    with tenant_scope(tenant_id):
        here = Principal(tenant_id, application_id=caller.id)
        local = principal(here, application_ids=targets)
        books_ = books(targets, tenant_id=tenant_id)
    at_home = local
    if home_id != tenant_id:
        # The caller's owner holds roles of T's data by access contract: rows of another tenant.
        with cross_tenant():
            at_home = principal(Principal(home_id, application_id=caller.id), application_ids=targets)
    return {
        target_id: CallFacts(
            tenant_id=tenant_id,
            home_id=home_id,
            caller=sharing[caller.id],
            target=sharing[target_id],
            book=books_[target_id],
            local=local[target_id],
            at_home=at_home[target_id],
        )
        for target_id in targets
    }


def callable_targets(*, caller: Application, tenant_id: UUID | str) -> list[str]:
    """Applications that the caller has or had a role of, in the tenant or by access contract: candidates."""
    with cross_tenant():
        rows = Assignment.objects.filter(
            Q(tenant_id=tenant_id) | Q(tenant_id=caller.owner_id, contract__provider_id=tenant_id),
            application_id=caller.id,
        )
        direct = set(rows.values_list("application_role__application_id", flat=True))
        made = set(rows.values_list("tenant_role__permissions__resource__application_id", flat=True))
    return sorted(found for found in direct | made if found is not None)


def _reach(who: Principal) -> dict[UUID, list[Via | None]]:
    """The groups whose roles reach the principal, with the spans in which they do."""
    found: dict[UUID, list[Via | None]] = defaultdict(list)
    if who.user_id is not None:
        with connection.cursor() as cursor:
            cursor.execute(_GROUPS, {"tenant": who.tenant_id, "user": who.user_id})
            for group_id, name, during in cursor.fetchall():
                found[group_id].append(Via(Span.of(during), str(group_id), name))
    return found


def _assignments(
    who: Principal, reach: Collection[UUID], application_ids: Collection[str]
) -> list[tuple[Assignment, str]]:
    mine = Q(application_id=who.application_id) if who.application_id else Q(group_id__in=list(reach))
    if who.user_id is not None:
        mine |= Q(user_id=who.user_id)
    if who.group_id is not None:
        mine |= Q(group_id=who.group_id)
    rows = Assignment.objects.filter(mine, tenant_id=who.tenant_id, during__isempty=False)
    direct = rows.filter(application_role__application_id__in=application_ids)
    pairs = [
        (row, row.application_role.application_id)
        for row in direct.select_related("application_role").order_by("created_at", "id")
        if row.application_role is not None
    ]
    made = rows.filter(tenant_role__isnull=False, tenant_role__during__isempty=False)
    roles = list(made.select_related("tenant_role").order_by("created_at", "id"))
    if not roles:
        return pairs
    touched = set(
        TenantRolePermission.objects.filter(
            role_id__in=[row.tenant_role_id for row in roles],
            resource__application_id__in=application_ids,
        ).values_list("role_id", "resource__application_id")
    )
    return pairs + [
        (row, application_id)
        for row in roles
        for role_id, application_id in touched
        if role_id == row.tenant_role_id
    ]


def _assignment(row: Assignment, application_id: str, via: Via | None) -> AssignmentFact:
    return AssignmentFact(
        id=str(row.id),
        tenant_id=str(row.tenant_id),
        span=Span.of(row.during),
        by=row.by_name,
        application_id=application_id,
        application_role=row.application_role.key if row.application_role else None,
        tenant_role=row.tenant_role.key if row.tenant_role else None,
        tenant_role_name=row.tenant_role.name if row.tenant_role else "",
        contract_id=str(row.contract_id) if row.contract_id else None,
        via=via,
    )


def _activity(who: Principal) -> tuple[Span, ...]:
    if who.user_id is None:
        return ALWAYS
    rows = UserActivity.objects.filter(
        tenant_id=who.tenant_id, user_id=who.user_id, during__isempty=False
    ).values_list("during", flat=True)
    return tuple(Span.of(during) for during in rows)


def groups_above(group_id: UUID, *, tenant_id: UUID | str, at: datetime) -> set[UUID]:
    """The group and every group above it, now or planned."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE above(id) AS (
                SELECT %(group)s::uuid
                UNION
                SELECT p.parent_id FROM above JOIN tenants_groupplacement p
                    ON p.group_id = above.id AND p.tenant_id = %(tenant)s
                WHERE NOT isempty(p.during) AND (upper_inf(p.during) OR upper(p.during) > %(at)s)
            )
            SELECT id FROM above
            """,
            {"group": group_id, "tenant": tenant_id, "at": at},
        )
        return {row[0] for row in cursor.fetchall()}
