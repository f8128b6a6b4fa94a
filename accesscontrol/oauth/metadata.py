"""Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0): pure, and only what works."""

from typing import Any

from accesscontrol.oauth.clients.secrets import METHODS
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
        "token_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": list(METHODS),
    }
