"""The worst days, as docs/operations.md has them: each of its steps is done here, by its door."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from accesscontrol.oauth.wire import FORM
from tests.accesscontrol.operating import ACCESS, Installation, shared, town
from tests.applications.story import ROLES, Party, signed_in
from tests.support.knocking import basic, person

__all__ = ["shared", "town"]

CALLER, TARGET = "beta.fleet-planner", "acme.fleet-planner"
Rest = Callable[..., Any]


@pytest.fixture
def rest(town: Installation) -> Rest:
    """Doors of beta, as its administrator."""

    def ask(method: str, path: str, body: Any = None, **more: Any) -> Any:
        return town.rest(method, path, body, by=more.pop("by", town.beta), **more)

    return ask


def _oauth(town: Installation, client_id: str, secret: str, path: str, **form: str) -> Any:
    address = f"/iam/access-management/v1/tenants/{town.beta.tenant.id}/openid-connect/{path}"
    body = urlencode(form)
    return Client().post(address, body, content_type=FORM, headers=basic(client_id, secret))


def _token(town: Installation, secret: str) -> Any:
    form = {"grant_type": "client_credentials", "scope": f"aud:{TARGET}"}
    return _oauth(town, CALLER, secret, "token", **form)


def _new_secret(town: Installation, owner: Party, application: str) -> dict[str, str]:
    path = f"applications/{application}/clients/{application}/secrets"
    reply = town.rest("POST", path, {}, by=owner)
    assert reply.status_code == 201, reply.content
    made: dict[str, str] = reply.json()
    return made


def _may_call(rest: Rest) -> None:
    body = {"principal": {"applicationId": CALLER}, "role": {"applicationId": TARGET, "key": ROLES[0]}}
    assert rest("POST", "assignments", body, api=ACCESS).status_code == 201


def test_a_stolen_client_secret(town: Installation, rest: Rest) -> None:
    """A new one first, so that the service goes on; what the stolen one got ends by a suspension."""
    _may_call(rest)
    stolen, target = _new_secret(town, town.beta, CALLER), _new_secret(town, town.acme, TARGET)
    got = _token(town, stolen["clientSecret"]).json()["access_token"]

    def active() -> bool:
        reply = _oauth(town, TARGET, target["clientSecret"], "token/introspect", token=got)
        return bool(reply.json()["active"])

    fresh = _new_secret(town, town.beta, CALLER)
    path = f"applications/{CALLER}/clients/{CALLER}/secrets/{stolen['secretId']}"
    assert rest("DELETE", path).status_code == 204
    assert _token(town, stolen["clientSecret"]).status_code == 401
    assert _token(town, fresh["clientSecret"]).status_code == 200
    assert active()  # a token says nothing of the secret that it was got with: it lives for five minutes
    assert rest("POST", f"applications/{CALLER}/suspend", {"reason": "stolen"}).status_code == 200
    assert not active()
    assert _token(town, fresh["clientSecret"]).status_code != 200
    assert rest("POST", f"applications/{CALLER}/resume", {}).status_code == 200
    assert _token(town, fresh["clientSecret"]).status_code == 200


def _done_by(rest: Rest, who: str) -> set[str]:
    rows = rest("GET", f"history?actor={who}&limit=200", api=ACCESS).json()["items"]
    return {row["action"] for row in rows}


def test_a_rogue_administrator(town: Installation, rest: Rest) -> None:
    """He is out with one act; his record names what he left behind, and each of it is ended."""
    user, _ = person(town.beta.tenant, "mallory", "access-manager", "module-manager", "user")
    mallory = Party(town.beta.tenant, user, signed_in(user, timezone.now()))
    backdoor = _new_secret(town, mallory, CALLER)
    body = {"principal": {"applicationId": CALLER}, "role": {"applicationId": TARGET, "key": ROLES[0]}}
    given = rest("POST", "assignments", body, api=ACCESS, by=mallory).json()
    invited = {"username": "friend", "email": "friend@example.com", "displayName": "Friend"}
    friend = rest("POST", "users", invited, api=ACCESS, by=mallory).json()

    who = str(mallory.user.id)
    assert rest("POST", f"users/{who}/deactivate", {}, api=ACCESS).status_code == 200
    assert rest("GET", "users", api=ACCESS, by=mallory).status_code == 401
    assert mallory.get().status_code == 302

    assert _done_by(rest, who) >= {"secret.added", "role.assigned", "user.invited"}
    path = f"applications/{CALLER}/clients/{CALLER}/secrets/{backdoor['secretId']}"
    assert rest("DELETE", path).status_code == 204
    assert rest("DELETE", f"assignments/{given['assignmentId']}", api=ACCESS).status_code in {200, 204}
    assert rest("POST", f"users/{friend['userId']}/deactivate", {}, api=ACCESS).status_code == 200
    assert _token(town, backdoor["clientSecret"]).status_code == 401
