"""What the pages of clients and credentials share: the frame, and what lives as tables."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.actions import client_settings
from applications.http import address
from applications.models import (
    Application,
    Client,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    TrustedIssuer,
)
from applications.views._application import TabPage
from applications.views._client_forms import METHODS
from iam_portal.errors import NotFound
from iam_portal.spans import Span

Credential = ClientSecret | ClientKey | ClientCertificate | TrustedIssuer
_SECRET = ("client_secret_basic", "client_secret_post")
_CERTIFICATE = ("tls_client_auth", "self_signed_tls_client_auth")


class CredentialsPage(TabPage):
    """A page below the tab of credentials; only the owner has it."""

    owner_only = True

    def here(self, application: Application) -> str:
        """The tab."""
        return address("application-credentials", self.slug, application_id=application.id)

    def live(self, application: Application, kind: type[Credential] = ClientSecret) -> list[Any]:
        """What is valid now or later, oldest first."""
        rows = kind.objects.not_over(self.at).filter(client__application=application)
        return list(rows.select_related("client").order_by("during", "id"))

    def client(self, application: Application, client_id: str) -> Client:
        """A client of it, or 404."""
        found = application.clients.filter(client_id=client_id).first()
        if found is None:
            raise NotFound
        return found

    def confidential(self, application: Application) -> Client:
        """The one that has credentials."""
        return self.client(application, application.id)


def token_endpoint(tenant_id: str) -> str:
    """Where applications of the tenant fetch tokens."""
    root = f"{settings.PORTAL_BASE_URL}/iam/access-management/v1"
    return f"{root}/tenants/{tenant_id}/openid-connect/token"


def command(tenant_id: str, client: Client, value: str) -> str:
    """Ready to copy: a token by the secret, as the client is set to send it."""
    lines = [f"curl -u {client.client_id}:{value}"]
    if client.token_endpoint_auth_method == "client_secret_post":  # noqa: S105  (the name of a method)
        lines = [f"curl -d client_id={client.client_id}", f"  -d client_secret={value}"]
    return " \\\n".join([*lines, "  -d grant_type=client_credentials", f"  {token_endpoint(tenant_id)}"])


def unused_secret(client: Client) -> str:
    """Why a secret is of no use at present; empty where it is."""
    return "" if client.token_endpoint_auth_method in _SECRET else _otherwise(client)


def _otherwise(client: Client) -> str:
    method = METHODS.get(client.token_endpoint_auth_method, client.token_endpoint_auth_method)
    return _("Not asked for at present. The client proves itself by: %(method)s.") % {"method": method}


def shown(row: Client, slug: str) -> dict[str, Any]:
    """A client for the list: what is set on it, in short."""
    strict = {"pkceRequired": True, "ignoreUnknownScopes": False}
    strict |= {"secretEitherWay": False, "assertionForTokenEndpoint": False}
    given = client_settings.snapshot(row)
    loose = sum(1 for name, value in strict.items() if given[name] != value)
    path = {"application_id": row.application_id, "client_id": row.client_id}
    return {
        "client_id": row.client_id,
        "public": row.client_type == Client.CLIENT_PUBLIC,
        "method": METHODS.get(row.token_endpoint_auth_method, ""),
        "redirects": given["redirectUris"],
        "origins": given["webOrigins"],
        "loose": ngettext("%d switch loosened", "%d switches loosened", loose) % loose if loose else "",
        "url": address("client-edit", slug, **path),
    }


class _Kind(NamedTuple):
    """A card: what is in it, what an empty one says, its buttons, and with which methods it is asked for."""

    rows: type[Credential]
    title: Promise | str
    none: Promise | str
    adds: tuple[tuple[str, Promise | str], ...]
    methods: tuple[str, ...] = ()  # none: with any


_KINDS = (
    _Kind(
        ClientSecret,
        gettext_lazy("Secrets"),
        gettext_lazy("No secret. Several may be valid at once, so that one is replaced without a gap."),
        (("secret-add", gettext_lazy("Add secret")),),
        _SECRET,
    ),
    _Kind(
        ClientKey,
        gettext_lazy("Keys"),
        gettext_lazy("No key. With one, the client signs for itself and no secret travels."),
        (("key-add", gettext_lazy("Add key")),),
        ("private_key_jwt",),
    ),
    _Kind(
        ClientCertificate,
        gettext_lazy("Certificates"),
        gettext_lazy(
            "No certificate. With one, the client proves itself by TLS and its tokens are bound to it."
        ),
        (
            ("certificate-add", gettext_lazy("Add certificate")),
            ("subject-add", gettext_lazy("Add subject")),
        ),
        _CERTIFICATE,
    ),
    _Kind(
        TrustedIssuer,
        gettext_lazy("Workload identity"),
        gettext_lazy("No issuer. A job in a cluster or a pipeline can come with the token it has there."),
        (("issuer-add", gettext_lazy("Trust issuer")),),
    ),
)


def cards(page: CredentialsPage, application: Application, *, changeable: bool) -> list[dict[str, Any]]:
    """Secrets, keys, certificates and trusted issuers: each a card with its table or a sentence."""
    client = page.confidential(application)
    made = [_card(page, client, kind, changeable=changeable) for kind in _KINDS]
    if client.client_jwks_uri:
        made[1] |= {"elsewhere": client.client_jwks_uri, "none": _("None is registered here.")}
    return made


def _card(page: CredentialsPage, client: Client, kind: _Kind, *, changeable: bool) -> dict[str, Any]:
    rows = page.live(client.application, kind.rows)
    idle = kind.methods and client.token_endpoint_auth_method not in kind.methods
    path = {"application_id": client.application_id}
    adds = [
        {"label": label, "url": address(name, page.slug, **path), "icon": "plus"} for name, label in kind.adds
    ]
    return {
        "title": kind.title,
        "none": kind.none,
        "idle": _otherwise(client) if rows and idle else "",
        "add": adds if changeable else [],
        "table": _table(str(kind.title), rows, page.slug, changeable=changeable) if rows else None,
    }


_LABELS = {
    ClientSecret: ("secret-revoke", "secret_id"),
    ClientKey: ("key-revoke", "key_id"),
    ClientCertificate: ("certificate-revoke", "certificate_id"),
    TrustedIssuer: ("issuer-revoke", "issuer_id"),
}


def _table(title: str, rows: Sequence[Credential], slug: str, *, changeable: bool) -> dict[str, Any]:
    labels = (_("Credential"), _("Note"), _("Valid from"), _("Last used"), _("Expires"))
    columns: list[dict[str, Any]] = [{"label": label} for label in labels]
    if changeable:
        columns.append({"label": _("Act"), "hidden_label": True})
    return {
        "caption": title,
        "columns": columns,
        "rows": [{"cells": _cells(row, slug, changeable=changeable)} for row in rows],
    }


def _cells(row: Credential, slug: str, *, changeable: bool) -> list[dict[str, Any]]:
    during = Span.of(row.during)
    cells: list[dict[str, Any]] = [
        _named(row),
        {"text": row.note or "–"},
        {"day": during.start, "note": row.created_by},
        {"day": row.last_used_at} if row.last_used_at else {"text": _("never")},
        {"day": during.end} if during.end else {"text": "–"},
    ]
    if changeable:
        name, argument = _LABELS[type(row)]
        url = address(name, slug, application_id=row.client.application_id, **{argument: row.id})
        cells.append({"action": {"label": _("Revoke"), "url": url, "dialog": True}})
    return cells


def _named(row: Credential) -> dict[str, Any]:
    """What tells it from the others."""
    if isinstance(row, ClientSecret):
        return {"text": f"…{row.hint}"}
    if isinstance(row, ClientKey):
        jwk = row.public_jwk
        return {"copy_id": row.kid, "note": f"{jwk['kty']} {jwk.get('crv', '')}".strip()}
    if isinstance(row, ClientCertificate):
        if row.thumbprint:
            return {"copy_id": row.thumbprint, "note": _("This certificate, by its thumbprint")}
        return {"text": row.subject_dn, "note": _("Any certificate of its anchor with this subject")}
    where = _("keys registered here") if row.jwks else row.jwks_uri or _("keys by discovery")
    return {"text": row.subject, "note": f"{row.issuer} · {where}"}
