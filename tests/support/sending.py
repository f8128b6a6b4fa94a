"""Requests of integrations that are older than this portal, as they send them: nothing is made nicer."""

import base64
from typing import Any

import requests

from iam_portal.launchers.story_check import Credentials
from tests.support.portal import RunningPortal

JSON = "application/json;charset=UTF-8"


def post(portal: RunningPortal, path: str, form: dict[str, str], **headers: str) -> requests.Response:
    """A form at a path of the portal."""
    return requests.post(portal.address + path, form, headers=headers, timeout=20, allow_redirects=False)


def basic(client: Credentials) -> str:
    """The header as most of them write it: nothing is urlencoded."""
    return "Basic " + base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()


def issued(reply: requests.Response, *members: str) -> dict[str, Any]:
    """The JSON of a reply with a token, with exactly these members besides those of every such reply."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["Content-Type"] == JSON
    assert reply.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = reply.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "jti", *members}
    assert body["token_type"] == "Bearer"
    assert 0 < body["expires_in"] <= 300
    return body


def refused(reply: requests.Response, error: str) -> dict[str, Any]:
    """The JSON of a refusal; a client that is not known is told so by 401."""
    assert reply.status_code == (401 if error == "invalid_client" else 400), reply.text
    assert reply.headers["Content-Type"] == JSON
    body: dict[str, Any] = reply.json()
    assert body["error"] == error
    return body
