"""Certificates of a client, for mutual TLS (RFC 8705): its own, or a name with its anchor."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions import proving
from applications.models import Client, ClientCertificate
from applications.proofs.certificates import Certificate
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor
from tenants.models import Tenant


def add(
    *,
    tenant: Tenant,
    client_id: str,
    certificate: Certificate,
    by: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> ClientCertificate:
    """Register this one certificate, for as long as it is valid at the longest (RFC 8705 §2.2)."""
    kind = {"thumbprint": certificate.thumbprint}
    return _add(tenant, client_id, kind, certificate, by=by, at=at, note=note, expires_at=expires_at)


def add_name(
    *,
    tenant: Tenant,
    client_id: str,
    subject_dn: str,
    anchor: Certificate,
    by: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> ClientCertificate:
    """Take every certificate with this subject that the anchor has signed (RFC 8705 §2.1).

    The anchor belongs to this client alone: without one, any authority that the proxy trusts could make
    itself the client by writing its name.
    """
    kind = {"subject_dn": subject_dn, "trust_anchor": anchor.text}
    return _add(tenant, client_id, kind, anchor, by=by, at=at, note=note, expires_at=expires_at)


def revoke(*, tenant: Tenant, client_id: str, certificate_id: UUID, by: Actor, at: datetime) -> None:
    """It proves nothing from now on. Tokens bound to it live on for minutes."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        row = proving.end_now(client.certificates.all(), certificate_id, at)
        proving.record(client.application, "certificate.revoked", by=by, at=at, before=_told(row))


def _add(
    tenant: Tenant,
    client_id: str,
    kind: dict[str, str],
    certificate: Certificate,
    *,
    by: Actor,
    at: datetime,
    note: str,
    expires_at: datetime | None,
) -> ClientCertificate:
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        proving.require_confidential(client)
        during = proving.valid_span(
            at=at, expires_at=expires_at, starts_at=certificate.starts_at, ends_at=certificate.ends_at
        )
        proving.require_becoming(client, by=by, at=at)
        _require_new(client, kind, during)
        proving.require_room(client.certificates, at)
        row = ClientCertificate(client=client, note=note, during=during, created_by=by.name[:200], **kind)
        row.full_clean()
        row.save(force_insert=True)
        after = {**_told(row), "expiresAt": rfc3339(during.upper)}
        proving.record(client.application, "certificate.added", by=by, at=at, after=after)
    return row


def _require_new(client: Client, kind: dict[str, str], during: object) -> None:
    if client.certificates.filter(during__overlap=during, **kind).exists():
        raise proving.CredentialExists("This certificate is registered already.")


def _told(row: ClientCertificate) -> dict[str, object]:
    what = {"thumbprint": row.thumbprint} if row.thumbprint else {"subjectDn": row.subject_dn}
    return {"certificateId": str(row.id), **what}
