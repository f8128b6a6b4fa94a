"""What one changes of the own account: data, password, e-mail address, and who else is signed in with it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants import passwords
from tenants.actions import links, own_account, steps, users
from tenants.actions.guesses import TooManyGuesses
from tenants.forms import AddressForm, ChangedPasswordForm, OwnForm
from tenants.http import carried, remember
from tenants.http.refusals import into_form
from tenants.models import UserSession
from tenants.views.console import ConfirmPage, ConsolePage, FormPage

PROOF = "iam_address_proof"


class OwnPage(FormPage):
    """A form about the own account."""

    title: Any = ""
    submit: Any = ""
    lead: Any = ""

    @property
    def own(self) -> UserSession:
        """The session, which every page that asks for a permission has."""
        assert self.session is not None
        return self.session

    @property
    def back(self) -> str:
        return self.url("tenants:account-detail")

    def frame(self) -> dict[str, Any]:
        crumbs = [{"label": _("Your account"), "url": self.back}]
        page = {"title": str(self.title), "breadcrumb": crumbs, "lead": str(self.lead)}
        return {"page": page, "submit": str(self.submit), "cancel_url": self.back}

    def confirmed(self, form: Any) -> bool:
        """Whether the present password was given. A refusal is kept: that it counts is not undone."""
        try:
            given = form.cleaned_data["current"]
            own_account.confirm(session=self.own, password=given, by=self.actor, at=self.at)
        except (own_account.PasswordWrong, TooManyGuesses) as refusal:
            into_form(form, refusal)
            return False
        return True


class ChangeOwn(OwnPage):
    """Name, language and time zone. The user name and the rest are an administrator's."""

    permission = "OwnAccount:modify"

    def frame(self) -> dict[str, Any]:
        self.title, self.submit = _("Change your data"), _("Save")
        return super().frame()

    def get(self, request: HttpRequest) -> HttpResponse:
        names = ("display_name", "language", "time_zone", "revision")
        return self.form_page(OwnForm(initial={name: getattr(self.own.user, name) for name in names}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = OwnForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                users.change(
                    tenant=self.tenant,
                    user_id=self.own.user_id,
                    by=self.actor,
                    at=self.at,
                    **form.cleaned_data,
                )
            if outcome:
                return self.done(_("Saved."), self.back)
        return self.form_page(form)


class ChangePassword(OwnPage):
    """Another password; everything else that is signed in ends."""

    permission = "OwnAccount:modify"
    template = "tenants/own_password.html"

    def frame(self) -> dict[str, Any]:
        self.title, self.submit = _("Change your password"), _("Change password")
        self.lead = _("Other browsers and all applications are signed out. You stay signed in here.")
        return {**super().frame(), "username": self.own.user.username}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(ChangedPasswordForm(fewest=passwords.least(self.tenant)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ChangedPasswordForm(request.POST, fewest=passwords.least(self.tenant))
        if form.is_valid() and self.confirmed(form):
            given = form.cleaned_data["password"]
            with self.attempt(form) as outcome:
                token = own_account.change_password(
                    session=self.own, password=given, by=self.actor, at=self.at
                )
            if outcome:
                response = self._done()
                remember(request, response, tenant=self.tenant, user=self.own.user, token=token)
                return response
        return self.form_page(form)

    def _done(self) -> HttpResponse:
        """Where there are passkeys and apps, to their list: an intruder's stays after a new password."""
        said = _("Your password is changed.")
        if not steps.has_factor(self.own.user):
            return self.done(said, self.back)
        said += " " + _("It does not touch what stands here: remove what is not yours.")
        return self.done(said, self.url("tenants:factor-list"))


class ChangeAddress(OwnPage):
    """Asks for another e-mail address: its link goes there."""

    permission = "OwnAccount:modify"

    def frame(self) -> dict[str, Any]:
        self.title, self.submit = _("Change e-mail address"), _("Send the link")
        self.lead = _("Now it is %(address)s.") % {"address": self.own.user.email}
        return super().frame()

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(AddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if form.is_valid() and self.confirmed(form):
            email = form.cleaned_data["email"]
            with self.attempt(form) as outcome:
                own_account.ask_address(session=self.own, email=email, by=self.actor, at=self.at)
            if outcome:
                said = _("A link is on its way to %(address)s. Open it in this browser.")
                return self.done(said % {"address": email}, self.back)
        return self.form_page(form)


class TakeProof(ConsolePage):
    """Takes what came by mail out of the address, before anybody has to sign in first."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        to = self.url("tenants:account-address-prove")
        token = request.GET.get("token", "")[:200]
        return carried.taken_out(name=PROOF, value=token, to=to, path=to)


class ProveAddress(ConfirmPage):
    """The link was opened by who is signed in as the person who asked for it."""

    permission = "OwnAccount:modify"

    def confirmation(self) -> dict[str, Any]:
        back = self.url("tenants:account-detail")
        address = self._address()
        confirm = {
            "title": _("Use %(address)s from now on?") % {"address": address},
            "act": _("Use this address"),
            "cancel_url": back,
            "nothing": _("Mail goes there, and you can sign in with it. Your former address is told."),
        }
        crumbs = [{"label": _("Your account"), "url": back}]
        return {"page": {"title": _("Change e-mail address"), "breadcrumb": crumbs}, "confirm": confirm}

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return super().get(request, **kwargs)
        except links.LinkUnknown:
            return self._spent()

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            response = super().post(request, **kwargs)
        except links.LinkUnknown:
            return self._spent()
        carried.drop(response, name=PROOF, path=request.path)
        return response

    def act(self, revision: int | None) -> str:
        token = carried.carried(self.request, PROOF)
        assert self.session is not None
        own_account.prove_address(session=self.session, token=token, by=self.actor, at=self.at)
        return _("Your e-mail address is changed.")

    def _address(self) -> str:
        assert self.session is not None
        token = carried.carried(self.request, PROOF)
        return own_account.proof(session=self.session, token=token, at=self.at)

    def _spent(self) -> HttpResponse:
        text = _(
            "It was used already, it is too old, a newer one replaced it, or it belongs to another account."
        )
        return self.error(404, heading=_("This link does not work"), text=text)


class EndOthers(ConfirmPage):
    """Signs every other browser out."""

    permission = "OwnAccount:modify"

    def confirmation(self) -> dict[str, Any]:
        back = self.url("tenants:account-detail")
        confirm = {
            "title": _("Sign out everywhere else?"),
            "act": _("Sign out everywhere else"),
            "cancel_url": back,
            "nothing": _("All other browsers have to sign in again. You stay signed in here."),
        }
        crumbs = [{"label": _("Your account"), "url": back}]
        return {"page": {"title": _("Sign out everywhere else"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        assert self.session is not None
        own_account.end_others(session=self.session, by=self.actor, at=self.at)
        return _("Signed out everywhere else.")
