"""Second factors in one's own account: which there are, another one, one less, recovery codes."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.actions import factors, steps
from tenants.actions.factors import Added
from tenants.actions.passkeys import Answer
from tenants.actions.steps import Held
from tenants.forms.factors import AppForm, PasskeyForm
from tenants.models import AuthenticatorApp, Passkey, User
from tenants.views import setting_up
from tenants.views.console import ConfirmPage, ConsolePage, FormPage


class FactorList(ConsolePage):
    """With last use; what each is good for; recovery codes that are left."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        user = _own(self)
        rows: list[Passkey | AuthenticatorApp] = [
            *Passkey.objects.filter(user=user),
            *AuthenticatorApp.objects.filter(user=user),
        ]
        held = steps.held(user)
        page = {
            "title": _("Second factors"),
            "breadcrumb": [{"label": _("Your account"), "url": self.url("tenants:account-detail")}],
            "lead": _("What you show besides your password, so that a password alone lets nobody in."),
        }
        context = {
            "page": page,
            "table": _table(self, rows) if rows else None,
            "asking": steps.asking(user=user, at=self.at),
            "held": held,
            "codes_text": _left(held.codes),
            "app_url": self.url("tenants:factor-app"),
            "passkey_url": self.url("tenants:factor-passkey"),
            "codes_url": self.url("tenants:factor-codes"),
        }
        return self.render("tenants/factor_list.html", context)


class _AddFactor(FormPage):
    """Another one. Its form needs what the page shows anew each time."""

    permission = "OwnAccount:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:factor-list")
        crumbs = [
            {"label": _("Your account"), "url": self.url("tenants:account-detail")},
            {"label": _("Second factors"), "url": back},
        ]
        return {"page": {"title": self.title(), "breadcrumb": crumbs}, "cancel_url": back}

    def title(self) -> str:
        """Of the page."""
        raise NotImplementedError

    def added(self, added: Added) -> HttpResponse:
        """With the recovery codes, where there were none yet."""
        back = self.url("tenants:factor-list")
        if added.codes:
            return _codes_page(self, added.codes)
        return self.done(_("%(name)s is added.") % {"name": added.factor.name}, back)


