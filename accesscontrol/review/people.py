"""What is assigned to some people for some applications: two statements for any number of them."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from accesscontrol.decide import AssignmentFact, PrincipalFacts, Via
from accesscontrol.holdings import assigned, assignment_of, rows_of
from iam_portal.spans import BEGINNING, Span

# Up from the people, as for one of them: by the list itself the planner takes the index where groups come
# first, and reads all of it. Their own lives are the rows without a group.
_REACH = """
WITH RECURSIVE reach(user_id, group_id, during) AS (
    SELECT user_id, group_id, during FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND NOT isempty(during)
        AND user_id = ANY(ARRAY(SELECT unnest(%(users)s::uuid[])))
    UNION
    SELECT r.user_id, p.parent_id, r.during * p.during
    FROM reach r JOIN tenants_groupplacement p
        ON p.group_id = r.group_id AND p.tenant_id = %(tenant)s AND p.during && r.during
)
SELECT user_id, NULL, NULL, during FROM tenants_useractivity
WHERE tenant_id = %(tenant)s AND user_id = ANY(%(users)s::uuid[]) AND NOT isempty(during)
UNION ALL
SELECT reach.user_id, g.id, g.name, reach.during * g.during
FROM reach JOIN tenants_group g ON g.id = reach.group_id
WHERE reach.during && g.during
"""
_THEIRS = """a.tenant_id = %(tenant)s AND a.application_id IS NULL
        AND (a.user_id = ANY(%(users)s::uuid[]) OR a.group_id = ANY(%(groups)s::uuid[]))"""
# Where a book says which roles of the tenant's own hold something of the one application.
AS_IN_BOOK = """SELECT id AS role_id, application_id
    FROM accesscontrol_tenantrole CROSS JOIN unnest(%(applications)s::text[]) AS one(application_id)
    WHERE tenant_id = %(tenant)s AND key = ANY(%(made)s)"""
_HELD = assigned(_THEIRS, targets="= ANY(%(applications)s)")
_HELD_OF_FEW = assigned(_THEIRS, targets="= ANY(%(applications)s)", few=True)
_HELD_AS_IN_BOOK = assigned(_THEIRS, targets="= ANY(%(applications)s)", touched=AS_IN_BOOK)
FEW = 5


def people(
    user_ids: Collection[UUID],
    *,
    tenant_id: UUID | str,
    application_ids: Collection[str],
    made: Collection[str] | None = None,
) -> dict[str, dict[UUID, PrincipalFacts]]:
    """By application, those of them to whom something of it is assigned. Runs in the tenant's scope.

    ``made``, for one application: the keys of those of the tenant's own roles that hold something of it.
    """
    values = {"tenant": tenant_id, "users": sorted(set(user_ids), key=str)}
    active: dict[UUID, list[Span]] = defaultdict(list)
    members: dict[UUID, list[tuple[UUID, Via]]] = defaultdict(list)
    for user_id, group_id, name, during in rows_of(_REACH, **values):
        if group_id is None:
            active[user_id].append(Span.of(during))
        else:
            members[group_id].append((user_id, Via(Span.of(during), str(group_id), name)))
    given = {"groups": sorted(members, key=str), "applications": sorted(application_ids), "when": BEGINNING}
    held: dict[str, dict[UUID, list[AssignmentFact]]] = defaultdict(lambda: defaultdict(list))
    statement = _HELD_OF_FEW if len(user_ids) <= FEW else _HELD
    if made is not None:
        statement, given["made"] = _HELD_AS_IN_BOOK, sorted(made)
    for row in rows_of(statement, **values, **given):
        reached: list[tuple[UUID, Via | None]] = [(row[2], None)] if row[2] else [*members[row[3]]]
        for user_id, via in reached:
            held[row[9]][user_id].append(assignment_of(row, via))
    return {
        application_id: {
            user_id: PrincipalFacts(str(user_id), str(tenant_id), tuple(active[user_id]), tuple(found))
            for user_id, found in theirs.items()
        }
        for application_id, theirs in held.items()
    }
