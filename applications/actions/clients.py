"""OAuth clients and their secrets. A secret's value leaves this module once, and is never stored."""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction

from applications import hashers
from applications.models import Application, Client, ClientSecret
from applications.models.clients import FRONTEND
from applications.policies import own_application
from applications.signals import principal_becoming
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor
from tenants import history
from tenants.models import Tenant, since
from tenants.models.spanned import clipped

MOST_SECRETS = 10
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class TooManySecrets(DomainError):
    """Old secrets have to be revoked first."""

    code = "too_many_secrets"


class ClientExists(DomainError):
    """The application has this client already."""

    code = "client_exists"


def add_public(
    *,
    tenant: Tenant,
    application_id: str,
    redirect_uris: list[str],
    web_origins: list[str],
    by: Actor,
    at: datetime,
) -> Client:
    """Make the public client ``<id>-frontend`` of an own application.

    Whoever says where its codes are sent can act by it, so the actor must be able to grant what it holds.
    """
    _require_sound(redirect_uris, web_origins)
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        client_id = application.id + FRONTEND
        if Client.objects.filter(client_id=client_id).exists():
            raise ClientExists("The public client is there already.")
        principal_becoming.send(sender=Client, actor=by, application=application, at=at)
        client = Client(
            application=application,
            client_id=client_id,
            client_type=Client.CLIENT_PUBLIC,
            authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
            client_secret="",
            hash_client_secret=False,
            token_endpoint_auth_method="none",  # noqa: S106  (the name of a method)
            redirect_uris=" ".join(redirect_uris),
            allowed_origins=" ".join(web_origins),
            name=application.name,
            skip_authorization=True,
        )
        client.clean()
        client.save()
        _record(application, "client.added", by, at, {"clientId": client_id, "redirectUris": redirect_uris})
    return client


def add_secret(
    *,
    tenant: Tenant,
    client_id: str,
    by: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> tuple[ClientSecret, str]:
    """A new live secret beside the present ones. Returns the row and the value, which is shown once.

    Whoever holds a secret can act as the application, so the actor must be able to grant what it holds.
    """
    if expires_at is not None and expires_at <= at:
        raise Invalid("A secret ends in the future.")
    with transaction.atomic():
        client = _own_client(tenant, client_id)
        if client.client_type != Client.CLIENT_CONFIDENTIAL:
            raise Invalid("A public client has no secret.")
        principal_becoming.send(sender=Client, actor=by, application=client.application, at=at)
        if client.secrets.at(at).count() >= MOST_SECRETS:
            raise TooManySecrets(f"At most {MOST_SECRETS} live secrets. Revoke one first.")
        value, sealed = hashers.make()
        secret = ClientSecret(
            client=client,
            digest=sealed.digest,
            pepper=sealed.pepper,
            hint=sealed.hint,
            note=note,
            during=since(at, expires_at),
            created_by=by.name[:200],
        )
        secret.full_clean()
        secret.save()
        _record(client.application, "secret.added", by, at, {"secretId": str(secret.id), "hint": sealed.hint})
    return secret, value


def revoke_secret(*, tenant: Tenant, client_id: str, secret_id: UUID, by: Actor, at: datetime) -> None:
    """End a secret now."""
    with transaction.atomic():
        client = _own_client(tenant, client_id)
        live = client.secrets.not_over(at).filter(id=secret_id)
        if not live.exists():
            raise NotFound
        live.update(during=clipped(at))
        _record(client.application, "secret.revoked", by, at, {"secretId": str(secret_id)})


def _require_sound(redirect_uris: list[str], web_origins: list[str]) -> None:
    """Refuse addresses that lead elsewhere than they look, or whose codes others can read on their way.

    The toolkit's own validator matches the beginning only: ``https://good.example:x@evil.example`` passes it.
    """
    given = [(f"/redirectUris/{index}", uri) for index, uri in enumerate(redirect_uris)]
    given += [(f"/webOrigins/{index}", origin) for index, origin in enumerate(web_origins)]
    errors = [
        {"pointer": pointer, "code": "address_refused", "detail": why}
        for pointer, address in given
        if (why := _objection(address))
    ]
    if errors:
        raise Invalid("Some addresses cannot be accepted. Nothing was changed.", errors=errors)


def _objection(address: str) -> str | None:
    """RFC 6749 §3.1.2 and RFC 9700 §2.6: https without a fragment; plain http to this machine, in a demo."""
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "This is no address."
    # Whitespace parts two addresses where they are stored; browsers read a backslash as a slash.
    if not host or not address.isascii() or not address.isprintable() or set(address) & set(" \\"):
        return "This is no address."
    if "@" in parts.netloc:
        return "An address names no user and no password."
    if "#" in address:
        return "An address has no fragment."
    if parts.scheme == "http" and not settings.PRODUCTION and host in LOOPBACK:
        return None
    return None if parts.scheme == "https" else "An address begins with https."


def _own_client(tenant: Tenant, client_id: str) -> Client:
    application_id = client_id.removesuffix(FRONTEND)
    application = own_application(tenant=tenant, application_id=application_id, lock=True)
    client = application.clients.filter(client_id=client_id).first()
    if client is None:
        raise NotFound
    return client


def _record(application: Application, action: str, by: Actor, at: datetime, after: dict[str, object]) -> None:
    history.record(
        action=action,
        tenants=[application.owner_id],
        by=by,
        at=at,
        subject=("application", application.id, application.display_name),
        after=after,
    )
