"""The bridge from rows to the facts of ``may``: principals, their assignments, the permissions of roles."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accesscontrol.books import of_tenant as books
from accesscontrol.decide import (
    AssignmentFact,
    CallFacts,
    PrincipalFacts,
    RoleBook,
    Via,
)
from accesscontrol.models import Assignment
from applications import facts as sharing_facts
from applications.availability import SharingFacts
from applications.models import Application
from iam_portal.spans import Span
from iam_portal.walls import cross_tenant, tenant_scope

ALWAYS = (Span(),)

# A person's own lives (without a group), and with each group that reaches him when it does. By an array: for
# one value the planner takes the index that keeps memberships apart. People come second there: it reads all.
# Groups are found one by one, not all of the tenant's: few reach anybody.
REACH = """
WITH RECURSIVE reach(group_id, during) AS (
    SELECT group_id, during FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND user_id = ANY(ARRAY(SELECT %(user)s::uuid)) AND NOT isempty(during)
    UNION
    SELECT p.parent_id, r.during * p.during
    FROM reach r JOIN tenants_groupplacement p
        ON p.group_id = r.group_id AND p.tenant_id = %(tenant)s AND p.during && r.during
)
SELECT NULL, NULL, during FROM tenants_useractivity
WHERE tenant_id = %(tenant)s AND user_id = %(user)s AND NOT isempty(during)
UNION ALL
SELECT g.id, g.name, reach.during * g.during FROM reach
CROSS JOIN LATERAL (SELECT id, name, during FROM tenants_group WHERE id = reach.group_id OFFSET 0) g
WHERE reach.during && g.during
"""

# The same for a group: its own life, and what flows down to it from those above.
_ABOVE = """
WITH RECURSIVE reach(group_id, during) AS (
    SELECT id, during FROM tenants_group
    WHERE tenant_id = %(tenant)s AND id = %(group)s AND NOT isempty(during)
    UNION
    SELECT p.parent_id, r.during * p.during
    FROM reach r JOIN tenants_groupplacement p
        ON p.group_id = r.group_id AND p.tenant_id = %(tenant)s AND p.during && r.during
)
SELECT NULL, NULL, during FROM tenants_group
WHERE tenant_id = %(tenant)s AND id = %(group)s AND NOT isempty(during)
UNION ALL
SELECT g.id, g.name, reach.during * g.during FROM reach JOIN tenants_group g ON g.id = reach.group_id
WHERE reach.during && g.during AND g.id <> %(group)s
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a question is about: exactly one of user, group and application, in a tenant."""

    tenant_id: UUID | str
    user_id: UUID | str | None = None
    application_id: str | None = None
    group_id: UUID | str | None = None


# Of the tenant's own roles each by its id: joined, the planner reads all of them.
ASSIGNMENTS = """
SELECT a.id, a.group_id, a.during, a.by_name, a.contract_id, r.application_id, r.key, t.key, t.name, {made}
FROM accesscontrol_assignment a
LEFT JOIN applications_applicationrole r ON r.id = a.application_role_id
LEFT JOIN LATERAL (
    SELECT id, key, name, during FROM accesscontrol_tenantrole WHERE id = a.tenant_role_id OFFSET 0
) t ON true
WHERE a.tenant_id = %(tenant)s AND NOT isempty(a.during)
    AND (a.user_id = %(user)s::uuid OR a.application_id = %(application)s::text
         OR a.group_id = ANY({groups}))
    AND (r.application_id = ANY(%(applications)s) OR (t.id IS NOT NULL AND NOT isempty(t.during)))
ORDER BY a.created_at, a.id
"""
# Of which of the applications a role of the tenant's own holds anything.
_MADE = """ARRAY(SELECT DISTINCT s.application_id FROM accesscontrol_tenantrolepermission p
    JOIN applications_resource s ON s.id = p.resource_id
    WHERE p.role_id = a.tenant_role_id AND s.application_id = ANY(%(applications)s))"""


def principal(who: Principal, *, application_ids: Collection[str]) -> dict[str, PrincipalFacts]:
    """What is assigned to the principal for each of the applications. Runs in the tenant's scope.

    One query for an application; for a person also one for his activity and his groups.
    """
    active, reach = _reach(who)
    groups = [*reach, who.group_id] if who.group_id is not None else list(reach)
    values = {
        "tenant": who.tenant_id,
        "user": who.user_id,
        "application": who.application_id,
        "groups": groups,
        "applications": list(application_ids),
    }
    rows = _rows(ASSIGNMENTS.format(groups="%(groups)s::uuid[]", made=_MADE), values)
    return of_rows(who, active, reach, rows, application_ids=application_ids)


def of_rows(
    who: Principal,
    active: tuple[Span, ...],
    reach: Mapping[Any, Sequence[Via | None]],
    rows: Iterable[tuple[Any, ...]],
    *,
    application_ids: Collection[str],
) -> dict[str, PrincipalFacts]:
    """The same of the rows of :data:`ASSIGNMENTS`, and of :func:`reaching`."""
    found: dict[str, list[AssignmentFact]] = defaultdict(list)
    for row in rows:
        group_id, own, made = row[1], row[5], row[9]
        vias: Sequence[Via | None] = reach.get(group_id, [None]) if group_id else [None]
        for application_id in [own] if own is not None else made:
            found[application_id] += [
                _assignment(row, str(who.tenant_id), application_id, via) for via in vias
            ]
    principal_id = str(who.user_id or who.application_id or who.group_id)
    return {
        application_id: PrincipalFacts(
            principal_id, str(who.tenant_id), active, tuple(found.get(application_id, ()))
        )
        for application_id in application_ids
    }


def shared_of_calls(
    *, caller: Application, target_ids: Collection[str], tenant_id: UUID | str
) -> dict[str, SharingFacts]:
    """Of caller and targets, for the tenant and the caller's own: what :func:`calls` takes."""
    tenants = {str(tenant_id), str(caller.owner_id)}
    return sharing_facts.sharing({*target_ids, caller.id}, tenant_ids=tenants)


