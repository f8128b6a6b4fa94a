"""What acts on people and groups take away: the same two looks, at those whom the act can reach.

They move no availability. What they can end besides roles is whole groups of people: an application in which
nobody of the organization holds a role any more is named.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from accesscontrol import facts as load
from accesscontrol import holders
from accesscontrol.books import books_of_held
from accesscontrol.holdings import Holdings
from accesscontrol.impact import People, lost_by_people
from accesscontrol.impact_shapes import all_of_person, named_applications, people_part
from accesscontrol.models import Assignment, TenantRolePermission
from accesscontrol.review import people as holding
from applications import facts as sharing_facts
from applications.impact import UNMOVED
from iam_portal.gate import Permission, gate
from tenants.impact import Act, Part
from tenants.models import Group, GroupPlacement, IdentityMapper, Membership, User
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
READING = Permission.parse("Roles:read")
NO_CALLS: Mapping[str, Any] = {"services": {"count": 0, "items": []}}


def look_at_user(act: Act, user: User) -> Callable[[], Part]:
    """One person who is deactivated or deleted."""
    hold(act.tenant)
    groups = _above(act, Membership.objects.of_user(user).not_over(act.at).values_list("group_id", flat=True))
    applications = _applications(act, Q(user=user) | Q(group_id__in=groups))
    before = _of_people(act, {user.id}, applications)
    return _again(
        act,
        user,
        applications,
        lambda: lost_by_people(before, _of_people(act, {user.id}, applications), act.moment, act.renamed),
    )


def look_at_group(act: Act, group: Group) -> Callable[[], Part]:
    """A group that moves or ends: whoever is in it or below it."""
    hold(act.tenant)
    below = GroupPlacement.objects.not_over(act.at).filter(tenant=act.tenant, parent=group)
    if act.name == "delete" and below.exists():
        return Part  # the act is refused, and nobody loses anything
    applications = _applications(act, Q(group_id__in=_above(act, [group.id])))
    users = _inside(act, group)
    before = _of_people(act, users, applications)
    return _again(
        act,
        group,
        applications,
        lambda: lost_by_people(before, _of_people(act, users, applications), act.moment, act.renamed),
    )


def _again(
    act: Act, subject: User | Group, applications: Collection[str], lose: Callable[[], People]
) -> Callable[[], Part]:
    revision = type(subject)._default_manager.values_list("revision", flat=True).get(pk=subject.pk)
    peopled, facts, named = _peopled(act, applications), _facts_of(act, subject), _may_read_roles(act)
    mappers = _mappers_into(subject)
    endings = all_of_person(act, subject.id) if isinstance(subject, User) else {}

    def again() -> Part:
        people = lose()
        deserted = sorted(peopled - _peopled(act, applications))
        unmapped = mappers - _mappers_into(subject)
        ended = sorted(facts - _facts_of(act, subject) | unmapped)
        shown = {
            **UNMOVED,
            **NO_CALLS,
            **people_part(act, people, applications=applications),
            **endings,
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
        return Part(shown, [lost, revision, ended, deserted], harmless=not people and not ended)

    return again


def _may_read_roles(act: Act) -> bool:
    """Asked before the act."""
    if act.by is None:
        return False
    return bool(gate().decide(actor=act.by, tenant_id=act.tenant.id, permission=READING, at=act.at))


def _of_people(act: Act, user_ids: Collection[UUID], applications: Collection[str]) -> Holdings:
    """As :func:`accesscontrol.holdings.load`, for some people: of thousands, the others do not matter."""
    tenant_id = str(act.tenant.id)
    found = holding.people(user_ids, tenant_id=tenant_id, application_ids=applications)
    every = [one for theirs in found.values() for each in theirs.values() for one in each.assignments]
    books = books_of_held(
        applications,
        tenant_ids={tenant_id},
        made={one.tenant_role for one in every if one.tenant_role},
        declared={(one.application_id or "", one.application_role) for one in every if one.application_role},
    )
    return Holdings(
        sharing=sharing_facts.sharing(applications, tenant_ids={tenant_id}),
        books=books,
        people={(application_id, tenant_id): theirs for application_id, theirs in found.items()},
        calls={},
    )


def _inside(act: Act, group: Group) -> set[UUID]:
    """Whoever is in the group or below it, now or by plan."""
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, {"tenant": act.tenant.id, "group": group.id, "at": act.at})
        return {row[0] for row in cursor.fetchall()}


def _applications(act: Act, held: Q) -> list[str]:
    """Of which something is assigned there, now or by plan."""
    rows = Assignment.objects.not_over(act.at).filter(held, tenant=act.tenant)
    given = set(rows.values_list("application_role__application_id", "tenant_role_id"))
    # The roles as a list: as a question inside the other, it was asked for each of their permissions.
    roles = {role for _application, role in given} - {None}
    made = TenantRolePermission.objects.not_over(act.at).filter(role__in=roles)
    named = made.values_list("resource__application_id", flat=True).distinct()
    return sorted({*(application for application, _role in given if application), *named})


def _above(act: Act, group_ids: Collection[UUID]) -> set[UUID]:
    return load.groups_above(*group_ids, tenant_id=act.tenant.id, at=act.at)


def _peopled(act: Act, applications: Collection[str]) -> set[str]:
    return holders.peopled(tenant_id=act.tenant.id, application_ids=applications, at=act.moment)


def _mappers_into(subject: User | Group) -> set[str]:
    """Ids of the rules of identity providers that put people into the group; a person has none."""
    if isinstance(subject, User):
        return set()
    rows = IdentityMapper.objects.filter(group=subject.pk)
    return {f"{row}" for row in rows.values_list("id", flat=True)}


def _facts_of(act: Act, subject: User | Group) -> set[str]:
    """Ids of what the subject holds himself: with the act, some of it ends."""
    mine = {"user": subject} if isinstance(subject, User) else {"group": subject}
    assigned = Assignment.objects.not_over(act.at).filter(tenant=act.tenant, **mine)
    theirs = Membership.objects.filter(tenant=act.tenant, group=subject.pk)
    inside = (Membership.objects.of_user(subject) if isinstance(subject, User) else theirs).not_over(act.at)
    return {f"{row}" for rows in (assigned, inside) for row in rows.values_list("id", flat=True)}
