"""Public keys of a client, for ``private_key_jwt`` (RFC 7523). No action ever sees a private one."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions import proving
from applications.models import ClientKey
from applications.proofs.keys import PublicKey
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor
from tenants.models import Tenant


def add(
    *,
    tenant: Tenant,
    client_id: str,
    key: PublicKey,
    by: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> ClientKey:
    """Register a key beside the present ones. One that came in a certificate ends with it at the latest."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        proving.require_confidential(client)
        during = proving.valid_span(at=at, expires_at=expires_at, ends_at=key.ends_at)
        proving.require_becoming(client, by=by, at=at)
        if client.keys.filter(kid=key.kid, during__overlap=during).exists():
            raise proving.CredentialExists("This key is registered already.")
        proving.require_room(client.keys, at)
        row = ClientKey(
            client=client,
            kid=key.kid,
            public_jwk=key.jwk,
            note=note,
            during=during,
            created_by=by.name[:200],
        )
        row.full_clean()
        row.save(force_insert=True)
        after = {**_told(row), "expiresAt": rfc3339(during.upper)}
        proving.record(client.application, "client_key.added", by=by, at=at, after=after)
    return row


def revoke(*, tenant: Tenant, client_id: str, key_id: UUID, by: Actor, at: datetime) -> None:
    """What it signs is taken no more from now on."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        row = proving.end_now(client.keys.all(), key_id, at)
        proving.record(client.application, "client_key.revoked", by=by, at=at, before=_told(row))


def _told(row: ClientKey) -> dict[str, object]:
    return {"keyId": str(row.id), "kid": row.kid}
