"""What an assertion has to be for: this tenant's issuer, whatever the request is for besides."""

from django.conf import settings

from accesscontrol.oauth.claims import issuer
from accesscontrol.oauth.clients.presented import Presented
from accesscontrol.oauth.realms import Address
from applications.models import Client


def issuers(presented: Presented, client: Client | None) -> frozenset[str]:
    """The issuer of the tenant that the exchange will use; none where none is named.

    By the id as it is written, whether or not there is such a tenant: else a caller who names a strange id in
    path and assertion would learn by 401 that there is none.
    """
    tenant_id = _tenant_id(presented, client)
    return frozenset({issuer(settings.PORTAL_BASE_URL, tenant_id)} if tenant_id else ())


def token_endpoints(presented: Presented, client: Client | None) -> frozenset[str]:
    """The addresses of its token endpoint that name the tenant, for clients that were built to use them."""
    tenant_id = _tenant_id(presented, client)
    if not tenant_id:
        return frozenset()
    base = settings.PORTAL_BASE_URL
    realms = {tenant_id, presented.address.realm or tenant_id}
    return frozenset(
        {
            f"{base}/iam/access-management/v1/tenants/{tenant_id}/openid-connect/token",
            *(f"{base}/iam/auth/realms/{realm}/protocol/openid-connect/token" for realm in realms),
            *(f"{base}/auth/realms/{realm}/protocol/openid-connect/token" for realm in realms),
        }
    )


def _tenant_id(presented: Presented, client: Client | None) -> str:
    address = presented.address
    if address.is_open:
        owner_id = str(client.application.owner_id) if client is not None else ""
        address = Address(tenant_id=presented.form.get("tenant_id") or owner_id)
    return address.named_id()
