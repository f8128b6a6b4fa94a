"""A tenant keeps somebody who can hand out roles, now and at every moment that lies ahead."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.gate import RESOURCE_TYPE
from accesscontrol.portal_roles import ROLE_KEYS, permissions_of
from applications.models.applications import PORTAL_ID
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from iam_portal.sentences import said
from iam_portal.spans import Span, joined
from tenants.models import GroupPlacement, Membership, Tenant, UserActivity
from tenants.models.spanned import Spanned, still_open

Reached = Mapping[UUID, Sequence[Span]]  # by group or by person, when he or it holds the role
_NOT_OVER = "NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(at)s)"
_GIVEN = f"""
SELECT a.user_id, a.group_id, a.during, ARRAY(
    SELECT during FROM tenants_useractivity
    WHERE user_id = a.user_id AND tenant_id = %(tenant)s AND {_NOT_OVER}
)
FROM (
    SELECT user_id, group_id, during FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND application_id IS NULL AND {_NOT_OVER}
        AND application_role_id = ANY(ARRAY(
            SELECT id FROM applications_applicationrole
            WHERE application_id = %(portal)s AND key = ANY(%(keys)s)))
) a
"""


class LastAdministrator(DomainError):
    """Somebody has to be able to hand out roles."""

    code = "last_administrator"


def watch(*, tenant: Tenant, at: datetime, going: UUID | None = None) -> Callable[[], None]:
    """A first look before a change that takes something; what it answers takes the second, afterwards.

    That refuses when at some moment from now on nobody active could hand out roles who could before: an
    administrator until tomorrow does not stand in for one without an end. What had an end already may keep
    it. A tenant that never had an administrator is left alone: its first one is made by the installation.

    Only the portal's own role makes an administrator. Who holds *Roles: modify* by a role of the tenant's
    making hands out roles too, but of the portal only what he holds himself: were he the last, what the
    others could hand out would be lost to the tenant for good.

    Two changes at once would each see the other's administrator: whoever looks has locked the tenant's row
    (``tenants.policies.guarded``). Of two, the one with the earlier moment can get the lock last: it sees the
    span of whom the other took ended, at a moment that lies ahead of its own.

    ``going``: who ends by an act that is only foreseen. The second look leaves him out, of the same rows.
    """
    rows = _given(tenant, at)
    before = _administered(rows, tenant, at)

    def again() -> None:
        after = _administered(_given(tenant, at) if going is None else rows, tenant, at, without=going)
        for lost in (part.start for span in before for part in span.minus(after)):
            when = "any more" if lost == at else said("from %(lost)s on", {"lost": rfc3339(lost)})
            raise LastAdministrator(said("Nobody here could hand out roles %(when)s.", {"when": when}))

    return again


def _given(tenant: Tenant, at: datetime) -> list[tuple[Any, ...]]:
    """(user, group, span, when the user is active) of whoever is given a role that hands out roles."""
    keys = [key for key in ROLE_KEYS if (RESOURCE_TYPE, "Roles", "modify") in permissions_of(key)]
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, {"tenant": tenant.pk, "portal": PORTAL_ID, "keys": keys, "at": at})
        return cursor.fetchall()


def _administered(
    rows: Iterable[tuple[Any, ...]], tenant: Tenant, at: datetime, *, without: UUID | None = None
) -> list[Span]:
    """When from now on somebody active can hand out roles, in a fixed number of statements."""
    found: list[Span] = []
    groups: dict[UUID, list[Span]] = defaultdict(list)
    for user_id, group_id, during, active in rows:
        if group_id is not None:
            groups[group_id].append(_ahead(during, at))
        elif user_id != without:
            found += _shared([_ahead(each, at) for each in active], [_ahead(during, at)])
    if not groups:
        return joined(found)
    reached = _with_those_below(groups, tenant, at)
    members = Membership.objects.not_over(at).filter(tenant=tenant, group_id__in=reached)
    members = members.exclude(user=without) if without is not None else members
    if _somebody_stays(members, reached, at):  # of a large company not everybody is looked at
        return [Span(at)]
    people: dict[UUID, list[Span]] = defaultdict(list)
    for user_id, group_id, during in members.values_list("user_id", "group_id", "during"):
        people[user_id] += _shared(reached[group_id], [_ahead(during, at)])
    lives = UserActivity.objects.not_over(at).filter(tenant=tenant, user_id__in=people)
    for user_id, during in lives.values_list("user_id", "during"):
        found += _shared([_ahead(during, at)], people[user_id])
    return joined(found)


def _with_those_below(groups: Reached, tenant: Tenant, at: datetime) -> dict[UUID, list[Span]]:
    """These groups and all to which their roles flow down, while they do."""
    places: dict[UUID, list[tuple[UUID, Span]]] = defaultdict(list)
    rows = GroupPlacement.objects.not_over(at).filter(tenant=tenant)
    for parent_id, group_id, during in rows.values_list("parent_id", "group_id", "during"):
        places[parent_id].append((group_id, _ahead(during, at)))
    reached: dict[UUID, list[Span]] = defaultdict(list)
    # No loop: at no moment does a group stand below itself, so going around shares no moment.
    found = [(group_id, span) for group_id, spans in groups.items() for span in spans]
    while found:
        group_id, span = found.pop()
        reached[group_id].append(span)
        for below, during in places[group_id]:
            found += [(below, part) for part in _shared([span], [during])]
    return reached


def _somebody_stays(members: Spanned, groups: Reached, at: datetime) -> bool:
    """Whether somebody is in a group now, and both he and it for good."""
    lasting = [group_id for group_id, spans in groups.items() if Span(at) in spans]
    active = UserActivity.objects.at(at).filter(still_open()).values("user")
    return members.at(at).filter(still_open(), group_id__in=lasting, user__in=active).exists()


def _ahead(during: Any, at: datetime) -> Span:
    return Span(at if during.lower is None else max(during.lower, at), during.upper)


def _shared(some: Sequence[Span], others: list[Span]) -> list[Span]:
    """The moments that are in both."""
    return [part for span in some for part in span.minus(span.minus(others))]
