"""The wire form of clients and of what proves them. Nothing in it is secret."""

from datetime import datetime
from typing import Any

from applications.actions import client_settings
from applications.models import Client, ClientCertificate, ClientKey, ClientSecret, TrustedIssuer
from iam_portal.decision import rfc3339

Credential = ClientSecret | ClientKey | ClientCertificate | TrustedIssuer


def client(row: Client) -> dict[str, Any]:
    """A client with all that is set on it."""
    return {
        "clientId": row.client_id,
        "kind": row.client_type,
        **client_settings.snapshot(row),
        "jwksUri": row.client_jwks_uri or None,
        "backchannelLogoutUri": row.backchannel_logout_uri or None,
        "revision": f"r-{row.revision}",
    }


def secret(row: ClientSecret, client_id: str) -> dict[str, Any]:
    """A secret without its value."""
    return {"secretId": str(row.id), "clientId": client_id, "hint": row.hint, **_common(row)}


def key(row: ClientKey) -> dict[str, Any]:
    """A registered key."""
    return {"keyId": str(row.id), "kid": row.kid, "jwk": row.public_jwk, "jwksUri": None, **_common(row)}


def keys_elsewhere(row: Client, at: datetime) -> dict[str, Any]:
    """In the place of a key: where the client publishes its own."""
    empty = {"note": "", "startsAt": rfc3339(at), "createdBy": None, "expiresAt": None, "lastUsedAt": None}
    return {"keyId": None, "kid": None, "jwk": None, "jwksUri": row.client_jwks_uri, **empty}


def certificate(row: ClientCertificate) -> dict[str, Any]:
    """A registered certificate, or a subject name with its anchor."""
    return {
        "certificateId": str(row.id),
        "thumbprint": row.thumbprint or None,
        "subjectDn": row.subject_dn or None,
        "trustAnchorPem": row.trust_anchor or None,
        **_common(row),
    }


def trusted_issuer(row: TrustedIssuer) -> dict[str, Any]:
    """Whom the client trusts, about whom."""
    return {
        "issuerId": str(row.id),
        "issuer": row.issuer,
        "subject": row.subject,
        "jwks": row.jwks,
        "jwksUri": row.jwks_uri or None,
        **_common(row),
    }


def _common(row: Credential) -> dict[str, Any]:
    return {
        "note": row.note,
        "startsAt": rfc3339(row.during.lower),
        "createdBy": row.created_by,
        "expiresAt": rfc3339(row.during.upper),
        "lastUsedAt": rfc3339(row.last_used_at),
    }
