"""Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0): only what works."""

from typing import Any

from accesscontrol.oauth import clients
from accesscontrol.oauth.clients import mutual_tls, own_keys, secrets
from accesscontrol.oauth.clients.jwks import ALGORITHMS
from accesscontrol.oauth.scopes import OPENID


def document(*, issuer: str) -> dict[str, Any]:
    """One body for both well-known addresses.

    ``response_types_supported`` is required (RFC 8414 §2) and empty until the code flow is offered;
    ``authorization_endpoint`` and what belongs to ID tokens are left out until then.
    """
    endpoints = f"{issuer}/protocol/openid-connect"
    return {
        "issuer": issuer,
        "token_endpoint": f"{endpoints}/token",
        "introspection_endpoint": f"{endpoints}/token/introspect",
        "jwks_uri": f"{endpoints}/certs",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "scopes_supported": [OPENID],
        **_authentication(),
    }


def _authentication() -> dict[str, Any]:
    """How clients prove themselves. A public client, which proves nothing, has no token to ask about."""
    tls = clients.certificates_are_taken()
    methods = [*secrets.METHODS, own_keys.METHOD, *(mutual_tls.METHODS if tls else ())]
    found: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True} if tls else {}
    for endpoint, more in (("token", [clients.NONE]), ("revocation", [clients.NONE]), ("introspection", [])):
        found[f"{endpoint}_endpoint_auth_methods_supported"] = methods + more
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    return found
