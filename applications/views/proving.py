"""Keys, certificates and trusted issuers of a client: added and revoked."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications.actions import client_certificates, client_keys, trusted_issuers
from applications.models import Application, ClientCertificate, ClientKey, TrustedIssuer
from applications.views._credentials import Credential, CredentialsPage
from applications.views._proof_forms import CertificateForm, IssuerForm, KeyForm, SubjectForm, Upload
from iam_portal.errors import NotFound


class _Add(CredentialsPage):
    """A form with something to paste or to upload. The same thing twice is refused by its action."""

    permission = "Modules:modify"
    recent = asks_first = True
    form_class: ClassVar[type[Upload]]
    title: ClassVar[str | Promise]
    lead: ClassVar[str | Promise] = ""
    done_text: ClassVar[str | Promise]

    def add(self, form: Any, given: dict[str, Any]) -> None:
        """The one action. ``given``: what each of them takes."""
        raise NotImplementedError

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        return self._show(self.application(application_id), self.form_class())

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        form = self.form_class(request.POST, request.FILES)
        if form.is_valid():
            given = {"tenant": self.tenant, "client_id": application.id, "by": self.actor, "at": self.at}
            more = {name: form.cleaned_data[name] for name in ("note", "expires_at")}
            with self.attempt(form) as outcome:
                self.add(form, {**given, **more})
            if outcome:
                return self.done(str(self.done_text), self.here(application))
        return self._show(application, form)

    def _show(self, application: Application, form: Upload) -> HttpResponse:
        context = {
            "page": {"title": self.title, "lead": self.lead, "breadcrumb": self.crumbs(application)},
            "form": form,
            "cancel_url": self.here(application),
            "submit": self.title,
        }
        return self.render("applications/application_form.html", context)


class KeyAdd(_Add):
    """A public key."""

    form_class = KeyForm
    title = gettext_lazy("Add key")
    lead = gettext_lazy("The client signs with the private half; the portal needs the public one only.")
    done_text = gettext_lazy("The key is registered.")

    def add(self, form: Any, given: dict[str, Any]) -> None:
        client_keys.add(key=form.cleaned_data["read"], **given)


class CertificateAdd(_Add):
    """One certificate, by its thumbprint."""

    form_class = CertificateForm
    title = gettext_lazy("Add certificate")
    lead = gettext_lazy("The client comes with this very certificate; a self-signed one will do.")
    done_text = gettext_lazy("The certificate is registered.")

    def add(self, form: Any, given: dict[str, Any]) -> None:
        client_certificates.add(certificate=form.cleaned_data["read"], **given)


class SubjectAdd(_Add):
    """A subject name and its anchor."""

    form_class = SubjectForm
    title = gettext_lazy("Add subject")
    lead = gettext_lazy("The client comes with any certificate of one authority that names this subject.")
    done_text = gettext_lazy("The subject is registered.")

    def add(self, form: Any, given: dict[str, Any]) -> None:
        read = form.cleaned_data
        client_certificates.add_name(subject_dn=read["name"], anchor=read["read"], **given)


class IssuerAdd(_Add):
    """An issuer from outside, for one subject."""

    form_class = IssuerForm
    title = gettext_lazy("Trust issuer")
    lead = gettext_lazy(
        "A job that has a token of its cluster or pipeline comes with that instead of a secret. The token"
        " must name this organization's issuer as its audience and live an hour at most."
    )
    done_text = gettext_lazy("The issuer is trusted for this subject.")

    def add(self, form: Any, given: dict[str, Any]) -> None:
        read = form.cleaned_data
        keys = tuple(read["read"]) if read["read"] else None
        trust = trusted_issuers.Trust(
            issuer=read["issuer"], subject=read["subject"], jwks=keys, jwks_uri=read["jwks_uri"]
        )
        trusted_issuers.add(trust=trust, **given)


class _Revoke(CredentialsPage):
    """Asks, and ends it now."""

    permission = "Modules:modify"
    kind: ClassVar[type[Credential]]
    argument: ClassVar[str]
    noun: ClassVar[str | Promise]
    question: ClassVar[str | Promise]
    act: ClassVar[str | Promise]
    done_text: ClassVar[str | Promise]

    @property
    def action(self) -> Callable[..., None]:
        """What revokes it."""
        raise NotImplementedError

    def get(self, request: HttpRequest, application_id: str, **kwargs: UUID) -> HttpResponse:
        application = self.application(application_id)
        row = self._row(application)
        if row is None:
            raise NotFound
        gone = _("Whoever uses it can fetch no more tokens. Tokens already given out live on for minutes.")
        confirm = {
            "title": self.question,
            "names": [{"label": row.note or self.noun, "items": [{"text": str(row)}]}],
            "nothing": gone if row.last_used_at else _("It has never been used."),
            "act": self.act,
            "url": request.path,
            "cancel_url": self.here(application),
            "danger": True,
        }
        page = {"title": self.act, "breadcrumb": self.crumbs(application)}
        return self.render("iam_portal/confirm.html", {"page": page, "confirm": confirm})

    def post(self, request: HttpRequest, application_id: str, **kwargs: UUID) -> HttpResponse:
        application = self.application(application_id)
        here = self.here(application)
        row = self._row(application)
        if row is None:
            return HttpResponseRedirect(here)  # revoked already: the second of two clicks
        given = {"tenant": self.tenant, "client_id": application.id, "by": self.actor, "at": self.at}
        with self.attempt() as outcome:
            self.action(**given, **{self.argument: row.id})
        return self.done(str(self.done_text), here) if outcome else HttpResponseRedirect(here)

    def _row(self, application: Application) -> Any:
        wanted = self.kwargs[self.argument]
        return next((row for row in self.live(application, self.kind) if row.id == wanted), None)


class KeyRevoke(_Revoke):
    """What it signs is taken no more."""

    kind, argument, action = ClientKey, "key_id", staticmethod(client_keys.revoke)
    noun = gettext_lazy("Key")
    question = gettext_lazy("Revoke this key?")
    act = gettext_lazy("Revoke key")
    done_text = gettext_lazy("The key is revoked.")


class CertificateRevoke(_Revoke):
    """It proves nothing any more."""

    kind, argument, action = ClientCertificate, "certificate_id", staticmethod(client_certificates.revoke)
    noun = gettext_lazy("Certificate")
    question = gettext_lazy("Revoke this certificate?")
    act = gettext_lazy("Revoke certificate")
    done_text = gettext_lazy("The certificate is revoked.")


class IssuerRevoke(_Revoke):
    """It is believed no more."""

    kind, argument, action = TrustedIssuer, "issuer_id", staticmethod(trusted_issuers.revoke)
    noun = gettext_lazy("Issuer")
    question = gettext_lazy("Stop trusting this issuer?")
    act = gettext_lazy("Stop trusting")
    done_text = gettext_lazy("The issuer is trusted no more.")
