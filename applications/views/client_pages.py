"""Clients: the public one added, and what is set on either."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import client_settings, clients
from applications.actions.client_settings import Settings
from applications.models import Application, Client
from applications.views._client_forms import ClientForm, PublicClientForm
from applications.views._credentials import CredentialsPage
from tenants.views import merging
from tenants.views.console import revision_of


class ClientAdd(CredentialsPage):
    """The public client. A second of two clicks finds it there."""

    permission = "Modules:modify"
    recent = True

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        return self._show(self.application(application_id), PublicClientForm())

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        form = PublicClientForm(request.POST)
        if form.is_valid() and not form.cleaned_data["redirect_uris"]:
            form.add_error("redirect_uris", _("Name one address at least."))
        if form.is_valid():
            with self.attempt(form) as outcome:
                clients.add_public(
                    tenant=self.tenant,
                    application_id=application.id,
                    redirect_uris=list(form.cleaned_data["redirect_uris"]),
                    web_origins=list(form.cleaned_data["web_origins"]),
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                return self.done(_("The public client is there."), self.here(application))
        return self._show(application, form)

    def _show(self, application: Application, form: PublicClientForm) -> HttpResponse:
        page = {
            "title": _("Add public client"),
            "breadcrumb": self.crumbs(application),
            "lead": _("For browsers and devices, which can keep no secret. PKCE takes its place."),
        }
        context = {
            "page": page,
            "form": form,
            "cancel_url": self.here(application),
            "submit": _("Add public client"),
        }
        return self.render("applications/application_form.html", context)


class ClientEdit(CredentialsPage):
    """Where its codes go, how it proves itself, its tokens, and the switches for old integrations."""

    permission = "Modules:modify"
    recent = True

    def get(self, request: HttpRequest, application_id: str, client_id: str) -> HttpResponse:
        client = self._client()
        return self._show(client, _form(client), client.revision)

    def post(self, request: HttpRequest, application_id: str, client_id: str) -> HttpResponse:
        client = self._client()
        form = _form(client, request.POST)
        drawn_from = revision_of(request)
        if form.is_valid():
            with self.attempt(form) as outcome:
                client_settings.change(
                    tenant=self.tenant,
                    client_id=client.client_id,
                    settings=Settings(**form.cleaned_data),
                    by=self.actor,
                    at=self.at,
                    revision=drawn_from,
                )
            if outcome:
                said = _("The settings of %(client)s are changed.") % {"client": client.client_id}
                return self.done(said, self.here(client.application))
            if merging.is_stale(outcome):
                now = self._client()
                back = partial(self.done, _("Saved."), self.here(now.application))
                return merging.merged(
                    self, form, _form(now), revision=now.revision, frame=self._frame(now), same=back
                )
        return self._show(client, form, drawn_from or client.revision)

    def _client(self) -> Client:
        return self.client(self.application(self.kwargs["application_id"]), self.kwargs["client_id"])

    def _show(self, client: Client, form: ClientForm, revision: int) -> HttpResponse:
        return self.render(
            "applications/client_form.html",
            {**self._frame(client), "form": form, "groups": form.groups(), "revision": revision},
        )

    def _frame(self, client: Client) -> dict[str, Any]:
        page = {
            "title": _("Settings of the client"),
            "copy_id": client.client_id,
            "breadcrumb": self.crumbs(client.application),
        }
        return {"page": page, "cancel_url": self.here(client.application)}


def _form(client: Client, data: Any = None) -> ClientForm:
    initial = {
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "web_origins": client.allowed_origins.split(),
        "authentication_method": client.token_endpoint_auth_method,
        "jwks_uri": client.client_jwks_uri,
        "scope_aliases": [f"{name} = {words}" for name, words in client.scope_aliases.items()],
    }
    switches = ("secret_either_way", "assertion_for_token_endpoint", "token_without_target", "pkce_required")
    advanced = ("token_exchange", "dpop", "pushed_requests", "backchannel_logout_uri")
    same = ("algorithm", "ignore_unknown_scopes", *switches, *advanced)
    initial |= {name: getattr(client, name) for name in same}
    return ClientForm(data, initial=initial, public=client.client_type == Client.CLIENT_PUBLIC)
