"""Where one is signed in with one's account, application by application; and the end of one of these."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol.actions import authorizations
from accesscontrol.models import Authorization
from accesscontrol.models.tokens import idle_since
from applications.models import Application
from iam_portal.errors import NotFound
from iam_portal.spelled import Spelled
from tenants import signals
from tenants.acquainted import browser
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, User
from tenants.views.console import ConfirmPage

TEMPLATE = "accesscontrol/_sign_ins.html"


@receiver(signals.user_shown)
def applications_of_user(
    *, page: Any, tenant: Tenant, user: User, at: datetime, acting: bool = True, **kwargs: Any
) -> dict[str, Any] | None:
    """On one's own account only: what a person opens is not for others to look at."""
    if acting or page.actor.kind != "user" or page.actor.id != str(user.pk):
        return None
    online, offline = idle_since(tenant, at)
    living = _TOLD.rows(tenant=tenant.pk, user=user.pk, at=at, online=online, offline=offline)
    told = sorted(map(_Told._make, living), key=_Told.alike)
    rows = [_row(page, list(found)) for _key, found in groupby(told, key=_Told.alike)]
    rows.sort(key=lambda row: row["used_at"], reverse=True)
    names = [row["application"] for row in rows]
    return {
        "template": TEMPLATE,
        "title": _("Applications that you are signed in to"),
        "rows": rows,
        "names": names,
    }


class EndSignIn(ConfirmPage):
    """Takes an application's sign-in back: from there, and from wherever it stays signed in by itself."""

    permission = "OwnAccount:modify"

    def confirmation(self) -> dict[str, Any]:
        found = self._rows()
        back, name = self.url("tenants:account-detail"), application_of(found[0]).display_name
        minutes = max(1, int(lifetime(self.tenant, Lifetime.ACCESS_TOKEN).total_seconds() // 60))
        said = ngettext(
            "From now on it can do nothing in your name; where its tokens are taken without asking here, "
            "after %(minutes)s minute at the latest.",
            "From now on it can do nothing in your name; where its tokens are taken without asking here, "
            "after %(minutes)s minutes at the latest.",
            minutes,
        )
        confirm = {
            "title": _("End the sign-in to %(name)s?") % {"name": name},
            "act": _("End sign-in"),
            "cancel_url": back,
            "nothing": said % {"minutes": minutes},
        }
        crumbs = [{"label": _("Your account"), "url": back}]
        return {"page": {"title": _("End sign-in"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        for row in sorted(self._rows(), key=lambda row: row.pk):  # locked in one order, as by an end of all
            authorizations.end(
                authorization=row, because=Authorization.Ended.WITHDRAWN, by=self.actor, at=self.at
            )
        return _("The sign-in is ended.")

    def _rows(self) -> list[Authorization]:
        """The one of the address, and those that are shown as one with it."""
        authorization_id: UUID = self.kwargs["authorization_id"]
        assert self.session is not None
        living = list(_living(self.tenant, self.session.user, self.at))
        found = next((row for row in living if row.pk == authorization_id), None)
        if found is None:
            raise NotFound
        return [row for row in living if _alike(row) == _alike(found)]


def application_of(row: Authorization) -> Application:
    return row.client.application


def _living(tenant: Tenant, user: User, at: datetime) -> Iterable[Authorization]:
    rows = Authorization.objects.living(tenant=tenant, at=at).filter(user=user)
    return sorted(rows.select_related("client__application", "session"), key=_alike)


def _alike(row: Authorization) -> tuple[str, str]:
    """Signed in twice from the same browser, or twice for good: one line."""
    return row.client.application_id, str(row.session_id or "")


class _Told(NamedTuple):
    """What the page says of a sign-in."""

    pk: UUID
    application_id: str
    application: str
    session_id: UUID | None
    user_agent: str | None
    created_at: datetime
    used_at: datetime

    def alike(self) -> tuple[str, str]:
        """As :func:`_alike`."""
        return self.application_id, str(self.session_id or "")


def _told(
    *, tenant: UUID, user: UUID, at: datetime, online: datetime, offline: datetime
) -> QuerySet[Authorization, Any]:
    rows = Authorization.objects.used_since(tenant=tenant, at=at, online=online, offline=offline)
    application = ("client__application_id", "client__application__display_name")
    told = ("pk", *application, "session_id", "session__user_agent", "created_at", "used_at")
    return rows.filter(user=user).values_list(*told)


_TOLD = Spelled(_told, tenant=UUID, user=UUID, at=datetime, online=datetime, offline=datetime)


def _row(page: Any, found: list[_Told]) -> dict[str, Any]:
    first = found[0]
    return {
        "application": first.application,
        "offline": first.session_id is None,
        "browser": browser(first.user_agent or "") if first.session_id else "",
        "created_at": min(row.created_at for row in found),
        "used_at": max(row.used_at for row in found),
        "end_url": page.url("accesscontrol:sign-in-end", authorization_id=first.pk),
    }
