"""Who comes from an identity provider and is not known here: he confirms who he is, or proves who he was."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.actions import arrivals, mapping
from tenants.actions.arrivals import Coming
from tenants.actions.came_by import Vouched
from tenants.actions.entering import Halfway
from tenants.http import arriving_from
from tenants.http.refusals import into_form
from tenants.views.arriving import arrived, halfway, origin_of
from tenants.views.console import ConsolePage


class ProfileForm(forms.Form):
    """What colleagues will see. The address is the provider's to say."""

    display_name = forms.CharField(label=gettext_lazy("Name"), max_length=150)
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("For signing in. Letters, digits and . _ @ + -"),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false"}),
    )


class Arrival(ConsolePage):
    """A new person as he confirms it, or the way to link. Anybody else begins at the beginning."""

    public = True
    outside = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(None)

    def post(self, request: HttpRequest) -> HttpResponse:
        token = arriving_from.arrival_of(request, tenant=self.tenant)
        form = ProfileForm(request.POST)
        if self.tenant is None or not token or not form.is_valid():
            return self._page(form)
        coming = Coming(self.tenant, self.session, origin_of(self), self.at)
        try:
            entered = arrivals.create(coming, token=token, **form.cleaned_data)
        except (DomainError, ValidationError) as refusal:
            into_form(form, refusal)
            return self._page(form)
        response = halfway(self, entered) if isinstance(entered, Halfway) else arrived(self, entered)
        arriving_from.let_go(response, tenant=self.tenant)
        return response

    def _page(self, form: ProfileForm | None) -> HttpResponse:
        token = arriving_from.arrival_of(self.request, tenant=self.tenant)
        vouched: Vouched | None = None
        if self.tenant is not None and token:
            with tenant_scope(self.tenant.id):
                vouched = arrivals.look(tenant=self.tenant, token=token, at=self.at)
        if vouched is None:
            return HttpResponseRedirect(here(self))
        with tenant_scope(self.tenant.id):
            context = self._shown(vouched, form)
        return self.render("tenants/arrival.html", context)

    def _shown(self, vouched: Vouched, form: ProfileForm | None) -> dict[str, Any]:
        email = mapping.proven_email(vouched.provider, vouched.claims)
        taken = bool(email) and self.tenant.users.filter(email__iexact=email).exists()
        makes = vouched.provider.makes_people and bool(email) and not taken
        if makes and form is None:
            form = ProfileForm(initial=_initial(vouched))
        return {
            "heading": _("You are new here"),
            "slug": self.slug,
            "provider": vouched.provider.name,
            "account": account_of(vouched),
            "email": email,
            "form": form if makes else None,
            "taken": taken,
            "unproven": vouched.provider.makes_people and not email,
            "link_url": here(self, self.url("tenants:identity-link")),
        }


class LinkIdentity(ConsolePage):
    """The account at the provider is mine: said by who is signed in, and has just proved it."""

    permission = "OwnAccount:modify"
    recent = True
    asks_first = True

    def get(self, request: HttpRequest) -> HttpResponse:
        token = arriving_from.arrival_of(request, tenant=self.tenant)
        vouched = arrivals.look(tenant=self.tenant, token=token, at=self.at)
        if self.session is not None and vouched and not arrivals.is_for(vouched, self.session.user_id):
            vouched = None
        back = self.url("tenants:own-identity-list")
        crumbs = [
            {"label": _("Your account"), "url": self.url("tenants:account-detail")},
            {"label": _("Sign-in by other providers"), "url": back},
        ]
        context = {
            "page": {"title": _("Link an account"), "breadcrumb": crumbs},
            "vouched": vouched,
            "account": account_of(vouched) if vouched else "",
            "cancel_url": back,
        }
        return self.render("tenants/identity_link.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        assert self.session is not None
        back = self.url("tenants:own-identity-list")
        token = arriving_from.arrival_of(request, tenant=self.tenant)
        with self.attempt() as outcome:
            arrivals.link(session=self.session, token=token, by=self.actor, at=self.at)
        response = HttpResponseRedirect(back)
        if outcome:
            response = self.done(_("The account is linked. You can sign in with it from now on."), back)
        arriving_from.let_go(response, tenant=self.tenant)
        return response


def here(page: ConsolePage, onward: str = "") -> str:
    """The organization's own sign-in page, also where a provider is the usual way."""
    said = {"here": "yes", **({"next": onward} if onward else {})}
    return f"{page.url('tenants:session-start')}?{urlencode(said)}"


def account_of(vouched: Vouched) -> str:
    """What names the account there to its person: no more than the provider says."""
    said = [vouched.claims.get(name) for name in ("email", "preferred_username", "name")]
    return next((text for text in said if isinstance(text, str) and text), vouched.subject)[:254]


def _initial(vouched: Vouched) -> dict[str, str]:
    """By the mappers, else by the usual claims."""
    claims = vouched.claims
    usual = {
        "display_name": claims.get("name"),
        "username": claims.get("preferred_username") or claims.get("email"),
    }
    found = {name: text for name, text in usual.items() if isinstance(text, str)}
    return {**found, **mapping.foreseen(vouched.provider, claims)}
