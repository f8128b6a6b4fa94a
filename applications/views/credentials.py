"""The tab of credentials, and secrets. A secret's value is drawn once and never stored."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions import clients
from applications.forms import SecretForm
from applications.http import address, take_turns
from applications.models import Application, Client, ClientSecret
from applications.views import _credentials
from applications.views._credentials import CredentialsPage, token_endpoint
from applications.views.applications import state_of
from iam_portal.errors import NotFound

SENT_TWICE = gettext_lazy(
    "The secrets have changed since this page was drawn: perhaps the form was sent twice."
    " Look at the list, and send it again if you need one more."
)


class ApplicationCredentials(CredentialsPage):
    """Clients, and what proves them."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        changeable = self.changeable(application, "Modules:modify")
        rows = list(application.clients.order_by("client_id"))
        public = any(row.client_type == Client.CLIENT_PUBLIC for row in rows)
        add = {
            "label": _("Add public client"),
            "url": address("client-add", self.slug, application_id=application.id),
        }
        context = {
            "page": self.frame(application, "credentials", state_of(self.answer(application))),
            "clients": [_credentials.shown(row, self.slug) for row in rows],
            "cards": _credentials.cards(self, application, changeable=bool(changeable)),
            "changeable": bool(changeable),
            "add_public": add if changeable and not public else None,
            "refused": "" if changeable else changeable.reasons[0].text,
            "endpoint": token_endpoint(str(self.tenant.id)),
        }
        return self.render("applications/application_credentials.html", context)


class SecretAdd(CredentialsPage):
    """A new secret. Sending the same form again makes no second one."""

    permission = "Modules:modify"
    recent = asks_first = True

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        return self._show(self.application(application_id), SecretForm())

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        take_turns(f"secret:{application.id}")
        form = SecretForm(request.POST)
        if form.is_valid() and request.POST.get("seen") != _seen(self.live(application)):
            form.add_error(None, str(SENT_TWICE))
        if not form.is_valid():
            return self._show(application, form)
        with self.attempt(form) as outcome:
            secret, value = clients.add_secret(
                tenant=self.tenant, client_id=application.id, by=self.actor, at=self.at, **form.cleaned_data
            )
        return self._once(application, secret, value) if outcome else self._show(application, form)

    def _show(self, application: Application, form: SecretForm) -> HttpResponse:
        context = {
            "page": {
                "title": _("Add secret"),
                "breadcrumb": self.crumbs(application),
                "lead": _credentials.unused_secret(self.confidential(application)),
            },
            "form": form,
            "seen": _seen(self.live(application)),
            "cancel_url": self.here(application),
            "submit": _("Add secret"),
        }
        return self.render("applications/application_form.html", context)

    def _once(self, application: Application, secret: ClientSecret, value: str) -> HttpResponse:
        """The only page that ever holds the value."""
        page = {"title": _("New secret"), "breadcrumb": self.crumbs(application)}
        shown = {
            "value": value,
            "name": _("Secret of %(client)s") % {"client": application.id},
            "command": _credentials.command(str(self.tenant.id), secret.client, value),
            "ends_at": secret.during.upper,
        }
        context = {"page": page, "secret": shown, "done_url": self.here(application)}
        return self.render("applications/secret_once.html", context)


class SecretRevoke(CredentialsPage):
    """End a secret now."""

    permission = "Modules:modify"

    def get(self, request: HttpRequest, application_id: str, secret_id: UUID) -> HttpResponse:
        application = self.application(application_id)
        secret = next((row for row in self.live(application) if row.id == secret_id), None)
        if secret is None:
            raise NotFound
        used = secret.last_used_at
        confirm = {
            "title": _("Revoke the secret …%(hint)s?") % {"hint": secret.hint},
            "nothing": _(
                "Whoever uses it can fetch no more tokens. Tokens already given out live on for minutes."
            )
            if used
            else _("It has never been used."),
            "act": _("Revoke secret"),
            "url": request.path,
            "cancel_url": self.here(application),
            "danger": True,
        }
        page = {"title": _("Revoke secret"), "breadcrumb": self.crumbs(application)}
        return self.render("iam_portal/confirm.html", {"page": page, "confirm": confirm})

    def post(self, request: HttpRequest, application_id: str, secret_id: UUID) -> HttpResponse:
        application = self.application(application_id)
        here = self.here(application)
        if not any(row.id == secret_id for row in self.live(application)):
            return HttpResponseRedirect(here)  # revoked already: the second of two clicks
        with self.attempt() as outcome:
            clients.revoke_secret(
                tenant=self.tenant,
                client_id=application.id,
                secret_id=secret_id,
                by=self.actor,
                at=self.at,
            )
        return self.done(_("The secret is revoked."), here) if outcome else HttpResponseRedirect(here)


def _seen(secrets: Sequence[ClientSecret]) -> str:
    """Stands for the secrets that the form was drawn beside."""
    return hashlib.sha256("".join(sorted(str(row.id) for row in secrets)).encode()).hexdigest()
