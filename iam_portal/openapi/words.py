"""Words of the API's description that stand at no door: introduction, tags, parameters, components."""

import re
from typing import Any

JSON = dict[str, Any]

INTRODUCTION = """\
Organizations share applications with each other by contract; this is who may do what, and why.

**Who is let in.** A *service token*: from the organization's token endpoint, by `client_credentials` with
`scope=aud:iam-portal`, which must be its only audience. Or the session of a person at the console, whose
changes carry `X-CSRFToken`. Doors below `/application/` take the application's own credentials, too. A user's
access token is taken by userinfo and by the user ACL only.

**Organizations.** The organization of the path is the one of the token or the session; every other one
answers 404, known or not. 403 is said inside one's own organization only.

**Lists** are `{"items": […], "next": "<address>"|null}` in a stable order. `limit` is at most 500; `cursor`
is taken from `next`. Read applications is complete without `limit`.

**Revisions.** Rows carry `ETag: "r-7"`; a change sent with `If-Match` is refused with 412 when somebody was
faster. Acts that cannot be taken back need the revision of their *impact* (`"i-…"`): else 428 shows it.

**Sent twice.** Creating `POST`s take an `Idempotency-Key`: the same key with the same body gives the same
reply for 24 hours.

**Refusals** are `application/problem+json` (RFC 9457) with a stable `code`; `errors` names each value at
fault. Unknown fields of a body are refused, unknown parameters of a query are not looked at. Every reply
carries `X-Request-Id`, which stands in history and logs, too.

Times are RFC 3339; replies say them in UTC. OAuth and OpenID Connect are as their RFCs say.
"""
# First noun of the address → tag. What is not listed is called as it is.
_TAGS = {
    "acl": "access",
    "access-review": "access",
    "branding": "organizations",
    "deleted-people": "organizations",
    "decisions": "access",
    "token-preview": "access",
    "reports": "access",
    "required-roles": "roles",
    "availability": "applications",
    "application": "own application",
    "identity-providers": "organizations",
    "lifetimes": "organizations",
    "password-rules": "organizations",
    "scim-tokens": "users",
    "second-factors": "organizations",
    "service-accounts": "users",
    "system": "organizations",
}
_OF_APPLICATION = {"clients": "clients"}
TAGS = [
    {"name": "own application", "description": "What an application asks about itself."},
    {"name": "access", "description": "Who may do what, and why; what a token would hold."},
    {"name": "users", "description": "People of the organization, and its technical accounts."},
    {"name": "groups", "description": "The tree of groups; roles flow down."},
    {
        "name": "roles",
        "description": "Roles that the organization composes, and those that applications require.",
    },
    {"name": "assignments", "description": "Who holds which role, from when, until when."},
    {"name": "resources", "description": "What applications protect."},
    {"name": "configuration", "description": "All of it as one document: export, plan, apply."},
    {"name": "history", "description": "Who changed what, and when; chained."},
    {
        "name": "organizations",
        "description": "The installation, its organizations, and settings of one's own.",
    },
    {"name": "partnerships", "description": "Organizations that know each other and may share."},
    {"name": "applications", "description": "What the organization owns and what is shared with it."},
    {
        "name": "clients",
        "description": "How an application proves itself: clients, secrets, keys, certificates.",
    },
    {"name": "contracts", "description": "Sharing: drafts, proposals, pauses, ends, amendments."},
    {"name": "events", "description": "What happened, in order."},
    {"name": "webhooks", "description": "Events, sent to an address of one's own."},
    {"name": "oauth", "description": "OAuth 2.0 and OpenID Connect; bodies are as their RFCs say."},
]
PATH = {
    "tenant_id": "The organization: that of the token or the session.",
    "application_id": "An application.",
    "client_id": "The application's id for the confidential client, with `-frontend` for the public one.",
    "user_id": "A person of the organization.",
    "group_id": "A group of the organization.",
    "account_id": "A technical account: the `sub` of a service token.",
    "report": "Which report.",
    "key": "The key of a role of the organization.",
    "mapper_id": "A mapper of the identity provider.",
    "provider_key": "The key of an identity provider.",
    "assignment_id": "An assignment.",
    "contract_id": "A contract, on either side of it.",
    "amendment_id": "An amendment of the contract.",
    "pause_id": "A planned pause of the contract.",
    "partnership_id": "A partnership, on either side of it.",
    "organization_id": "An organization of the installation.",
    "webhook_id": "A subscription.",
    "delivery_id": "A delivery, as the list of deliveries names it.",
    "secret_id": "A secret; never its value.",
    "token_id": "The id that its making answered with.",
    "key_id": "A registered public key.",
    "certificate_id": "A registered certificate.",
    "issuer_id": "A trusted issuer.",
    "act": "What is done.",
    "row_id": "A row of the history.",
    "resource_type": "The type of a resource, a URN.",
    "resource_id": "The id of a resource within its type.",
}
FINE = {
    "200": "Done, or found.",
    "201": "Made.",
    "202": "Taken; it happens within seconds.",
    "204": "Done; there is nothing to say.",
    "304": "Not changed since the revision in `If-None-Match`.",
}
ETAG = {"description": 'The revision: `"r-7"` of a row, `"i-…"` of an impact.', "schema": {"type": "string"}}
REPLAYED = {
    "description": "`true`: the reply of the first request with this `Idempotency-Key`, sent again.",
    "schema": {"type": "string", "enum": ["true"]},
}
_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
IF_MATCH = {
    **_MATCH,
    "description": 'The revision that the caller looked at (`"r-7"`); 412 when it is another.',
}
IF_MATCH_IMPACT = {
    **_MATCH,
    "description": 'The revision of the impact that was shown (`"i-…"`), or of the row (`"r-7"`).',
}
_TEXT = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            **_TEXT,
            "description": "Which value: a JSON pointer into the body, empty for all of it.",
        },
        "code": _TEXT,
        "detail": _TEXT,
    },
}
_REASON = {
    "type": "object",
    "required": ["code", "text"],
    "properties": {"code": _TEXT, "text": _TEXT},
    "additionalProperties": True,
}
PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457). Nothing was changed. Codes are explained in docs/errors.md.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": _TEXT,
        "title": {**_TEXT, "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {**_TEXT, "description": "Stable; for programs."},
        "detail": {**_TEXT, "description": "A sentence for people."},
        "instance": {**_TEXT, "description": "The path that was asked."},
        "errors": {"type": "array", "items": _ERROR},
        "reasons": {"type": "array", "items": _REASON},
    },
    "additionalProperties": True,
}
SETTINGS = {
    "TITLE": "IAM portal",
    "DESCRIPTION": INTRODUCTION,
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "TAGS": TAGS,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ContractTypeEnum": ["provision", "access"],
        "DemandEnum": ["off", "optional", "required"],
        "MapperInKindEnum": "tenants.models.IdentityMapper.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "iam_portal.openapi.described.add_refusals",
        "accesscontrol.oauth.described.add_doors",
    ],
}


def tag_of(address: str) -> str:
    """The tag of an address below ``/tenants/{tenant_id}/``."""
    parts = [part for part in re.split(r"[/:]", address) if not part.startswith("{")]
    if parts[0] == "applications" and len(parts) > 1 and parts[1] in _OF_APPLICATION:
        return _OF_APPLICATION[parts[1]]
    return _TAGS.get(parts[0], parts[0])
