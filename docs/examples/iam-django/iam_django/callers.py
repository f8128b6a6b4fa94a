"""Who is calling, as introspection or a token says it."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST = 65_536  # characters of a token
_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a service. ``tenant_id`` is the caller's; whose data a role opens stands in the role."""

    kind: str  # user or service
    subject: str
    client_id: str
    tenant_id: str
    roles: frozenset[str]
    expires_at: int
    claims: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> "Caller":
        """Of the claims of an access token, or an active answer. A token without ``roles`` opens nothing."""
        return cls(
            kind="user" if "sid" in claims else "service",
            subject=str(claims["sub"]),
            client_id=str(claims["client_id"]),
            tenant_id=str(claims["tid"]),
            roles=frozenset(claims.get("roles") or ()),
            expires_at=int(claims["exp"]),
            claims=claims,
        )


def tenant_of(token: str, base: str) -> str:
    """Which tenant's issuer a token names; empty where it is none of this portal's. Nothing is believed yet.

    The address to ask is made of it: it must be an id, and no word of a stranger's.
    """
    if not token or len(token) > LONGEST or not token.isascii():
        return ""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issuer = claims["iss"]
    except (IndexError, ValueError, TypeError, KeyError):
        return ""
    prefix = f"{base}/iam/auth/realms/"
    if not isinstance(issuer, str) or not issuer.startswith(prefix):
        return ""
    tenant_id = issuer.removeprefix(prefix)
    return tenant_id if _TENANT.fullmatch(tenant_id) else ""
