"""What acts on people and groups take away: the same two looks, at those whom the act can reach.

They move no availability. What they can end besides roles is whole groups of people: an application in which
nobody of the organization holds a role any more is named.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol import holders
from accesscontrol.books import Pair, books_of_held
from accesscontrol.decide import PrincipalFacts
from accesscontrol.handed import GIVEN, NOT_OVER
from accesscontrol.holdings import Holdings
from accesscontrol.impact import People, lost_by_people
from accesscontrol.impact_shapes import all_of_person, named_applications, people_part
from accesscontrol.review import people as holding
from applications import facts as sharing_facts
from applications.impact import UNMOVED
from iam_portal.errors import NotFound
from iam_portal.gate import Permission, gate
from tenants.impact import Act, Part, answers_of_looker, is_foreseen
from tenants.models import Group, GroupPlacement, IdentityMapper, User
from tenants.policies import hold

_INSIDE = """
WITH RECURSIVE below(group_id) AS (
    SELECT %(group)s::uuid
    UNION
    SELECT p.group_id FROM below JOIN tenants_groupplacement p
        ON p.parent_id = below.group_id AND p.tenant_id = %(tenant)s
    WHERE NOT isempty(p.during) AND (upper_inf(p.during) OR upper(p.during) > %(at)s)
)
SELECT DISTINCT m.user_id FROM tenants_membership m
WHERE m.tenant_id = %(tenant)s AND m.group_id = ANY(ARRAY(SELECT group_id FROM below))
    AND NOT isempty(m.during) AND (upper_inf(m.during) OR upper(m.during) > %(at)s)
"""
# Roles of the tenant's own making each by its id, and each of their resources: joined, all is read.
_GIVEN = f"""{GIVEN}
SELECT application_id FROM applications_applicationrole
WHERE id = ANY(ARRAY(SELECT application_role_id FROM given))
UNION
SELECT s.application_id
FROM (SELECT DISTINCT tenant_role_id FROM given WHERE tenant_role_id IS NOT NULL) made
CROSS JOIN LATERAL (
    SELECT resource_id FROM accesscontrol_tenantrolepermission
    WHERE role_id = made.tenant_role_id AND {NOT_OVER} OFFSET 0
) p
CROSS JOIN LATERAL (SELECT application_id FROM applications_resource WHERE id = p.resource_id OFFSET 0) s
"""
# What a person or a group has itself: with the act, some of it ends.
_OWN = f"""
SELECT id::text FROM accesscontrol_assignment
WHERE tenant_id = %(tenant)s AND {{column}} = %(id)s::uuid AND {NOT_OVER}
UNION ALL
SELECT id::text FROM tenants_membership
WHERE tenant_id = %(tenant)s AND {{column}} = ANY(ARRAY(SELECT %(id)s::uuid)) AND {NOT_OVER}
"""
READING = Permission.parse("Roles:read")
NO_CALLS: Mapping[str, Any] = {"services": {"count": 0, "items": []}}


def look_at_user(act: Act, user: User) -> Callable[[], Part]:
    """One person who is deactivated or deleted."""
    hold(act.tenant)
    applications = _applications(act, user)
    losing = _losing(act, {user.id}, applications, all_of_it=_is_foreseen(act, user))
    return _again(act, user, applications, losing)


def look_at_group(act: Act, group: Group) -> Callable[[], Part]:
    """A group that moves or ends: whoever is in it or below it."""
    hold(act.tenant)
    below = GroupPlacement.objects.not_over(act.at).filter(tenant=act.tenant, parent=group)
    if act.name == "delete" and below.exists():
        return Part  # the act is refused, and nobody loses anything
    applications = _applications(act, group)
    return _again(act, group, applications, _losing(act, _inside(act, group), applications))


def _again(
    act: Act, subject: User | Group, applications: Collection[str], lose: Callable[[], People]
) -> Callable[[], Part]:
    foreseen, named = _is_foreseen(act, subject), _may_read_roles(act)
    rows = type(subject)._default_manager.filter(pk=subject.pk)
    revision = rows.values_list("revision", flat=True).first()
    if revision is None:  # another act came first
        raise NotFound
    # Who ends by an act that is only foreseen is there still: without him, it is as it will be.
    left = _peopled(act, applications, without=subject.pk) if foreseen else None
    peopled = _peopled(act, set(applications) - left if left is not None else applications)
    deleted = act.name == "delete"
    # With a deactivation that is only foreseen, none of them ends.
    facts = set() if foreseen and not deleted else _facts_of(act, subject)
    mappers, kept = _mappers_into(subject), set() if deleted else facts
    endings = all_of_person(act, subject.id) if isinstance(subject, User) else None

    def again() -> Part:
        people = lose()
        deserted = sorted(peopled - (_peopled(act, applications) if left is None else left))
        unmapped = mappers - _mappers_into(subject)
        ended = sorted(facts - (kept if foreseen else _facts_of(act, subject)) | unmapped)
        shown = {
            **UNMOVED,
            **NO_CALLS,
            **people_part(act, people, applications=applications, endings=endings),
            "withoutPeople": named_applications(deserted),
            **({"mappers": {"count": len(unmapped)}} if isinstance(subject, Group) else {}),
        }
        for item in shown["users"]["items"] if isinstance(subject, User) else ():
            item["name"] = str(subject)  # as he was: the act may have taken his name
        if not named:  # whoever may end an account is not told by it what its owner may do
            shown |= {part: {**shown[part], "items": []} for part in ("users", "withoutPeople")}
        lost = sorted(
            [tenant_id, str(user_id), sorted(urns)] for (tenant_id, user_id), urns in people.items()
        )
        harmless = not people and not ended
        return Part(shown, [lost, revision, ended, deserted], harmless, ours=len(people))

    return again


def _is_foreseen(act: Act, subject: User | Group) -> bool:
    """Whether it only ends a person's being here: he holds nothing from then on; his own rows stay, or go."""
    return isinstance(subject, User) and is_foreseen(act.name, subject)


