"""OAuth clients and their secrets. A secret's value leaves this module once, and is never stored."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications import hashers
from applications.actions import client_addresses, proving
from applications.models import Client, ClientSecret
from applications.models.clients import FRONTEND
from applications.policies import own_application
from iam_portal.errors import DomainError, Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants.models import Tenant, since

MOST_SECRETS = proving.MOST


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
    errors = client_addresses.redirect_errors("/redirectUris", redirect_uris, public=True)
    errors += client_addresses.origin_errors("/webOrigins", web_origins)
    if errors:
        raise Invalid("Some addresses cannot be accepted. Nothing was changed.", errors=errors)
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        client_id = application.id + FRONTEND
        if Client.objects.filter(client_id=client_id).exists():
            raise ClientExists("The public client is there already.")
        client = Client(
            application=application,
            client_id=client_id,
            client_type=Client.CLIENT_PUBLIC,
            authorization_grant_type=Client.GRANT_AUTHORIZATION_CODE,
            client_secret="",
            hash_client_secret=False,
            token_endpoint_auth_method="none",  # noqa: S106  (the name of a method)
            redirect_uris=" ".join(dict.fromkeys(redirect_uris)),
            allowed_origins=" ".join(dict.fromkeys(web_origins)),
            name=application.name,
            skip_authorization=True,
        )
        proving.require_becoming(client, by=by, at=at)
        client.save()
        after = {"clientId": client_id, "redirectUris": redirect_uris}
        proving.record(application, "client.added", by=by, at=at, after=after)
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
        client = proving.own_client(tenant=tenant, client_id=client_id)
        if client.client_type != Client.CLIENT_CONFIDENTIAL:
            raise Invalid("A public client has no secret.")
        proving.require_becoming(client, by=by, at=at)
        if client.secrets.at(at).count() >= MOST_SECRETS:
            raise TooManySecrets(
                said("At most %(most)s live secrets. Revoke one first.", {"most": MOST_SECRETS})
            )
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
        after = {"secretId": str(secret.id), "hint": sealed.hint}
        proving.record(client.application, "secret.added", by=by, at=at, after=after)
    return secret, value


def revoke_secret(*, tenant: Tenant, client_id: str, secret_id: UUID, by: Actor, at: datetime) -> None:
    """End a secret now."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        proving.end_now(client.secrets.all(), secret_id, at)
        before = {"secretId": str(secret_id)}
        proving.record(client.application, "secret.revoked", by=by, at=at, before=before)
