"""Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0): only what works."""

from typing import Any

from accesscontrol.actions import keys
from accesscontrol.oauth import clients
from accesscontrol.oauth.authorization_request import PROMPTS
from accesscontrol.oauth.clients import mutual_tls, own_keys, secrets
from accesscontrol.oauth.clients.jwks import ALGORITHMS
from accesscontrol.oauth.exchanging import GRANT as EXCHANGE
from accesscontrol.oauth.person_scopes import ABOUT_PEOPLE
from accesscontrol.oauth.scopes import OPENID

CLAIMS = [
    *(
        "iss",
        "sub",
        "aud",
        "azp",
        "exp",
        "iat",
        "auth_time",
        "amr",
        "nonce",
        "at_hash",
        "sid",
        "tid",
        "tname",
    ),
    *("name", "preferred_username", "email", "email_verified", "roles"),
]


def document(*, issuer: str) -> dict[str, Any]:
    """One body for both well-known addresses."""
    endpoints = f"{issuer}/protocol/openid-connect"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{endpoints}/auth",
        "pushed_authorization_request_endpoint": f"{endpoints}/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": f"{endpoints}/token",
        "introspection_endpoint": f"{endpoints}/token/introspect",
        "revocation_endpoint": f"{endpoints}/revoke",
        "userinfo_endpoint": f"{endpoints}/userinfo",
        "end_session_endpoint": f"{endpoints}/logout",
        "jwks_uri": f"{endpoints}/certs",
        "grant_types_supported": ["authorization_code", "refresh_token", EXCHANGE, "client_credentials"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": sorted(PROMPTS),
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(keys.ALGORITHMS),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [OPENID, *ABOUT_PEOPLE],
        "claims_supported": CLAIMS,
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
