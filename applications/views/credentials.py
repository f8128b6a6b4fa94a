"""Clients and secrets of an own application. A secret's value is drawn once and never stored."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions import clients
from applications.forms import SecretForm
from applications.http import address, take_turns
from applications.models import Application, Client, ClientSecret
from applications.views._application import TabPage
from applications.views.applications import state_of
from iam_portal.errors import NotFound
from iam_portal.spans import Span

KINDS = {Client.CLIENT_CONFIDENTIAL: "confidential", Client.CLIENT_PUBLIC: "public"}


SENT_TWICE = gettext_lazy(
    "The secrets have changed since this page was drawn: perhaps the form was sent twice."
    " Look at the list, and send it again if you need one more."
)


class CredentialsPage(TabPage):
    """What the pages of credentials share."""

    owner_only = True

    def here(self, application: Application) -> str:
        """The tab."""
        return address("application-credentials", self.slug, application_id=application.id)

    def live(self, application: Application) -> list[ClientSecret]:
        """Secrets that are valid now or later, oldest first."""
        rows = ClientSecret.objects.not_over(self.at).filter(client__application=application)
        return list(rows.select_related("client").order_by("during", "id"))

    def render_once(self, application: Application, secret: ClientSecret, value: str) -> HttpResponse:
        """The only page that ever holds the value."""
        page = {"title": _("New secret"), "breadcrumb": self.crumbs(application)}
        shown = {
            "value": value,
            "name": _("Secret of %(client)s") % {"client": application.id},
            "command": _command(str(self.tenant.id), application.id, value),
            "ends_at": secret.during.upper,
        }
        context = {"page": page, "secret": shown, "done_url": self.here(application)}
        return self.render("applications/secret_once.html", context)


class ApplicationCredentials(CredentialsPage):
    """Clients and live secrets."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        changeable = self.changeable(application, "Modules:modify")
        secrets = self.live(application)
        add = {
            "label": _("Add secret"),
            "url": address("secret-add", self.slug, application_id=application.id),
            "icon": "plus",
        }
        context = {
            "page": self.frame(application, "credentials", state_of(self.answer(application))),
            "clients": [_client(row) for row in application.clients.order_by("client_id")],
            "secrets": _table(secrets, self.slug, bool(changeable)),
            "add": add if changeable else None,
            "refused": "" if changeable else changeable.reasons[0].text,
            "endpoint": token_endpoint(str(self.tenant.id)),
        }
        return self.render("applications/application_credentials.html", context)


class SecretAdd(CredentialsPage):
    """A new secret. Sending the same form again makes no second one."""

    permission = "Modules:modify"

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
        return self.render_once(application, secret, value) if outcome else self._show(application, form)

    def _show(self, application: Application, form: SecretForm) -> HttpResponse:
        context = {
            "page": {"title": _("Add secret"), "breadcrumb": self.crumbs(application)},
            "form": form,
            "seen": _seen(self.live(application)),
            "cancel_url": self.here(application),
            "submit": _("Add secret"),
        }
        return self.render("applications/application_form.html", context)


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


def token_endpoint(tenant_id: str) -> str:
    """Where applications of the tenant fetch tokens."""
    root = f"{settings.PORTAL_BASE_URL}/iam/access-management/v1"
    return f"{root}/tenants/{tenant_id}/openid-connect/token"


def _command(tenant_id: str, client_id: str, value: str) -> str:
    lines = [f"curl -u {client_id}:{value}", "  -d grant_type=client_credentials"]
    return " \\\n".join([*lines, f"  {token_endpoint(tenant_id)}"])


def _seen(secrets: Sequence[ClientSecret]) -> str:
    """Stands for the secrets that the form was drawn beside."""
    return hashlib.sha256("".join(sorted(str(row.id) for row in secrets)).encode()).hexdigest()


def _client(row: Client) -> dict[str, Any]:
    return {
        "client_id": row.client_id,
        "kind": KINDS.get(row.client_type, row.client_type),
        "method": row.token_endpoint_auth_method,
        "redirects": row.redirect_uris.split(),
        "origins": row.allowed_origins.split(),
    }


def _table(secrets: Sequence[ClientSecret], slug: str, changeable: bool) -> dict[str, Any] | None:
    if not secrets:
        return None
    labels = (_("Secret"), _("Note"), _("Made"), _("Last used"), _("Expires"))
    columns: list[dict[str, Any]] = [{"label": label} for label in labels]
    if changeable:
        columns.append({"label": _("Act"), "hidden_label": True})
    rows = [{"cells": _cells(secret, slug, changeable)} for secret in secrets]
    return {"caption": _("Secrets"), "columns": columns, "rows": rows}


def _cells(secret: ClientSecret, slug: str, changeable: bool) -> list[dict[str, Any]]:
    during = Span.of(secret.during)
    cells: list[dict[str, Any]] = [
        {"text": f"…{secret.hint}"},
        {"text": secret.note or "–"},
        {"day": during.start, "note": secret.created_by},
        {"day": secret.last_used_at} if secret.last_used_at else {"text": _("never")},
        {"day": during.end} if during.end else {"text": "–"},
    ]
    if changeable:
        path = {"application_id": secret.client.application_id, "secret_id": secret.id}
        url = address("secret-revoke", slug, **path)
        cells.append({"action": {"label": _("Revoke"), "url": url, "dialog": True}})
    return cells