class AddApp(_AddFactor):
    """An authenticator app, proved by its first code."""

    template = "tenants/factor_app.html"

    def title(self) -> str:
        return _("Add an authenticator app")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AppForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            with self.attempt(form) as outcome:
                added = factors.add_app(
                    user=_own(self),
                    sealed=given["set_up"],
                    code=given["code"],
                    name=given["name"],
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                return self.added(added)
        return self._page(form)

    def _page(self, form: AppForm | None) -> HttpResponse:
        shown = setting_up.app(_own(self), form, at=self.at)
        return self.form_page(shown["app_form"], **shown)


class AddPasskey(_AddFactor):
    """A passkey, made by the browser. Without its script there is none."""

    template = "tenants/factor_passkey.html"

    def title(self) -> str:
        return _("Add a passkey")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasskeyForm(request.POST)
        if form.is_valid():
            given = form.cleaned_data
            assert self.session is not None
            with self.attempt(form) as outcome:
                added = factors.add_passkey(
                    user=_own(self),
                    answer=Answer(given["credential"], given["challenge"]),
                    bound_to=self.session.pk,
                    name=given["name"],
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                return self.added(added)
        return self._page(form)

    def _page(self, form: PasskeyForm | None) -> HttpResponse:
        assert self.session is not None
        shown = setting_up.passkey(_own(self), form, bound_to=self.session.pk, at=self.at)
        return self.form_page(shown["passkey_form"], **shown)


class RemoveFactor(ConfirmPage):
    """One less. The last one stays while a role asks for it."""

    permission = "OwnAccount:modify"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        user = _own(self)
        factor = factors.find(user=user, factor_id=self.kwargs["factor_id"])
        held = steps.held(user)
        back = self.url("tenants:factor-list")
        said = _("It signs you in no more. Remove it on the device, too.")
        if held.apps + held.passkeys == 1:
            said = _(
                "It is the only one: your password alone signs you in then, and recovery codes are void."
            )
        confirm = {
            "title": _("Remove %(name)s?") % {"name": factor.name},
            "act": _("Remove"),
            "cancel_url": back,
            "nothing": factors.why_last(user=user, at=self.at) or said,
            "danger": True,
        }
        crumbs = [
            {"label": _("Your account"), "url": self.url("tenants:account-detail")},
            {"label": _("Second factors"), "url": back},
        ]
        return {"page": {"title": _("Remove"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        factor_id: UUID = self.kwargs["factor_id"]
        name = factors.find(user=_own(self), factor_id=factor_id).name
        factors.remove(user=_own(self), factor_id=factor_id, by=self.actor, at=self.at)
        return _("%(name)s is removed.") % {"name": name}


class RenewCodes(ConfirmPage):
    """Other recovery codes, shown once."""

    permission = "OwnAccount:modify"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        back = self.url("tenants:factor-list")
        confirm = {
            "title": _("Make new recovery codes?"),
            "act": _("Make new codes"),
            "cancel_url": back,
            "nothing": _("Those that you have are void at once."),
        }
        crumbs = [
            {"label": _("Your account"), "url": self.url("tenants:account-detail")},
            {"label": _("Second factors"), "url": back},
        ]
        return {"page": {"title": _("Recovery codes"), "breadcrumb": crumbs}, "confirm": confirm}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with self.attempt() as outcome:
            codes = factors.renew_codes(user=_own(self), by=self.actor, at=self.at)
        if outcome:
            return _codes_page(self, codes)
        return HttpResponseRedirect(self.url("tenants:factor-list"))


def in_words(held: Held) -> str:
    """``2 passkeys, 1 authenticator app``."""
    if not held:
        return _("none")
    keys = ngettext("%(count)d passkey", "%(count)d passkeys", held.passkeys) % {"count": held.passkeys}
    phones = ngettext("%(count)d authenticator app", "%(count)d authenticator apps", held.apps)
    found = ((held.passkeys, keys), (held.apps, phones % {"count": held.apps}))
    return ", ".join(text for count, text in found if count)


def card(page: ConsolePage) -> dict[str, str]:
    """What one's own account says of them."""
    held = steps.held(_own(page))
    return {
        "text": in_words(held) if held else _("A password alone signs you in."),
        "note": _left(held.codes) if held else _("A second factor keeps out whoever learns it."),
        "url": page.url("tenants:factor-list"),
    }


def _own(page: ConsolePage) -> User:
    assert page.session is not None
    return page.session.user


def _left(count: int) -> str:
    if not count:
        return _("No recovery code is left.")
    return ngettext("%(count)d recovery code is left.", "%(count)d recovery codes are left.", count) % {
        "count": count
    }


def _codes_page(page: ConsolePage, codes: list[str]) -> HttpResponse:
    back = page.url("tenants:factor-list")
    crumbs = [
        {"label": _("Your account"), "url": page.url("tenants:account-detail")},
        {"label": _("Second factors"), "url": back},
    ]
    shown = {"page": {"title": _("Recovery codes"), "breadcrumb": crumbs}, "codes": codes, "done_url": back}
    return page.render("tenants/factor_codes.html", shown)


def _table(page: ConsolePage, rows: list[Passkey | AuthenticatorApp]) -> dict[str, Any]:
    last = factors.why_last(user=_own(page), at=page.at)
    return {
        "caption": _("Second factors"),
        "columns": [
            {"label": _("Name")},
            {"label": _("Kind")},
            {"label": _("Added")},
            {"label": _("Last used")},
            {"label": _("Rename"), "hidden_label": True},
            {"label": _("Actions"), "hidden_label": True},
        ],
        "rows": [{"cells": _cells(page, row, last)} for row in rows],
    }


def _cells(page: ConsolePage, row: Passkey | AuthenticatorApp, last: str) -> list[dict[str, Any]]:
    remove = {
        "label": _("Remove"),
        "url": page.url("tenants:factor-remove", factor_id=row.pk),
        "dialog": True,
    }
    if isinstance(row, Passkey):
        alone = _("signs in by itself") if row.discoverable else _("after the password")
        kind = {"text": _("Passkey"), "note": ", ".join((alone, _("synced"))) if row.synced else alone}
    else:
        kind = {"text": _("Authenticator app"), "note": _("after the password")}
    used = {"day": row.last_used_at} if row.last_used_at else {"text": _("never")}
    act = {"note": last} if last else {"action": remove}
    rename = {"label": _("Rename"), "url": page.url("tenants:factor-rename", factor_id=row.pk)}
    return [{"text": row.name}, kind, {"day": row.created_at}, used, {"action": rename}, act]
