"""Calls of the people's doors as a console makes them, and refusals in the one form that they have."""

import json
from typing import Any

from tests.applications.story import Party

ADDRESS = "/iam/access-management/v1/tenants/{}/{}"


def call(party: Party, method: str, path: str, body: Any = None, by: Any = None, **headers: str) -> Any:
    """Below the party's own tenant, by its administrator or another browser."""
    sent = "" if body is None else json.dumps(body)
    address, _, query = ADDRESS.format(party.tenant.id, path).partition("?")
    return (by or party.client).generic(
        method, address, sent, "application/json", headers=headers, QUERY_STRING=query
    )


def refused(reply: Any, status: int, code: str) -> Any:
    """The document of a refusal."""
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.content
    assert reply["Content-Type"] == "application/problem+json"
    return reply.json()
