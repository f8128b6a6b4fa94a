"""One's own account: who I am here, what I may, where I am signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery, Window
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.errors import NotFound
from iam_portal.spelled import Spelled
from tenants.acquainted import browser
from tenants.actions import sessions
from tenants.models import Group, Membership, User, UserSession
from tenants.signals import user_shown
from tenants.views import factors, own_identities, recent_sign_ins
from tenants.views.console import ConfirmPage, ConsolePage

SHOWN = 20  # browsers that one is signed in with, the ones seen last


class AccountDetail(ConsolePage):
    """Own data, own roles, own sessions."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        assert self.session is not None
        user = self.session.user
        languages = dict(settings.LANGUAGES)
        inside = [name for (name,) in _INSIDE.rows(tenant=self.tenant.pk, user=user.pk, at=self.at)]
        facts = [
            {"label": _("Name"), "text": str(user)},
            {"label": _("User name"), "text": user.username},
            {"label": _("E-mail address"), "text": user.email},
            {"label": _("Organization"), "text": self.tenant.name, "note": self.tenant.slug},
            {"label": _("Language"), "text": languages.get(user.language) or _("as the browser asks for")},
            {"label": _("Time zone"), "text": user.time_zone or settings.TIME_ZONE},
            {"label": _("Groups"), "text": ", ".join(sorted(inside)) or _("none")},
        ]
        context = {
            "page": {"title": _("Your account"), "copy_id": str(user.pk), **self._acts()},
            "facts": facts,
            "panels": self.panels(user_shown, user=user, acting=False),
            "factors": factors.card(self),
            "identities": own_identities.card(self),
            **_sessions(self, self.session),
            "sign_out_url": self.url("tenants:session-end"),
            "end_others_url": self.url("tenants:account-others-end"),
            "sign_ins": recent_sign_ins.recent(tenant=self.tenant, user=user),
        }
        return self.render("tenants/account_detail.html", context)

    def _acts(self) -> dict[str, Any]:
        may, change = "OwnAccount:modify", self.url("tenants:account-change")
        password = self.url("tenants:account-password")
        address, copy = self.url("tenants:account-address"), self.url("tenants:account-copy")
        return {
            "primary": self.link(_("Change your data"), may, change, icon="edit"),
            "more": [
                self.link(_("Change your password"), may, password, icon="key"),
                self.link(_("Change e-mail address"), may, address, icon="mail"),
                self.link(_("A copy of your data"), "OwnAccount:execute", copy, icon="download"),
            ],
        }


class EndSession(ConfirmPage):
    """Signs another browser of the same person out."""

    permission = "OwnAccount:modify"

    def confirmation(self) -> dict[str, Any]:
        row = self._row()
        back = self.url("tenants:account-detail")
        confirm = {
            "title": _("Sign out %(browser)s?") % {"browser": browser(row.user_agent)},
            "act": _("Sign out"),
            "cancel_url": back,
            "nothing": _("Whoever uses that browser has to sign in again."),
        }
        crumbs = [{"label": _("Your account"), "url": back}]
        return {"page": {"title": _("Sign out"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        sessions.sign_out(session=self._row(), by=self.actor, at=self.at)
        return _("Signed out there.")

    def _row(self) -> UserSession:
        session_id: UUID = self.kwargs["session_id"]
        assert self.session is not None
        rows = UserSession.objects.filter(user=self.session.user).select_related("user")
        found = rows.filter(pk=session_id).first()
        if found is None:
            raise NotFound
        return found


def _sessions(page: ConsolePage, own: UserSession) -> dict[str, Any]:
    """This browser, the others that were seen last, and how many more there are."""
    rows = _OTHERS.rows(user=own.user_id, own=own.pk, at=page.at)
    more = rows[0][-1] - len(rows) if rows else 0
    this = (own.pk, own.user_agent, own.source_address, own.seen_at, own.created_at)
    listed = [
        {
            "name": browser(agent),
            "address": address,
            "seen_at": seen_at,
            "created_at": created_at,
            "own": pk == own.pk,
            "end_url": page.url("tenants:account-session-end", session_id=pk),
        }
        for pk, agent, address, seen_at, created_at, *_count in (this, *rows)
    ]
    said = ngettext("and %(count)d more browser", "and %(count)d more browsers", more) % {"count": more}
    return {"sessions": listed, "more_sessions": said if more else ""}


def _inside(*, tenant: UUID, user: UUID, at: datetime) -> QuerySet[Membership, Any]:
    """Names of the groups, each looked up by its id: joined, all of the tenant's were looked at."""
    named = Subquery(Group.objects.filter(pk=OuterRef("group_id")).values("name"))
    rows = Membership.objects.of_user(User(pk=user, tenant_id=tenant)).at(at)
    return rows.annotate(named=named).values_list("named")


def _others(*, user: UUID, own: UUID, at: datetime) -> QuerySet[UserSession, Any]:
    """The ones seen last, each with the count of all."""
    rows = UserSession.objects.filter(user=user, ended_at=None, expires_at__gt=at).exclude(pk=own)
    told = ("pk", "user_agent", "source_address", "seen_at", "created_at")
    return rows.order_by("-seen_at", "pk").values_list(*told, Window(Count("pk")))[: SHOWN - 1]


_INSIDE = Spelled(_inside, tenant=UUID, user=UUID, at=datetime)
_OTHERS = Spelled(_others, user=UUID, own=UUID, at=datetime)
