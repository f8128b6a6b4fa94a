"""Accounts elsewhere by which one signs in here: which there are, another one, one less."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from iam_portal.errors import NotFound
from iam_portal.spelled import Spelled
from tenants.actions import identity_links
from tenants.models import IdentityLink, IdentityProvider, User
from tenants.views.console import ConfirmPage, ConsolePage


class OwnIdentities(ConsolePage):
    """With since when and last use; and the providers that may be added."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        linked = _linked(_own(self))
        of_mine = {row.provider_id for row in linked}
        others = [row for row in self.tenant.identity_providers.filter(enabled=True) if row.pk not in of_mine]
        page = {
            "title": _("Sign-in by other providers"),
            "breadcrumb": [_account(self)],
            "lead": _("Whoever signs in with such an account at its provider comes in here as you."),
        }
        context = {
            "page": page,
            "table": _table(self, linked) if linked else None,
            "others": [
                {"name": row.name, "url": self.url("accesscontrol:own-identity-add", provider_key=row.key)}
                for row in others
            ],
        }
        return self.render("tenants/own_identities.html", context)


class RemoveOwnIdentity(ConfirmPage):
    """One less. The last way in stays."""

    permission = "OwnAccount:modify"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        provider = self._provider()
        named = {"name": provider.name}
        back = self.url("tenants:own-identity-list")
        said = _("It signs you in no more. Where you came in by it, you are signed out, here too.")
        confirm = {
            "title": _("Remove the sign-in by %(name)s?") % named,
            "act": _("Remove"),
            "cancel_url": back,
            "nothing": identity_links.why_last(user=_own(self), provider=provider) or said,
            "danger": True,
        }
        crumbs = [_account(self), {"label": _("Sign-in by other providers"), "url": back}]
        return {"page": {"title": _("Remove"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        provider = self._provider()
        identity_links.remove_own(user=_own(self), provider=provider, by=self.actor, at=self.at)
        return _("%(name)s is removed.") % {"name": provider.name}

    def _provider(self) -> IdentityProvider:
        """One that is linked to oneself: of others the answer does not tell whether they are there."""
        rows = _own(self).identity_links.select_related("provider")
        link = rows.filter(provider__key=self.kwargs["provider_key"]).first()
        if link is None:
            raise NotFound
        found: IdentityProvider = link.provider
        return found


def card(page: ConsolePage) -> dict[str, str] | None:
    """What one's own account says of them; None where the organization has no provider."""
    found = _OPEN_TO.rows(tenant=page.tenant.pk, user=_own(page).pk)
    if not found:
        return None
    names = ", ".join(name for name, mine in found if mine)
    return {"text": names or _("None is linked."), "url": page.url("tenants:own-identity-list")}


def _open_to(*, tenant: UUID, user: UUID) -> QuerySet[IdentityProvider, Any]:
    mine = Exists(IdentityLink.objects.filter(provider=OuterRef("pk"), user=user))
    rows = IdentityProvider.objects.filter(tenant=tenant).annotate(mine=mine)
    return rows.filter(Q(enabled=True) | Q(mine=True)).values_list("name", "mine")


_OPEN_TO = Spelled(_open_to, tenant=UUID, user=UUID)


def _own(page: ConsolePage) -> User:
    assert page.session is not None
    return page.session.user


def _linked(user: User) -> list[IdentityLink]:
    return list(user.identity_links.select_related("provider").order_by("provider__position", "created_at"))


def _account(page: ConsolePage) -> dict[str, str]:
    return {"label": _("Your account"), "url": page.url("tenants:account-detail")}


def _table(page: ConsolePage, rows: list[IdentityLink]) -> dict[str, Any]:
    return {
        "caption": _("Sign-in by other providers"),
        "columns": [
            {"label": _("Provider")},
            {"label": _("Linked")},
            {"label": _("Last used")},
            {"label": _("Actions"), "hidden_label": True},
        ],
        "rows": [{"cells": _cells(page, row, rows)} for row in rows],
    }


def _cells(page: ConsolePage, row: IdentityLink, rows: list[IdentityLink]) -> list[dict[str, Any]]:
    """Only of the last one it is asked whether it may go: of several, each may."""
    name: dict[str, Any] = {"text": row.provider.name}
    if not row.provider.enabled:
        name["note"] = _("switched off by your organization")
    last = identity_links.why_last(user=_own(page), provider=row.provider) if _alone(row, rows) else ""
    remove = {
        "label": _("Remove"),
        "url": page.url("tenants:own-identity-remove", provider_key=row.provider.key),
        "dialog": True,
    }
    used = {"day": row.last_used_at} if row.last_used_at else {"text": _("never")}
    return [name, {"day": row.created_at}, used, {"note": last} if last else {"action": remove}]


def _alone(row: IdentityLink, rows: list[IdentityLink]) -> bool:
    return not any(other.provider.enabled for other in rows if other.pk != row.pk)
