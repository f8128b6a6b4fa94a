"""What this service provider says of itself (RFC 7643 §5 to §7): configuration, types, schemas."""

from typing import Any

from accesscontrol.scim import people, teams

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
MOST_BULK, LARGEST_BULK, MOST_LISTED = 100, 1024 * 1024, 200
_META = "urn:ietf:params:scim:schemas:core:2.0:"
_BOTH = {people.SCHEMA: "User", teams.SCHEMA: "Group"}


def configuration(base: str) -> dict[str, Any]:
    """``/ServiceProviderConfig``."""
    schemes = [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A SCIM token of the organization, or a service token of an application of it.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": True,
        }
    ]
    return {
        "schemas": [f"{_META}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MOST_BULK, "maxPayloadSize": LARGEST_BULK},
        "filter": {"supported": True, "maxResults": MOST_LISTED},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": schemes,
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """``/ResourceTypes``."""
    return [
        {
            "schemas": [f"{_META}ResourceType"],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "schema": schema,
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for schema, name in _BOTH.items()
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    """``/Schemas``: the attributes that are kept here, and no others."""
    attributes = {people.SCHEMA: _of_people(), teams.SCHEMA: _of_teams()}
    return [
        {
            "schemas": [f"{_META}Schema"],
            "id": schema,
            "name": name,
            "description": {"User": "A person of the organization", "Group": "A group of people"}[name],
            "attributes": attributes[schema],
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
        }
        for schema, name in _BOTH.items()
    ]


def _of_people() -> list[dict[str, Any]]:
    shown = "What is shown. Where it is not sent the name as it is composed, else the userName."
    return [
        _attribute("userName", "With what the person signs in.", required=True, uniqueness="server"),
        _complex("name", "The same as displayName.", [_read("formatted", "The same as displayName.")]),
        _attribute("displayName", shown, required=True),
        _complex(
            "emails",
            "One mailbox. Without any a userName that is an address.",
            [
                _attribute("value", "The address.", required=True, uniqueness="server"),
                {**_attribute("type", "It is for work."), "canonicalValues": ["work"]},
                {**_read("primary", "It is the only one.", kind="boolean"), "returned": "request"},
            ],
            multiple=True,
            mutability="readWrite",
            required=True,
        ),
        _attribute("active", "Whether the person may sign in. New ones may.", kind="boolean", required=True),
        _complex(
            "groups",
            "The groups in which the person is; changed at the group.",
            [
                _read("value", "Its id."),
                _read("$ref", "Its address.", kind="reference", types=["Group"]),
                _read("display", "Its name."),
                _read("type", "direct"),
            ],
            multiple=True,
        ),
    ]


def _of_teams() -> list[dict[str, Any]]:
    members = [
        _attribute("value", "The id of a person.", mutability="immutable"),
        _attribute(
            "$ref", "The address of the person.", kind="reference", mutability="immutable", types=["User"]
        ),
        {**_read("display", "The name of the person."), "returned": "request"},
        {**_attribute("type", "Who it is.", mutability="immutable"), "canonicalValues": ["User"]},
    ]
    return [
        _attribute("displayName", "Its name.", required=True, uniqueness="server"),
        _complex("members", "Who is in it.", members, multiple=True, mutability="readWrite"),
    ]


def _attribute(
    name: str,
    description: str,
    *,
    kind: str = "string",
    required: bool = False,
    mutability: str = "readWrite",
    uniqueness: str = "none",
    types: list[str] | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": description,
        "required": required,
        "mutability": mutability,
        "returned": "default",
    }
    if kind == "string":
        made["caseExact"] = False
    if types:
        made["referenceTypes"] = types
    return {**made, "uniqueness": uniqueness}


def _read(name: str, description: str, *, kind: str = "string", types: list[str] | None = None) -> Any:
    return _attribute(name, description, kind=kind, mutability="readOnly", types=types)


def _complex(
    name: str,
    description: str,
    parts: list[dict[str, Any]],
    *,
    multiple: bool = False,
    mutability: str = "readOnly",
    required: bool = False,
) -> dict[str, Any]:
    made = _attribute(name, description, kind="complex", mutability=mutability, required=required)
    return {**made, "multiValued": multiple, "subAttributes": parts}
