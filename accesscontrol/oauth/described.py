"""The doors of OAuth and OpenID Connect in the description of the API. Their words are those of the RFCs."""

from typing import Any

from accesscontrol.oauth import described_bodies as bodies

JSON = dict[str, Any]
_REALM = "/iam/auth/realms/{realm}"
_ENDPOINTS = f"{_REALM}/protocol/openid-connect"
_ALIASES = (
    "The same stands below `/iam/access-management/v1/tenants/{tenantId}/openid-connect/` and below "
    "`/auth/realms/{realm}/protocol/openid-connect/`."
)
_CLIENT: list[JSON] = [
    {"applicationCredentials": []},
    {},
]  # Basic; or by the form, an assertion, a certificate
_REFUSED = {
    "400": "`invalid_request`, `invalid_scope`, `invalid_target`, `invalid_grant`, `unauthorized_client`, "
    "`invalid_dpop_proof`, `use_dpop_nonce` (with `DPoP-Nonce`), or `unsupported_grant_type`.",
    "401": "`invalid_client`: one answer for whatever is wrong with the client's proof.",
    "403": "`insufficient_scope`: the token was given without `openid`.",
    "429": "`invalid_client`, too often from this network; a right proof is taken all the same.",
    "503": "`temporarily_unavailable`: there is no key to sign with.",
}
_TAGGED: JSON = {"headers": {"ETag": {"description": "Of these very bytes.", "schema": bodies.TEXT}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "How to prove who one is.", "schema": bodies.TEXT}}


def add_doors(result: JSON, **_: Any) -> JSON:
    """Beside the REST doors; one address of those that each has."""
    result["components"]["schemas"] |= bodies.SCHEMAS
    result["paths"] |= _paths()
    return result


def operation_ids() -> list[str]:
    """How the doors are called there."""
    return [operation["operationId"] for methods in _paths().values() for operation in methods.values()]


def _paths() -> JSON:
    token = _token("oauth_token", _ALIASES)
    bare = _token(
        "oauth_token_anywhere", "The organization is `tenant_id`, else the one that owns the client."
    )
    bare["requestBody"] = _form(
        {**bodies.TOKEN_FORM, "tenant_id": bodies.TEXT}, "grant_type", bodies.TOKEN_EXAMPLE
    )
    del bare["parameters"]
    userinfo = _operation("Who the person is that signed in", _ALIASES, security=[{"userToken": []}])
    userinfo["responses"] = {
        "200": _reply("Userinfo", "The claims, by the scopes of the token.", bodies.USERINFO)
    }
    userinfo["responses"] |= _refused("400", "401", "403", schema="BearerError")
    published = _refused_publicly()
    metadata = {"200": {**_reply("Metadata", "The metadata.", bodies.METADATA), **_TAGGED}, **published}
    certs = {"200": {**_reply("KeySet", "The keys that verify.", bodies.KEYS), **_TAGGED}, **published}
    return {
        f"{_ENDPOINTS}/token": {"post": token},
        "/oauth2/token": {"post": bare},
        f"{_ENDPOINTS}/par": {"post": _pushing()},
        f"{_ENDPOINTS}/token/introspect": {"post": _introspection()},
        f"{_ENDPOINTS}/revoke": {"post": _revocation()},
        f"{_ENDPOINTS}/userinfo": {"get": {**userinfo, "operationId": "oauth_userinfo"}},
        f"{_ENDPOINTS}/certs": {
            "get": _operation("The public keys that sign tokens", _ALIASES, "oauth_certs", responses=certs)
        },
        f"{_REALM}/.well-known/openid-configuration": {
            "get": _operation(
                "Discovery of everything else",
                "RFC 8414 metadata with the same body stands at "
                "`/.well-known/oauth-authorization-server/iam/auth/realms/{realm}`.",
                "oauth_metadata",
                responses=metadata,
            )
        },
    }


