"""Workload identity: issuers whose word about one subject stands for a client that holds no secret.

A batch job has a JWT of its cluster or of its CI. The client trusts that issuer for that subject; whoever
says which one can act by the client, so it is asked for like a credential.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction

from applications.actions import client_addresses, proving
from applications.delivery.addresses import DEFAULT_PORTS
from applications.models import TrustedIssuer
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid
from iam_portal.gate import Actor
from tenants.models import Tenant, since

LONGEST = 500
# A * stands at the very end, after two parts that are not empty: system:serviceaccount:jobs:*, repo:acme/*.
# After one, repo:* would be every repository of a public issuer.
_NAMESPACE = re.compile(r"[^*:/]+[:/][^*]*[^*:/][:/]\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to believe about whom. Keys as given, or at ``jwks_uri``, or found by the issuer's discovery."""

    issuer: str
    subject: str
    jwks: tuple[dict[str, str], ...] | None = None
    jwks_uri: str = ""


def add(
    *,
    tenant: Tenant,
    client_id: str,
    trust: Trust,
    by: Actor,
    at: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> TrustedIssuer:
    """From now on a JWT of this issuer about this subject is the client's own."""
    _require_sound(trust)
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        proving.require_confidential(client)
        proving.valid_span(at=at, expires_at=expires_at, ends_at=None)
        proving.require_becoming(client, by=by, at=at)
        during = since(at, expires_at)
        same = client.trusted_issuers.filter(issuer=trust.issuer, subject=trust.subject)
        if same.filter(during__overlap=during).exists():
            raise proving.CredentialExists("This issuer and subject are trusted already.")
        proving.require_room(client.trusted_issuers, at)
        row = TrustedIssuer(
            client=client,
            issuer=trust.issuer,
            subject=trust.subject,
            jwks={"keys": list(trust.jwks)} if trust.jwks else None,
            jwks_uri=trust.jwks_uri,
            note=note,
            during=during,
            created_by=by.name[:200],
        )
        row.full_clean()
        row.save(force_insert=True)
        after = {**_told(row), "jwksUri": row.jwks_uri or None, "expiresAt": rfc3339(expires_at)}
        proving.record(client.application, "trusted_issuer.added", by=by, at=at, after=after)
    return row


def revoke(*, tenant: Tenant, client_id: str, issuer_id: UUID, by: Actor, at: datetime) -> None:
    """Believe it no more from now on."""
    with transaction.atomic():
        client = proving.own_client(tenant=tenant, client_id=client_id)
        row = proving.end_now(client.trusted_issuers.all(), issuer_id, at)
        proving.record(client.application, "trusted_issuer.revoked", by=by, at=at, before=_told(row))


def _told(row: TrustedIssuer) -> dict[str, object]:
    return {"issuerId": str(row.id), "issuer": row.issuer, "subject": row.subject}


def _require_sound(trust: Trust) -> None:
    """Every objection at once."""
    found = [
        ("/issuer", _issuer_objection(trust)),
        ("/subject", _subject_objection(trust.subject)),
        ("/jwksUri", client_addresses.fetch_objection(trust.jwks_uri) if trust.jwks_uri else ""),
        ("/jwksUri", "Give the keys or where they are, not both." if trust.jwks and trust.jwks_uri else ""),
    ]
    errors = [
        {"pointer": pointer, "code": "issuer_refused", "detail": detail}
        for pointer, detail in found
        if detail
    ]
    if errors:
        raise Invalid("This issuer cannot be trusted. Nothing was changed.", errors=errors)


def _issuer_objection(trust: Trust) -> str:
    """OpenID Connect Discovery §3: https, no query, no fragment. It is compared letter by letter."""
    fetched = not trust.jwks and not trust.jwks_uri
    detail = client_addresses.fetch_objection(trust.issuer, fetched=fetched)
    if detail:
        return detail
    if "?" in trust.issuer:
        return "An issuer has no query."
    # Else any person's token of the portal itself could be handed in as the word of an issuer from outside.
    if _place(trust.issuer) == _place(settings.PORTAL_BASE_URL):
        return "The portal itself is no issuer from outside."
    return ""


def _place(url: str) -> tuple[str, int]:
    """Host and port, however they are written."""
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS[parts.scheme]


def _subject_objection(subject: str) -> str:
    if not subject or len(subject) > LONGEST or not subject.isprintable() or subject != subject.strip():
        return "Write the subject exactly as it stands in the token."
    if "*" in subject and not _NAMESPACE.fullmatch(subject):
        return "A * stands for the rest only at the very end, after two fixed parts, like repo:acme/*."
    return ""
