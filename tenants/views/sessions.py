"""Signing in and out, and setting a password by a link from one's mailbox."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError
from iam_portal.tracing import request_id, source_address
from tenants import passwords
from tenants.actions import links, sessions, steps, users
from tenants.actions.attempts import TooManyAttempts
from tenants.actions.entering import Halfway, SignedIn
from tenants.actions.sessions import SignInRefused
from tenants.forms import PasswordForm, SignInForm
from tenants.http import browser_of, carried, forget, leaving
from tenants.http.refusals import into_form
from tenants.models import PASSWORD_LENGTHS, User, UserLink
from tenants.views import providers
from tenants.views.arriving import arrived, halfway
from tenants.views.console import ConsolePage
from tenants.views.entry import remember_organization

LINK = "iam_password_link"


class SignIn(ConsolePage):
    """Looks, fails and takes as long alike for an organization that does not exist."""

    public = True
    outside = True  # no transaction stays open while the password is hashed

    def get(self, request: HttpRequest) -> HttpResponse:
        if address := leaving.onward(request, tenant=self.tenant):
            context = {"heading": _("You are signed out"), "address": address}
            return leaving.arrived(request, self.render("tenants/session_onward.html", context))
        # ``again``: an application wants to know anew who is there; ``hint``: whom it expects.
        if self.session is not None and "again" not in request.GET:
            return HttpResponseRedirect(self.next_address())
        usual = providers.usual(self) if "here" not in request.GET and "ended" not in request.GET else ""
        if usual:
            return HttpResponseRedirect(usual)
        known = {"next": request.GET.get("next", ""), "username": request.GET.get("hint", "")[:254]}
        return self._page(SignInForm(initial=known))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return self._page(form)
        try:
            entered = _sign_in(self, form.cleaned_data)
        except (SignInRefused, TooManyAttempts) as refusal:
            into_form(form, refusal)
            return self._page(form, refusal)
        return halfway(self, entered) if isinstance(entered, Halfway) else arrived(self, entered)

    def _ended(self, form: SignInForm) -> bool:
        """Whether the page says that a session is over: to who was sent here from a page of his."""
        return not form.is_bound and "ended" in self.request.GET

    def _page(self, form: SignInForm, refusal: DomainError | None = None) -> HttpResponse:
        context = {"heading": _("Sign in"), "slug": self.slug, "form": form, "ended": self._ended(form)}
        context["providers"] = providers.ways(self)
        if not isinstance(refusal, TooManyAttempts):
            return self.render("tenants/session_start.html", context)
        response = self.render("tenants/session_start.html", context, status=429)
        response["Retry-After"] = str(refusal.data["retryAfter"])
        return response


class SignOut(ConsolePage):
    """Ends this browser's session. A second time, or without one, it is simply out."""

    public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        left = leaving.Leaving()
        if self.session is not None:
            left = leaving.leave(tenant=self.tenant, session=self.session)
            sessions.sign_out(session=self.session, by=self.actor, at=self.at)
        response = providers.signed_out(self, left)
        if self.tenant is not None:
            forget(request, response, tenant=self.tenant)
        messages.info(request, _("You are signed out."))
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(self.url("tenants:session-start"))


class SetPassword(ConsolePage):
    """The page behind an invitation or a reset. Its link is taken out of the address before it is drawn."""

    public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        if token := request.GET.get("token"):
            return carried.taken_out(name=LINK, value=token[:200], to=request.path, path=request.path)
        return self._page(self._form() if self._stands() else None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form, token = self._form(request.POST), carried.carried(request, LINK)
        if not token:
            return self._page(None)
        if form.is_valid():
            with self.attempt(form) as outcome:
                user = _accept(self, token, form.cleaned_data["password"])
            if outcome:
                return self._done(user)
            if isinstance(outcome.refusal, links.LinkUnknown):
                return self._page(None)
        return self._page(form if self._stands() else None)

    def _link(self) -> UserLink | None:
        token = carried.carried(self.request, LINK)
        return links.look(tenant=self.tenant, token=token) if token and self.tenant is not None else None

    def _stands(self) -> bool:
        """Whether it is worth typing a password: what is wrong with the link is said before."""
        link = self._link()
        return link is not None and link.used_at is None and link.expires_at > self.at

    def _form(self, *given: QueryDict) -> PasswordForm:
        fewest = passwords.least(self.tenant) if self.tenant is not None else PASSWORD_LENGTHS[0]
        return PasswordForm(*given, fewest=fewest)

    def _done(self, user: User) -> HttpResponse:
        said = _("Your password is set. Sign in with it.")
        if steps.has_factor(user):  # an intruder's stays, too
            said += " " + _(
                "Your passkeys and authenticator apps stay: look at them in your account, and remove what is"
                " not yours."
            )
        response = self.done(said, self.url("tenants:session-start"))
        carried.drop(response, name=LINK, path=self.request.path)
        remember_organization(response, self.slug)
        return response

    def _page(self, form: PasswordForm | None) -> HttpResponse:
        heading = _("Set your password") if form is not None else _("This link does not work")
        context = {"heading": heading, "slug": self.slug, "form": form, "link": self._link(), "at": self.at}
        return self.render("tenants/password_set.html", context, status=200 if form is not None else 404)


def _sign_in(page: ConsolePage, given: dict[str, Any]) -> SignedIn | Halfway:
    return sessions.sign_in(
        tenant=page.tenant,
        username=given["username"],
        password=given["password"],
        at=page.at,
        source_address=source_address(page.request),
        user_agent=page.request.headers.get("User-Agent", ""),
        request_id=request_id(page.request),
        slug=page.slug,
        former=page.session,
        browser=browser_of(page.request, page.tenant),
    )


def _accept(page: ConsolePage, token: str, password: str) -> User:
    if page.tenant is None:
        raise links.LinkUnknown("")
    return users.accept(
        tenant=page.tenant,
        token=token,
        password=password,
        at=page.at,
        source_address=source_address(page.request),
        request_id=request_id(page.request),
    )