def _may_read_roles(act: Act) -> bool:
    """Asked before the act."""
    if act.by is None:
        return False
    if (answers := answers_of_looker(act.name, act.subject)) is not None:
        return bool(answers(READING))
    return bool(gate().decide(actor=act.by, tenant_id=act.tenant.id, permission=READING, at=act.at))


def _losing(
    act: Act, user_ids: Collection[UUID], applications: Collection[str], *, all_of_it: bool = False
) -> Callable[[], People]:
    """What these people hold before the act; asked afterwards, what of it they have lost.

    What is shared with whom, and what is in a role, no such act moves: it is read once.
    """
    before = _of_people(act, user_ids, applications)

    def lose() -> People:
        left = {} if all_of_it else _held(act, user_ids, applications)
        return lost_by_people(before, replace(before, people=left), act.moment, act.renamed)

    return lose


def _of_people(act: Act, user_ids: Collection[UUID], applications: Collection[str]) -> Holdings:
    """As :func:`accesscontrol.holdings.load`, for some people: of thousands, the others do not matter.

    Of an application's own role what is in it matters where it came by a contract that may be confirmed for
    less: else it is gone, or as it was.
    """
    people = _held(act, user_ids, applications)
    every = {one for theirs in people.values() for each in theirs.values() for one in each.assignments}
    tenant_ids = {str(act.tenant.id)}
    books = books_of_held(
        applications,
        tenant_ids=tenant_ids,
        made={one.tenant_role for one in every if one.tenant_role},
        declared={
            (one.application_id or "", one.application_role)
            for one in every
            if one.application_role and one.contract_id
        },
    )
    sharing = sharing_facts.sharing(applications, tenant_ids=tenant_ids)
    return Holdings(sharing=sharing, books=books, people=people, calls={})


def _held(
    act: Act, user_ids: Collection[UUID], applications: Collection[str]
) -> dict[Pair, dict[UUID, PrincipalFacts]]:
    tenant_id = str(act.tenant.id)
    found = holding.people(user_ids, tenant_id=tenant_id, application_ids=applications)
    return {(application_id, tenant_id): theirs for application_id, theirs in found.held.items()}


def _inside(act: Act, group: Group) -> set[UUID]:
    """Whoever is in the group or below it, now or by plan."""
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, {"tenant": act.tenant.id, "group": group.id, "at": act.at})
        return {row[0] for row in cursor.fetchall()}


def _applications(act: Act, subject: User | Group) -> list[str]:
    """Of which something is assigned to the subject, or to a group above it, now or by plan."""
    whose: dict[str, list[UUID]] = {"users": [], "groups": []}
    whose["users" if isinstance(subject, User) else "groups"] = [subject.id]
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, {**whose, "tenant": act.tenant.id, "at": act.at})
        return sorted(row[0] for row in cursor.fetchall())


def _peopled(act: Act, applications: Collection[str], *, without: UUID | None = None) -> set[str]:
    return holders.peopled(
        tenant_id=act.tenant.id, application_ids=applications, at=act.moment, without=without
    )


def _mappers_into(subject: User | Group) -> set[str]:
    """Ids of the rules of identity providers that put people into the group; a person has none."""
    if isinstance(subject, User):
        return set()
    rows = IdentityMapper.objects.filter(group=subject.pk)
    return {f"{row}" for row in rows.values_list("id", flat=True)}


def _facts_of(act: Act, subject: User | Group) -> set[str]:
    """Ids of what the subject holds himself: with the act, some of it ends."""
    statement = _OWN.format(column="user_id" if isinstance(subject, User) else "group_id")
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": act.tenant.id, "id": subject.pk, "at": act.at})
        return {row[0] for row in cursor.fetchall()}
