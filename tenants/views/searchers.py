"""What the search finds of people, groups, partners and the record."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants import questions
from tenants.actions import partnerships
from tenants.http import paging
from tenants.http.pages import TenantPage
from tenants.http.searching import MOST, Found, Kind, Pasted, finding, register
from tenants.models import Group, Partnership, User
from tenants.questions import Asked
from tenants.views._partners_named import partners_named
from tenants.views.partner_facts import STATES, state_of, title_of
from tenants.views.wording import address


def find_users(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By name, user name or mailbox."""
    rows, count = _USERS(tenant=page.tenant.pk, wanted=wanted)
    return [_user(page, *row) for row in rows], count


def know_user(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By id: the ``sub`` of a person's tokens."""
    if pasted.uuid is None:
        return ()
    rows = page.tenant.users.filter(pk=pasted.uuid)
    return [_user(page, row.pk, row.display_name, row.username, row.email) for row in rows]


def find_groups(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By name or purpose."""
    rows, count = _GROUPS(tenant=page.tenant.pk, at=page.at, wanted=wanted)
    return [_group(page, *row) for row in rows], count


def know_group(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By id."""
    if pasted.uuid is None:
        return ()
    rows = Group.objects.at(page.at).filter(tenant=page.tenant, pk=pasted.uuid)
    return [_group(page, row.pk, row.name, row.description) for row in rows]


def find_partners(page: TenantPage, wanted: str) -> tuple[Sequence[Found], int]:
    """By the other side's name or address."""
    ids, count = partners_named(wanted, tenant_id=page.tenant.id, shown=MOST)
    rows = partnerships.of(page.tenant).select_related("inviter", "invitee").in_bulk(ids)
    return [_partner(page, rows[pk]) for pk in ids if pk in rows], count


def know_partner(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """By the id of the partnership, or of the other organization."""
    if pasted.uuid is None:
        return ()
    other = Q(inviter=page.tenant, invitee_id=pasted.uuid) | Q(invitee=page.tenant, inviter_id=pasted.uuid)
    rows = partnerships.of(page.tenant).filter(Q(pk=pasted.uuid) | other)
    return [_partner(page, row) for row in rows.select_related("inviter", "invitee")[:10]]


def know_row(page: TenantPage, pasted: Pasted) -> Sequence[Found]:
    """One row of the record by its id; or all that a request of a log line did."""
    found = []
    list_url = f"/t/{page.slug}/activity"
    if pasted.uuid is not None and (row := questions.one(tenant=page.tenant, reference=pasted.uuid)):
        found.append(Found(row.event.action, f"{list_url}/{pasted.uuid}", _("A change in the record")))
    for request_id in {word for word in (pasted.word, pasted.uuid.hex if pasted.uuid else "") if word}:
        count = Asked(request_id=request_id).rows(page.tenant)[:100].count()
        if count:
            said = ngettext("%(count)d change", "%(count)d changes", count) % {"count": count}
            label = _("Request %(id)s") % {"id": request_id}
            found.append(Found(label, f"{list_url}?request={request_id}", said))
    return found


def _user(page: TenantPage, pk: UUID, display_name: str, username: str, email: str) -> Found:
    return Found(display_name or username, address(page.slug, "user", str(pk)), f"{username} · {email}")


def _group(page: TenantPage, pk: UUID, name: str, description: str) -> Found:
    return Found(name, address(page.slug, "group", str(pk)), description)


def _users_named(*, tenant: UUID, wanted: str) -> QuerySet[User]:
    names = Q(display_name__icontains=wanted) | Q(username__icontains=wanted) | Q(email__icontains=wanted)
    return User.objects.filter(names, tenant=tenant)


def _groups_named(*, tenant: UUID, at: datetime, wanted: str) -> QuerySet[Group]:
    names = Q(name__icontains=wanted) | Q(description__icontains=wanted)
    return Group.objects.at(at).filter(names, tenant=tenant)


_USERS = finding(
    _users_named,
    by="display_name",
    told=("pk", "display_name", "username", "email"),
    most=paging.COUNTED,
    tenant=UUID,
)
_GROUPS = finding(_groups_named, by="name", told=("pk", "name", "description"), tenant=UUID, at=datetime)


def _partner(page: TenantPage, row: Partnership) -> Found:
    name = title_of(row, page.tenant)
    state = str(STATES[state_of(row, page.at)])
    return Found(name, address(page.slug, "partnership", str(row.pk)), state)


def register_all() -> None:
    """For ``AppConfig.ready``."""
    register(
        Kind(
            "partners",
            gettext_lazy("Partners"),
            "partners",
            "OrganizationRelations:read",
            30,
            know_partner,
            find_partners,
            "tenants:partner-list",
        ),
        Kind(
            "users",
            gettext_lazy("Users"),
            "user",
            "Users:read",
            40,
            know_user,
            find_users,
            "tenants:user-list",
        ),
        Kind("groups", gettext_lazy("Groups"), "users", "Groups:read", 50, know_group, find_groups),
        Kind("activity", gettext_lazy("Activity"), "activity", "ActivityLog:read", 90, know_row),
    )
