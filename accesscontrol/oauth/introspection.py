"""Introspection (RFC 7662): decided now, not at issue."""

from datetime import datetime
from typing import Any

from accesscontrol.oauth import decision, tokens
from accesscontrol.oauth.claims import audience_of, scope_tenants
from applications.models import Client
from tenants.models import Tenant

INACTIVE = b'{"active": false}'  # one answer, alike to the byte, for every reason


def answer(*, token: str, client: Client, tenant: Tenant | None, at: datetime) -> dict[str, Any] | None:
    """The members of an active answer, or ``None``.

    Active only for a confidential client in the token's audience, at the tenant that issued it, while the
    call is allowed. Roles are those of this moment: they shrink with what was withdrawn.
    """
    try:
        claims = tokens.read(token, at=at)
    except tokens.Unreadable:
        return None
    asking = client.application_id
    if tenant is None or claims["tid"] != str(tenant.id) or asking not in audience_of(claims):
        return None
    found = decision.standing(claims, target_id=asking, at=at)
    if found is None:
        return None
    return {
        "active": True,
        **claims,
        "token_type": "Bearer",
        "roles": sorted(found.call.urns()),
        "scope_tenants": scope_tenants(found.call.roles, tenant_id=claims["tid"]),
        "caller": {
            "kind": "service",
            "applicationId": found.account.application_id,
            "clientId": claims["client_id"],
            "tenantId": claims["tid"],
        },
    }
