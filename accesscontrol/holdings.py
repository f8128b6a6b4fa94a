"""Who holds what in many tenants at once: the facts behind an impact, in a fixed number of statements.

The same facts as ``accesscontrol.facts`` loads for one principal, for all that have to do with some pairs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.books import Declared, Pair, books_of_held
from accesscontrol.decide import AssignmentFact, CallFacts, PrincipalFacts, RoleBook, Via
from applications import facts as sharing_facts
from applications.availability import SharingFacts
from iam_portal.spans import Span
from iam_portal.walls import cross_tenant

Call = tuple[str, str, str]  # caller, target, tenant in which it calls
ALWAYS = (Span(),)

# What is assigned from the moment on. A tenant role counts for every application that it touches: found once
# for each role, not for each of the thousands who hold it, and for all roles in one go. So are their names:
# the planner, which expects few rows, would hold each assignment against all roles of the tenant.
_ASSIGNED = """
WITH chosen AS MATERIALIZED (
    SELECT a.* FROM {rows} a
    WHERE NOT isempty(a.during) AND (upper_inf(a.during) OR upper(a.during) > %(when)s) AND {chosen}
), touched AS MATERIALIZED (
    SELECT found.role_id, found.application_id, named.key, named.name FROM ({touched}) found
    CROSS JOIN LATERAL (
        SELECT key, name FROM accesscontrol_tenantrole
        WHERE id = found.role_id AND NOT isempty(during) OFFSET 0
    ) named
)
SELECT a.tenant_id::text, a.id::text, a.user_id, a.group_id, a.application_id, a.during, a.by_name,
    a.contract_id::text, c.provider_id::text, coalesce(r.application_id, touched.application_id),
    r.key, touched.key, touched.name{more}
FROM chosen a
LEFT JOIN {declared} r ON r.id = a.application_role_id
LEFT JOIN touched ON touched.role_id = a.tenant_role_id
LEFT JOIN applications_contract c ON c.id = a.contract_id
WHERE coalesce(r.application_id, touched.application_id) {targets}
ORDER BY a.created_at, a.id
"""
_TOUCHED = """SELECT DISTINCT p.role_id, s.application_id
    FROM accesscontrol_tenantrolepermission p
    JOIN applications_resource s ON s.id = p.resource_id AND s.application_id {targets}
    WHERE p.role_id = ANY(ARRAY(SELECT DISTINCT tenant_role_id FROM chosen WHERE tenant_role_id IS NOT NULL))
        {near}"""
# The resources of some applications are put into a table once; else each permission was looked up by itself.
_NEAR = "AND (p.resource_id IN (SELECT id FROM applications_resource WHERE application_id {})) IS TRUE"
_DECLARED = "applications_applicationrole"
# Which is quicker where a few people hold a few roles: of a hundred applications, that is a large table.
_OF_FEW = """SELECT DISTINCT p.role_id, s.application_id
    FROM (SELECT DISTINCT tenant_role_id FROM chosen WHERE tenant_role_id IS NOT NULL) made
    CROSS JOIN LATERAL (
        SELECT role_id, resource_id FROM accesscontrol_tenantrolepermission
        WHERE role_id = made.tenant_role_id OFFSET 0
    ) p
    CROSS JOIN LATERAL (SELECT application_id FROM applications_resource WHERE id = p.resource_id OFFSET 0) s
    WHERE s.application_id {targets}"""
_DECLARED_OF_FEW = """LATERAL (
    SELECT id, application_id, key FROM applications_applicationrole WHERE id = a.application_role_id OFFSET 0
)"""


def assigned(
    chosen: str,
    *,
    rows: str = "accesscontrol_assignment",
    targets: str = "",
    few: bool = False,
    touched: str = "",
    more: str = "",
) -> str:
    """The statement for the ``rows`` that are ``chosen``, and of applications for the ``targets``.

    ``few``: rows of a few people. ``touched``: where it is known which roles touch which application.
    ``more``: columns besides those that :func:`assignment_of` takes.
    """
    near = _NEAR.format(targets) if targets else ""
    wanted = targets or "IS NOT NULL"
    found = _OF_FEW.format(targets=wanted) if few else _TOUCHED.format(targets=wanted, near=near)
    return _ASSIGNED.format(
        rows=rows,
        chosen=chosen,
        targets=wanted,
        touched=touched or found,
        declared=_DECLARED_OF_FEW if few else _DECLARED,
        more=more,
    )


_OF_PAIRS = assigned(
    "a.tenant_id = ANY(%(tenants)s::uuid[])",
    targets="= ANY(%(applications)s)",
)
_OF_CALLERS = assigned(
    "a.application_id = ANY(%(callers)s)",
    more=", (SELECT owner_id FROM applications_application WHERE id = a.application_id)::text",
)

# From the groups that hold something down to the people in them and below them.
_MEMBERS = """
WITH RECURSIVE below(root, group_id, during) AS (
    SELECT g.id, g.id, g.during FROM tenants_group g WHERE g.id = ANY(%(groups)s::uuid[])
    UNION
    SELECT b.root, p.group_id, b.during * p.during
    FROM below b JOIN tenants_groupplacement p ON p.parent_id = b.group_id AND p.during && b.during
)
SELECT b.root, m.user_id, m.during * b.during, g.name
FROM below b JOIN tenants_membership m ON m.group_id = b.group_id AND m.during && b.during
JOIN tenants_group g ON g.id = b.root
WHERE upper_inf(m.during * b.during) OR upper(m.during * b.during) > %(when)s
"""
_ACTIVE = """
SELECT user_id, during FROM tenants_useractivity
WHERE user_id = ANY(%(users)s::uuid[]) AND NOT isempty(during)
    AND (upper_inf(during) OR upper(during) > %(when)s)