def _token(name: str, where: str) -> JSON:
    said = (
        "`client_credentials` for services: `scope=aud:<applicationId>` names the target, none means every "
        "application that the client may call. `authorization_code` and `refresh_token` for people. With a "
        "token exchange an application calls another in the name of whoever called it.\n\n" + where
    )
    found = _operation("Get a token", said, name, security=_CLIENT)
    found["requestBody"] = _form(bodies.TOKEN_FORM, "grant_type", bodies.TOKEN_EXAMPLE)
    found["responses"] = {
        "200": _reply("TokenReply", "Issued.", bodies.TOKEN),
        **_refused("400", "401", "429", "503"),
    }
    return found


def _pushing() -> JSON:
    said = (
        "What it asks for goes past the browser, which then comes with `request_uri`: once, within a minute."
    )
    found = _operation("Leave a request for the authorization endpoint", said, "oauth_push", security=_CLIENT)
    found["requestBody"] = _form(
        {**bodies.AUTHORIZATION_FORM, **bodies.PROVING}, "response_type", bodies.AUTHORIZATION_EXAMPLE
    )
    found["responses"] = {
        "201": _reply("Pushed", "Left.", bodies.PUSHED),
        **_refused("400", "401", "429"),
        "404": {"$ref": "#/components/responses/NotFound"},
    }
    return found


def _introspection() -> JSON:
    said = 'The caller is a confidential client in the token\'s audience; else it is `{"active": false}`.'
    found = _operation(
        "Is a token active now, and who is behind it?", said, "oauth_introspect", security=_CLIENT
    )
    found["requestBody"] = _form(
        {"token": bodies.TEXT, "token_type_hint": bodies.TEXT, **bodies.PROVING}, "token", {"token": "eyJ…"}
    )
    shown = {"active": False}
    found["responses"] = {
        "200": _reply("Introspection", "Active or not.", shown),
        **_refused("400", "401", "429"),
    }
    return found


def _revocation() -> JSON:
    said = "A refresh token goes with everything that it gave. 200 also for a token that nobody knows."
    found = _operation("Give a token back", said, "oauth_revoke", security=_CLIENT)
    found["requestBody"] = _form(
        {"token": bodies.TEXT, "token_type_hint": bodies.TEXT, **bodies.PROVING}, "token", {"token": "eyJ…"}
    )
    found["responses"] = {"200": {"description": "It is no longer there."}, **_refused("400", "401", "429")}
    return found


def _operation(
    summary: str,
    said: str,
    name: str = "",
    *,
    security: list[JSON] | None = None,
    responses: JSON | None = None,
) -> JSON:
    realm = {"name": "realm", "in": "path", "required": True, "schema": bodies.TEXT}
    return {
        "operationId": name,
        "summary": summary,
        "description": said,
        "tags": ["oauth"],
        "parameters": [{**realm, "description": "The id or the short name of the organization."}],
        "security": [{}] if security is None else security,
        "responses": responses or {},
    }


def _form(properties: JSON, required: str, example: JSON) -> JSON:
    schema = {"type": "object", "required": [required], "properties": properties}
    content = {"application/x-www-form-urlencoded": {"schema": schema, "example": example}}
    return {"required": True, "content": content}


def _reply(schema: str, said: str, example: JSON) -> JSON:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}
    return {"description": said, "content": {"application/json": content}}


def _refused(*statuses: str, schema: str = "OAuthError") -> JSON:
    found = {}
    for status in statuses:
        error = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        found[status] = {"description": _REFUSED[status], "content": {"application/json": error}}
        if status == "401":
            found[status]["headers"] = _CHALLENGE
    return found


def _refused_publicly() -> JSON:
    return {
        "304": {"description": "Not changed since the `ETag` in `If-None-Match`."},
        "412": {"description": "Other than the `ETag` in `If-Match`."},
        "404": {"$ref": "#/components/responses/NotFound"},
    }