def calls(
    *,
    caller: Application,
    target_ids: Collection[str],
    tenant_id: UUID | str,
    sharing: Mapping[str, SharingFacts] | None = None,
) -> dict[str, CallFacts]:
    """Facts of ``may_call`` for each known target. A fixed number of queries for any number of targets.

    ``sharing`` is what was read before, as by :func:`shared_of_calls`.
    """
    tenant_id, home_id = str(tenant_id), str(caller.owner_id)
    if sharing is None:
        sharing = shared_of_calls(caller=caller, target_ids=target_ids, tenant_id=tenant_id)
    targets = [target_id for target_id in target_ids if target_id in sharing]
    with tenant_scope(tenant_id):
        here = Principal(tenant_id, application_id=caller.id)
        local = principal(here, application_ids=targets)
        # Permissions decide only where a role of the tenant's own making is held.
        shelves = books(targets, tenant_id=tenant_id) if _any_tenant_role(local) else {}
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
            book=shelves.get(target_id, RoleBook()),
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


def _reach(who: Principal) -> tuple[tuple[Span, ...], dict[UUID, list[Via | None]]]:
    """When the principal is active, and the groups whose roles reach it, with the spans in which they do."""
    if who.application_id is not None:
        return ALWAYS, {}
    statement = REACH if who.group_id is None else _ABOVE
    values = {"tenant": who.tenant_id, "user": who.user_id, "group": who.group_id}
    return reaching(_rows(statement, values))


def reaching(rows: Iterable[tuple[Any, ...]]) -> tuple[tuple[Span, ...], dict[Any, list[Via | None]]]:
    """The same of the rows of :data:`REACH`: (group or nothing, name, span)."""
    groups: dict[Any, list[Via | None]] = defaultdict(list)
    active: list[Span] = []
    for group_id, name, during in rows:
        if group_id is None:
            active.append(Span.of(during))
        else:
            groups[group_id].append(Via(Span.of(during), str(group_id), name))
    return tuple(active), groups


def reach_of_user(
    user_id: UUID, *, tenant_id: UUID | str
) -> tuple[tuple[Span, ...], dict[UUID, list[Via | None]]]:
    """When the user is active, and every group whose roles reached him, reach him or will: one query."""
    return _reach(Principal(tenant_id, user_id=user_id))


def _any_tenant_role(facts: Mapping[str, PrincipalFacts]) -> bool:
    return any(each.tenant_role is not None for found in facts.values() for each in found.assignments)


def _assignment(row: tuple[Any, ...], tenant_id: str, application_id: str, via: Via | None) -> AssignmentFact:
    pk, _, during, by, contract_id, _, key, tenant_role, tenant_role_name, _ = row
    return AssignmentFact(
        id=str(pk),
        tenant_id=tenant_id,
        span=Span.of(during),
        by=by,
        application_id=application_id,
        application_role=key,
        tenant_role=tenant_role,
        tenant_role_name=tenant_role_name or "",
        contract_id=str(contract_id) if contract_id else None,
        via=via,
    )


def groups_above(*group_ids: UUID, tenant_id: UUID | str, at: datetime) -> set[UUID]:
    """The groups and every group above them, now or planned. One query for any number."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE above(id) AS (
                SELECT unnest(%(groups)s::uuid[])
                UNION
                SELECT p.parent_id FROM above JOIN tenants_groupplacement p
                    ON p.group_id = above.id AND p.tenant_id = %(tenant)s
                WHERE NOT isempty(p.during) AND (upper_inf(p.during) OR upper(p.during) > %(at)s)
            )
            SELECT id FROM above
            """,
            {"groups": list(group_ids), "tenant": tenant_id, "at": at},
        )
        return {row[0] for row in cursor.fetchall()}


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
