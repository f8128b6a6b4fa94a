"""Requests to an application, under WSGI and ASGI."""

import asyncio
from typing import Any

import pytest
from conftest import TENANT, Clock, Fake, Tokens, claims_of
from django.test import AsyncClient, Client
from iam_django import middleware
from iam_django.acl import AclMirror
from iam_django.introspection import Introspection

PATH = f"/iam/access-management/v1/tenants/{TENANT}/openid-connect/token/introspect"
ROLE = "urn:iam:application-role:x:acme.meter:viewer"


@pytest.fixture(autouse=True)
def asked(fake: Fake, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AclMirror:
    judge, mirror = Introspection(fake.portal, clock=clock), AclMirror(fake.portal)
    monkeypatch.setattr(middleware, "check", lambda: judge)
    monkeypatch.setattr(middleware, "mirror", lambda: mirror)
    fake.answers[PATH] = (200, {"active": True, "token_type": "Bearer", **claims_of(fake, clock)})
    return mirror


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest) -> Any:
    def ask(path: str, token: str | None = None) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if request.param == "wsgi":
            return Client().get(path, headers=headers)
        return asyncio.run(AsyncClient().get(path, headers=headers))

    return ask


def test_who_says_nothing_is_nobody(get: Any) -> None:
    assert get("/").json() == {"caller": None}
    refused = get("/machines")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")


def test_a_role_opens_what_the_acl_says_and_whose_it_says(get: Any, token: Tokens, asked: AclMirror) -> None:
    assert get("/", token()).json() == {"caller": "someone"}
    assert get("/machines", token()).status_code == 403
    read = {ROLE: frozenset({"read"})}
    asked.entries = {("acme", "urn:t", "machines"): read, ("beta", "urn:t", "other"): read}
    assert get("/machines", token()).json() == {"owners": ["acme"]}
    asked.entries = {("acme", "urn:t", "machines"): {ROLE: frozenset({"modify"})}}
    assert get("/machines", token()).status_code == 403


def test_a_token_that_opens_nothing_is_refused(fake: Fake, get: Any, token: Tokens) -> None:
    fake.answers[PATH] = (200, {"active": False})
    refused = get("/", token())
    assert (refused.status_code, "invalid_token" in refused["WWW-Authenticate"]) == (401, True)
    assert get("/", "junk").status_code == 401


def test_while_the_portal_is_away_nobody_is_let_in(fake: Fake, get: Any, token: Tokens) -> None:
    fake.answers[PATH] = (503, {})
    refused = get("/", token())
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
