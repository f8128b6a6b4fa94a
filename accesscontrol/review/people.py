"""What is assigned to some people for some applications: two statements for any number of them."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from accesscontrol.decide import AssignmentFact, PrincipalFacts, Via
from accesscontrol.holdings import assigned, assignment_of, rows_of
from iam_portal.spans import BEGINNING, Span

# Up from the people, as for one of them: by the list itself the planner takes the index where groups come
# first, and reads all of it. By one value it takes the index that keeps placements apart, which is four
# times as slow. Their own lives are the rows without a group, and say what they are called.
_REACH = """
WITH RECURSIVE reach(user_id, group_id, during) AS (
    SELECT user_id, group_id, during FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND NOT isempty(during)
        AND user_id = ANY(ARRAY(SELECT unnest(%(users)s::uuid[])))
    UNION
    SELECT r.user_id, p.parent_id, r.during * p.during
    FROM reach r CROSS JOIN LATERAL (
        SELECT parent_id, during FROM tenants_groupplacement
        WHERE group_id = ANY(ARRAY[r.group_id]) AND tenant_id = %(tenant)s OFFSET 0
    ) p
    WHERE p.during && r.during
)
SELECT user_id, NULL, (
    SELECT CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END
    FROM tenants_user u WHERE u.id = user_id AND u.tenant_id = %(tenant)s
), during
FROM tenants_useractivity
WHERE tenant_id = %(tenant)s AND user_id = ANY(%(users)s::uuid[]) AND NOT isempty(during)
UNION ALL
SELECT reach.user_id, g.id, g.name, reach.during * g.during
FROM reach JOIN tenants_group g ON g.id = reach.group_id
WHERE reach.during && g.during
"""
_DECLARED = "ARRAY(SELECT id FROM applications_applicationrole WHERE application_id = ANY(%(applications)s))"
_MADE = "ARRAY(SELECT id FROM accesscontrol_tenantrole WHERE tenant_id = %(tenant)s AND key = ANY(%(made)s))"
# Most groups, of the many that a person is in by those below them, hold nothing of the one application.
_REACH_GIVEN = f"""{_REACH} AND (reach.group_id IN (
    SELECT group_id FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND user_id IS NULL AND group_id IS NOT NULL
        AND application_role_id = ANY({_DECLARED})
    UNION ALL
    SELECT group_id FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND user_id IS NULL AND group_id IS NOT NULL
        AND tenant_role_id = ANY({_MADE})
)) IS TRUE
"""
# Of each by himself: of all at once, the planner would look for those among all that the tenant has assigned.
_THEIRS = """(
        SELECT given.* FROM unnest(%(users)s::uuid[]) AS who(id) CROSS JOIN LATERAL (
            SELECT * FROM accesscontrol_assignment
            WHERE user_id = who.id AND tenant_id = %(tenant)s {narrow} OFFSET 0
        ) given
        UNION ALL
        SELECT given.* FROM unnest(%(groups)s::uuid[]) AS who(id) CROSS JOIN LATERAL (
            SELECT * FROM accesscontrol_assignment
            WHERE group_id = who.id AND tenant_id = %(tenant)s {narrow} OFFSET 0
        ) given
    )"""
# Where a book says which roles of the tenant's own hold something of the one application.
AS_IN_BOOK = """SELECT id AS role_id, application_id
    FROM accesscontrol_tenantrole CROSS JOIN unnest(%(applications)s::text[]) AS one(application_id)
    WHERE tenant_id = %(tenant)s AND key = ANY(%(made)s)"""
_OF_THE_ROLES = f"AND (application_role_id = ANY({_DECLARED}) OR tenant_role_id = ANY({_MADE}))"
_ALL = _THEIRS.format(narrow="")
_HELD = assigned("true", rows=_ALL, targets="= ANY(%(applications)s)")
_HELD_OF_FEW = assigned("true", rows=_ALL, targets="= ANY(%(applications)s)", few=True)
_HELD_AS_IN_BOOK = assigned(
    "true",
    rows=_THEIRS.format(narrow=_OF_THE_ROLES),
    targets="= ANY(%(applications)s)",
    touched=AS_IN_BOOK,
    few=True,
)
FEW = 5


class People(NamedTuple):
    """By application, those to whom something of it is assigned; and the names of who ever lived here."""

    held: dict[str, dict[UUID, PrincipalFacts]]
    names: dict[UUID, str]


def people(
    user_ids: Collection[UUID],
    *,
    tenant_id: UUID | str,
    application_ids: Collection[str],
    made: Collection[str] | None = None,
) -> People:
    """What is assigned to them. Runs in the tenant's scope.

    ``made``, for one application: the keys of those of the tenant's own roles that hold something of it.
    """
    values: dict[str, Any] = {"tenant": tenant_id, "users": sorted(set(user_ids), key=str)}
    values["applications"] = sorted(application_ids)
    reach, statement = _REACH, _HELD_OF_FEW if len(user_ids) <= FEW else _HELD
    if made is not None:
        reach, statement, values["made"] = _REACH_GIVEN, _HELD_AS_IN_BOOK, sorted(made)
    active: dict[UUID, list[Span]] = defaultdict(list)
    names: dict[UUID, str] = {}
    members: dict[UUID, list[tuple[UUID, Via]]] = defaultdict(list)
    for user_id, group_id, name, during in rows_of(reach, **values):
        if group_id is None:
            active[user_id].append(Span.of(during))
            if name is not None:
                names[user_id] = name
        else:
            members[group_id].append((user_id, Via(Span.of(during), str(group_id), name)))
    held: dict[str, dict[UUID, list[AssignmentFact]]] = defaultdict(lambda: defaultdict(list))
    given = {"groups": sorted(members, key=str), "when": BEGINNING}
    for row in rows_of(statement, **values, **given):
        reached: list[tuple[UUID, Via | None]] = [(row[2], None)] if row[2] else [*members[row[3]]]
        for user_id, via in reached:
            held[row[9]][user_id].append(assignment_of(row, via))
    facts = {
        application_id: {
            user_id: PrincipalFacts(str(user_id), str(tenant_id), tuple(active[user_id]), tuple(found))
            for user_id, found in theirs.items()
        }
        for application_id, theirs in held.items()
    }
    return People(facts, names)