"""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Facts of people by pair and user, and of the calls of services, at one look."""

    sharing: Mapping[str, SharingFacts]
    books: Mapping[Pair, RoleBook]
    people: Mapping[Pair, Mapping[UUID, PrincipalFacts]]
    calls: Mapping[Call, CallFacts]


def load(pairs: Mapping[str, Collection[str]], *, when: datetime) -> Holdings:
    """Everything that rests on these pairs (application id → tenant ids) from the moment on.

    Crosses tenants: an act of one side takes from the people and services of others. Nothing of it is shown
    to whom it does not belong (``accesscontrol.impact``).
    """
    tenants = sorted(_tenants(pairs))
    with cross_tenant():
        rows = rows_of(_OF_PAIRS, when=when, tenants=tenants, applications=sorted(pairs))
        callers = {*pairs, *(row[4] for row in rows if row[4])}
        return _gathered(pairs, _people(pairs, rows, when), held_roles(rows), callers, when)


def of_services(
    pairs: Mapping[str, Collection[str]], *, made: str, callers: Collection[str], when: datetime
) -> Holdings:
    """What these callers hold from the moment on, of nobody else; one call may rest on several roles.

    And what decides on the role of a tenant's own making that has the key ``made``. Crosses tenants as above.
    """
    with cross_tenant():
        return _gathered(pairs, {}, (set(), {made}), callers, when)


def _gathered(
    pairs: Mapping[str, Collection[str]],
    people: Mapping[Pair, Mapping[UUID, PrincipalFacts]],
    roles: tuple[set[Declared], set[str]],
    callers: Collection[str],
    when: datetime,
) -> Holdings:
    """With what the ``callers`` may call, and what decides on all of it."""
    services = rows_of(_OF_CALLERS, when=when, callers=sorted(callers))
    owners = {row[4]: row[13] for row in services}
    calls = _calls(pairs, services, owners)
    targets = {*pairs, *(target for _caller, target, _tenant in calls)}
    places = {*_tenants(pairs), *(tenant_id for _caller, _target, tenant_id in calls)}
    known, everywhere = {*targets, *owners}, {*places, *(owners[caller] for caller, _t, _p in calls)}
    sharing = sharing_facts.sharing(known, tenant_ids=everywhere)
    declared, made = held_roles(services)
    books = books_of_held(targets, tenant_ids=places, made=made | roles[1], declared=declared | roles[0])
    return Holdings(sharing, books, people, call_facts(calls, services, owners, sharing, books))


def _tenants(pairs: Mapping[str, Collection[str]]) -> set[str]:
    return {tenant_id for found in pairs.values() for tenant_id in found}


