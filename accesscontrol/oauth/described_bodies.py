"""Bodies of the OAuth doors as the description of the API has them, each with an example."""

from typing import Any

JSON = dict[str, Any]
TEXT: JSON = {"type": "string"}
NUMBER: JSON = {"type": "integer"}
TEXTS: JSON = {"type": "array", "items": TEXT}
ID = "7311c0de-0000-4000-8000-000000000001"
PROVING: JSON = {
    "client_id": {**TEXT, "description": "The client, where it is not in the Authorization header."},
    "client_secret": TEXT,
    "client_assertion_type": {
        **TEXT,
        "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    },
    "client_assertion": {**TEXT, "description": "A JWT by a registered key or a trusted issuer (RFC 7523)."},
}
REASONS: JSON = {"type": "array", "items": {"type": "object"}}
SCHEMAS: JSON = {
    "OAuthError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": TEXT,
            "error_description": {**TEXT, "description": "`KC-5` to `KC-8` begin it where a target fails."},
            "reason": {**TEXT, "description": "Only where the caller may know."},
            "reasons": REASONS,
            "available_from": {"type": ["string", "null"], "format": "date-time"},
        },
    },
    "BearerError": {
        "type": "object",
        "description": "Empty where no token was sent (RFC 6750 §3.1).",
        "properties": {"error": TEXT, "error_description": TEXT},
    },
    "TokenReply": {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope", "jti"],
        "properties": {
            "access_token": {**TEXT, "description": "A JWT (RFC 9068)."},
            "token_type": {**TEXT, "enum": ["Bearer", "DPoP"]},
            "expires_in": NUMBER,
            "scope": {**TEXT, "description": "What was granted, spelled out."},
            "jti": TEXT,
            "refresh_token": {
                **TEXT,
                "description": "With a code or a refresh token; replaced at each use.",
            },
            "id_token": TEXT,
            "issued_token_type": {**TEXT, "description": "With an exchange."},
        },
    },
    "Introspection": {
        "type": "object",
        "description": "All claims of an active token, with the roles of this moment; else only `active`.",
        "required": ["active"],
        "properties": {
            "active": {"type": "boolean"},
            "client_id": TEXT,
            "sub": TEXT,
            "aud": {"oneOf": [TEXT, TEXTS]},
            "exp": NUMBER,
            "tid": TEXT,
            "roles": TEXTS,
            "token_type": TEXT,
            "caller": {"type": "object"},
        },
    },
    "Userinfo": {
        "type": "object",
        "required": ["sub", "roles", "tid", "tname"],
        "properties": {
            "sub": TEXT,
            "preferred_username": TEXT,
            "name": TEXT,
            "email": TEXT,
            "email_verified": {"type": "boolean"},
            "roles": TEXTS,
            "tid": TEXT,
            "tname": TEXT,
        },
    },
    "KeySet": {
        "type": "object",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
    },
    "Metadata": {
        "type": "object",
        "required": ["issuer", "token_endpoint", "jwks_uri", "response_types_supported"],
        "properties": {
            "issuer": TEXT,
            "authorization_endpoint": TEXT,
            "token_endpoint": TEXT,
            "introspection_endpoint": TEXT,
            "revocation_endpoint": TEXT,
            "userinfo_endpoint": TEXT,
            "end_session_endpoint": TEXT,
            "jwks_uri": TEXT,
            "grant_types_supported": TEXTS,
            "response_types_supported": TEXTS,
        },
    },
}
TOKEN_FORM: JSON = {
    "grant_type": {
        **TEXT,
        "enum": [
            *("client_credentials", "authorization_code", "refresh_token"),
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
    },
    "scope": {
        **TEXT,
        "description": "Space-separated: `aud:<applicationId>`, `<applicationId>/<role>`, `openid`.",
    },
    "resource": {
        **TEXT,
        "description": "`urn:iam:application:<applicationId>` (RFC 8707), instead of `aud:`.",
    },
    "code": TEXT,
    "redirect_uri": TEXT,
    "code_verifier": TEXT,
    "refresh_token": TEXT,
    "subject_token": {
        **TEXT,
        "description": "Of an exchange: the access token that the client was called with.",
    },
    "subject_token_type": {**TEXT, "enum": ["urn:ietf:params:oauth:token-type:access_token"]},
    "audience": {**TEXT, "description": "Of an exchange: the application, instead of `aud:`."},
    **PROVING,
}
TOKEN_EXAMPLE = {"grant_type": "client_credentials", "scope": "aud:acme.condition-monitoring openid"}
TOKEN = {
    "access_token": "eyJ…",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "aud:acme.condition-monitoring openid",
    "jti": "b0c1d2e3f4a5b6c7",
}
USERINFO = {
    "sub": "7311c0de-0000-4000-8000-000000000002",
    "preferred_username": "jane",
    "roles": [f"urn:iam:application-role:{ID}:acme.condition-monitoring:viewer"],
    "tid": ID,
    "tname": "Acme",
}
KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "…", "x": "…", "y": "…"}]}
ISSUER = f"https://iam.example.com/iam/auth/realms/{ID}"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/protocol/openid-connect/token",
    "jwks_uri": f"{ISSUER}/protocol/openid-connect/certs",
    "response_types_supported": ["code"],
}
