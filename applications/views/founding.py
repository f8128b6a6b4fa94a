"""Registering an application step by step, up to the first lines of code that use it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.actions import (
    applications,
    client_certificates,
    client_keys,
    client_settings,
    clients,
    trusted_issuers,
)
from applications.actions.applications import Details
from applications.http import SAME_CLICK, address, take_turns
from applications.models import Application
from applications.models.clients import FRONTEND
from applications.views import snippets
from applications.views._credentials import token_endpoint
from applications.views._founding import Founding, settings_of
from tenants.models import Tenant
from tenants.views.console import ConsolePage


class ApplicationRegister(ConsolePage):
    """Details, kind, sign-in; then the credentials, this once. A form sent without ``go`` finishes."""

    permission = "Modules:add"
    recent = asks_first = True

    def place(self) -> str:
        return self.url("applications:application-list")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._drawn(Founding(request.GET.copy(), request.FILES), "details")

    def post(self, request: HttpRequest) -> HttpResponse:
        founding = Founding(request.POST.copy(), request.FILES)
        go, here = request.POST.get("go", "finish"), request.POST.get("step", "details")
        here = here if here in founding.steps else "details"
        if go == "back":
            return self._drawn(founding, founding.beside(here, -1))
        if go == "next":
            form = founding.form(here, bound=True)
            if not form.is_valid():
                return self._drawn(founding, here, form)
            following = founding.beside(here, 1)
            if following != "finish":
                return self._drawn(founding, following)
        wrong, bound = founding.checked()
        return self._drawn(founding, wrong, bound[wrong]) if wrong else self._finish(founding, bound)

    def _finish(self, founding: Founding, bound: dict[str, Any]) -> HttpResponse:
        details = details_of(bound["details"])
        take_turns(f"application:{self.tenant.id}:{self.actor.id}")
        if same := _same(self.tenant, details, self.at):
            said = _("%(name)s is registered already. Its secret, if it got one, was shown the first time.")
            return self.done(said % {"name": same}, _credentials(self.slug, same))
        kind = founding.kind
        secret, asked = "", bound.get("sign-in", bound["details"])
        with self.attempt(asked) as equipped:
            with self.attempt(bound["details"]) as registered:
                made = applications.register(
                    owner=self.tenant,
                    details=details,
                    by=self.actor,
                    at=self.at,
                    application_id=bound["details"].cleaned_data["application_id"] or None,
                )
            if registered and kind:
                secret = _equip(self, made, kind, asked.cleaned_data)
        if not registered:
            return self._drawn(founding, "details", bound["details"])
        if not equipped:
            return self._drawn(founding, "sign-in", asked)
        if kind:
            return self._ready(made, kind, asked.cleaned_data, secret)
        said = _("%(name)s is registered. Add a secret, and it can fetch tokens.")
        return self.done(said % {"name": made}, _credentials(self.slug, made))

    def _drawn(self, founding: Founding, step: str, form: Any = None) -> HttpResponse:
        back = address("application-list", self.slug)
        page = {"title": _("Register application"), "breadcrumb": self._crumbs()}
        context = {
            "page": page,
            "step": step,
            "trail": founding.trail(step),
            "form": form if form is not None else founding.form(step),
            "hidden": founding.hidden(step),
            "last": founding.beside(step, 1) == "finish" and step != "kind",
            "cancel_url": back,
        }
        return self.render("applications/application_wizard.html", context)

    def _ready(self, application: Application, kind: str, given: dict[str, Any], secret: str) -> HttpResponse:
        """The only page that ever holds the secret, with code that uses it."""
        tenant_id = str(self.tenant.id)
        place = snippets.Place(
            kind=kind,
            client_id=application.id + (FRONTEND if kind == snippets.PUBLIC else ""),
            issuer=f"{settings.PORTAL_BASE_URL}/iam/auth/realms/{tenant_id}",
            token_endpoint=token_endpoint(tenant_id),
            secret=secret,
            redirect=next(iter(given.get("redirect_uris") or ()), ""),
        )
        facts = [
            {"label": _("Client id"), "copy_id": place.client_id},
            {"label": _("Issuer"), "copy_id": place.issuer},
            {"label": _("Token endpoint"), "copy_id": place.token_endpoint},
        ]
        context = {
            "page": {"title": _("%(name)s is ready") % {"name": application}, "breadcrumb": self._crumbs()},
            "trail": Founding(self.request.POST.copy(), self.request.FILES).trail("credentials"),
            "facts": facts,
            "secret": {"value": secret, "name": _("Secret of %(client)s") % {"client": application.id}}
            if secret
            else None,
            "snippets": snippets.snippets(place),
            "service": kind not in (snippets.WEB, snippets.PUBLIC),
            "assign_url": f"{self.url('accesscontrol:assignment-add')}?application={application.id}"
            if self.can("Roles:modify")
            else "",
            "done_url": _credentials(self.slug, application),
        }
        return self.render("applications/application_ready.html", context)

    def _crumbs(self) -> list[dict[str, str]]:
        return [{"label": _("Applications"), "url": address("application-list", self.slug)}]


def details_of(form: Any) -> Details:
    """What was typed, as the actions take it."""
    fields = form.cleaned_data
    return Details(
        name=fields["name"].strip(),
        display_name=fields["display_name"].strip(),
        description=fields["description"].strip(),
        home_url=fields["home_url"],
    )


def _credentials(slug: str, application: Application) -> str:
    return address("application-credentials", slug, application_id=application.id)


def _equip(page: ConsolePage, made: Application, kind: str, given: dict[str, Any]) -> str:
    """The first client's settings and proof, each by its own action. The secret, where it got one."""
    whose: dict[str, Any] = {"tenant": page.tenant, "by": page.actor, "at": page.at}
    if kind == snippets.PUBLIC:
        whose |= {name: list(given[name]) for name in ("redirect_uris", "web_origins")}
        clients.add_public(application_id=made.id, **whose)
        return ""
    whose["client_id"] = made.id
    if changed := settings_of(kind, given):
        client_settings.change(settings=client_settings.Settings(**changed), **whose)
    noted: dict[str, Any] = {name: given[name] for name in ("note", "expires_at") if name in given}
    if kind in (snippets.SECRET, snippets.WEB):
        return clients.add_secret(**noted, **whose)[1]
    _PROOFS[kind](given, {**noted, **whose})
    return ""


def _trust(given: dict[str, Any], whose: dict[str, Any]) -> None:
    keys = tuple(given["read"]) if given["read"] else None
    trust = trusted_issuers.Trust(
        issuer=given["issuer"], subject=given["subject"], jwks=keys, jwks_uri=given["jwks_uri"]
    )
    trusted_issuers.add(trust=trust, **whose)


_PROOFS: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    snippets.KEY: lambda given, whose: client_keys.add(key=given["read"], **whose),
    snippets.CERTIFICATE: lambda given, whose: client_certificates.add(certificate=given["read"], **whose),
    snippets.ISSUER: _trust,
}


def _same(tenant: Tenant, details: Details, at: datetime) -> Application | None:
    """The application that the same form made a moment ago: one click, sent twice."""
    rows = Application.objects.filter(
        owner=tenant,
        name=details.name,
        display_name=details.display_name,
        description=details.description,
        home_url=details.home_url,
    )
    return rows.filter(during__startswith__gt=at - SAME_CLICK, during__endswith__isnull=True).first()