def _people(
    pairs: Mapping[str, Collection[str]], rows: Iterable[tuple[Any, ...]], when: datetime
) -> dict[Pair, dict[UUID, PrincipalFacts]]:
    rows = [row for row in rows if (row[2] or row[3]) and row[0] in pairs[row[9]]]
    members: dict[UUID, list[tuple[UUID, Via]]] = defaultdict(list)
    groups = sorted({row[3] for row in rows if row[3]}, key=str)
    for root, user_id, during, name in rows_of(_MEMBERS, groups=groups, when=when):
        members[root].append((user_id, Via(Span.of(during), str(root), name)))
    held: dict[Pair, dict[UUID, list[AssignmentFact]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        reached: list[tuple[UUID, Via | None]] = [(row[2], None)] if row[2] else [*members[row[3]]]
        for user_id, via in reached:
            held[row[9], row[0]][user_id].append(assignment_of(row, via))
    users = sorted({user_id for found in held.values() for user_id in found}, key=str)
    active: dict[UUID, list[Span]] = defaultdict(list)
    for user_id, during in rows_of(_ACTIVE, users=users, when=when):
        active[user_id].append(Span.of(during))
    return {
        pair: {
            user_id: PrincipalFacts(str(user_id), pair[1], tuple(active[user_id]), tuple(assignments))
            for user_id, assignments in found.items()
        }
        for pair, found in held.items()
    }


def _calls(
    pairs: Mapping[str, Collection[str]], services: Iterable[tuple[Any, ...]], owners: Mapping[str, str]
) -> set[Call]:
    """Calls that rest on one of the pairs: the target's, the caller's, or that of the caller's home."""

    def concerned(application_id: str, tenant_id: str) -> bool:
        return tenant_id in pairs.get(application_id, ())

    found: set[Call] = set()
    for row in services:
        home, caller, target = row[0], row[4], row[9]
        tenant_id = row[8] or home  # under an access contract it calls in the provider's tenant
        places = {tenant_id, home, owners[caller]}
        if any(concerned(target, place) or concerned(caller, place) for place in places):
            found.add((caller, target, tenant_id))
    return found


def call_facts(
    calls: Iterable[Call],
    services: Iterable[tuple[Any, ...]],
    owners: Mapping[str, str],
    sharing: Mapping[str, SharingFacts],
    shelves: Mapping[Pair, RoleBook],
) -> dict[Call, CallFacts]:
    held: dict[tuple[str, str, str], list[AssignmentFact]] = defaultdict(list)
    for row in services:
        held[row[0], row[4], row[9]].append(assignment_of(row, None))

    def principal(tenant_id: str, caller: str, target: str) -> PrincipalFacts:
        return PrincipalFacts(caller, tenant_id, ALWAYS, tuple(held[tenant_id, caller, target]))

    found = {}
    for caller, target, tenant_id in calls:
        home = owners[caller]
        found[caller, target, tenant_id] = CallFacts(
            tenant_id=tenant_id,
            home_id=home,
            caller=sharing[caller],
            target=sharing[target],
            book=shelves[target, tenant_id],
            local=principal(tenant_id, caller, target),
            at_home=principal(home, caller, target),
        )
    return found


def held_roles(rows: Iterable[tuple[Any, ...]]) -> tuple[set[Declared], set[str]]:
    """Of such rows, the roles of applications, and the keys of those of a tenant's own making."""
    found = [(row[9], row[10], row[11]) for row in rows]
    declared = {(application_id, key) for application_id, key, _made in found if key}
    return declared, {made for _application, _key, made in found if made}


def owners_of(application_ids: Collection[str]) -> dict[str, str]:
    statement = "SELECT id, owner_id::text FROM applications_application WHERE id = ANY(%(ids)s)"
    return dict(rows_of(statement, ids=sorted(application_ids)))


def assignment_of(row: tuple[Any, ...], via: Via | None) -> AssignmentFact:
    return AssignmentFact(
        id=row[1],
        tenant_id=row[0],
        span=Span.of(row[5]),
        by=row[6],
        application_id=row[9],
        application_role=row[10],
        tenant_role=row[11],
        tenant_role_name=row[12] or "",
        contract_id=row[7],
        via=via,
    )


def rows_of(statement: str, **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
