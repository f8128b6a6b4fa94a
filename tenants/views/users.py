"""The people of an organization: the list, and one of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.errors import NotFound
from iam_portal.spelled import Spelled
from tenants.actions import steps
from tenants.http import paging
from tenants.models import Membership, Tenant, User, UserActivity
from tenants.signals import user_shown
from tenants.views import factors
from tenants.views.console import ConsolePage


def with_state(users: QuerySet[User], at: datetime) -> QuerySet[Any]:
    """Adds ``is_present``: whether the person is active at the moment."""
    return users.annotate(is_present=Exists(UserActivity.objects.at(at).filter(user=OuterRef("pk"))))


def state_of(user: Any) -> str:
    """``active``, ``invited`` (no password was ever set) or ``inactive``, of a row of :func:`with_state`."""
    if not user.is_present:
        return "inactive"
    return "active" if user.has_usable_password() else "invited"


def one_of(tenant: Tenant, user_id: UUID, at: datetime) -> Any:
    """The user of this tenant with his state; another tenant's is not found."""
    found = _ONE.instances(User, "is_present", tenant=tenant.pk, user=user_id, at=at)
    if not found:
        raise NotFound
    found[0].tenant = tenant
    return found[0]


def _one(*, tenant: UUID, user: UUID, at: datetime) -> QuerySet[User]:
    return with_state(User.objects.filter(tenant=tenant, pk=user), at)


_ONE = Spelled(_one, tenant=UUID, user=UUID, at=datetime)


class UserList(ConsolePage):
    """People, never technical accounts: those are no users."""

    permission = "Users:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted, state = paging.searched(request), request.GET.get("state", "")
        rows = self._chosen(wanted, state)
        count = rows.count()
        page = paging.page_of(rows, request=request, key="sorted_by")
        invite = self.link(_("Invite a person"), "Users:add", self.url("tenants:user-invite"), icon="plus")
        context = {
            "page": {"title": _("Users"), "lead": _("The people of your organization."), "primary": invite},
            "filters": _filters(self, wanted, state),
            "table": {
                "caption": _("Users"),
                "columns": [
                    {"label": label} for label in (_("Name"), _("User name"), _("State"), _("Last sign-in"))
                ],
                "rows": [{"cells": _cells(self, user)} for user in page.rows],
                "count_text": ngettext("%(count)d person", "%(count)d people", count) % {"count": count},
                "paging": page.paging,
            },
            "searched": bool(wanted or state),
            "clear_url": request.path,
        }
        return self.render("tenants/user_list.html", context)

    def _chosen(self, wanted: str, state: str) -> QuerySet[Any]:
        rows = with_state(self.tenant.users.all(), self.at).annotate(sorted_by=Lower("display_name"))
        if wanted:
            name = Q(display_name__icontains=wanted) | Q(username__icontains=wanted)
            rows = rows.filter(name | Q(email__icontains=wanted))
        never_set = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        if state in ("active", "invited"):
            rows = rows.filter(never_set if state == "invited" else ~never_set, is_present=True)
        return rows.filter(is_present=False) if state == "inactive" else rows


class UserDetail(ConsolePage):
    """One person: who he is, what he is in, what he may, what happened."""

    permission = "Users:read"

    def get(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        user = one_of(self.tenant, user_id, self.at)
        state = state_of(user)
        more = _more(self, user, state)
        page = {
            "title": str(user),
            "breadcrumb": [{"label": _("Users"), "url": self.url("tenants:user-list")}],
            "state": state,
            "copy_id": str(user.pk),
            "primary": self.link(_("Change"), "Users:modify", f"{request.path}/change", icon="edit"),
            "more": more,
        }
        context = {
            "page": page,
            "facts": _facts(self, user),
            "groups": _groups(self, user),
            "can_see_groups": bool(self.can("Groups:read")),
            "panels": self.panels(user_shown, user=user),
            "activity": _activity(self, user),
            "history": self.history("user", user.pk),
            "history_url": f"{self.url('tenants:activity-list')}?object=user:{user.pk}",
        }
        return self.render("tenants/user_detail.html", context)


def _filters(page: ConsolePage, wanted: str, state: str) -> dict[str, Any]:
    labels = {"active": _("Active"), "invited": _("Invited"), "inactive": _("Inactive")}
    options = [
        {
            "label": label,
            "active": key == state,
            "url": paging.with_query(page.request, state=None if key == state else key),
        }
        for key, label in labels.items()
    ]
    return {
        "url": page.request.path,
        "q": wanted,
        "placeholder": _("Search people"),
        "hidden": [("state", state)] if state in labels else [],
        "chips": [{"label": _("State"), "value": labels.get(state), "options": options}],
        "clear_url": page.request.path if wanted or state else "",
    }


def _cells(page: ConsolePage, user: User) -> list[dict[str, Any]]:
    return [
        {"text": str(user), "url": page.url("tenants:user-detail", user_id=user.pk), "note": user.email},
        {"text": user.username},
        {"state": state_of(user)},
        {"at": user.last_login} if user.last_login else {"text": _("never")},
    ]


def _more(page: ConsolePage, user: User, state: str) -> list[dict[str, Any]]:
    at = page.request.path
    back = page.link(_("Reactivate"), "Users:modify", f"{at}/reactivate", icon="play", dialog=True)
    delete = page.link(_("Delete"), "Users:delete", f"{at}/delete", icon="trash", dialog=True, danger=True)
    copy = page.link(_("Copy of all data"), "Users:execute", f"{at}/copy", icon="download")
    if state == "inactive":
        return [back, copy, delete]
    again = _("Send the invitation again") if state == "invited" else _("Send a password link")
    return [
        page.link(again, "Users:modify", f"{at}/send-link", icon="mail", dialog=True),
        page.link(_("Reset second factors"), "Users:modify", f"{at}/reset-factors", icon="key", dialog=True),
        copy,
        page.link(_("Deactivate"), "Users:modify", f"{at}/deactivate", icon="stop", dialog=True, danger=True),
        delete,
    ]


def _facts(page: ConsolePage, user: User) -> list[dict[str, Any]]:
    last = {"at": user.last_login} if user.last_login else {"text": _("never")}
    return [
        {"label": _("User name"), "text": user.username},
        {"label": _("E-mail address"), "text": user.email},
        {"label": _("Here since"), "at": user.created_at},
        {"label": _("Last sign-in"), **last},
        {"label": _("Second factors"), "text": factors.in_words(steps.held(user))},
    ]


def _groups(page: ConsolePage, user: User) -> list[dict[str, Any]]:
    found = Membership.objects.of_user(user).at(page.at).prefetch_related("group")
    rows = sorted(found, key=lambda row: row.group.name)
    return [
        {
            "name": row.group.name,
            "url": page.url("tenants:group-detail", group_id=row.group_id),
            "since": row.during.lower,
        }
        for row in rows
    ]


def _activity(page: ConsolePage, user: User) -> list[dict[str, Any]]:
    """A time line, once there is more than "since then": gaps, or an end."""
    rows = UserActivity.objects.filter(user=user, during__isempty=False).order_by("during")
    spans = [
        {"during": row.during, "state": "active" if row.during.upper is None else "ended"} for row in rows
    ]
    worth = len(spans) > 1 or any(span["state"] == "ended" for span in spans)
    return [{"label": _("Active"), "spans": spans}] if worth else []
