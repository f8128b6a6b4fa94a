"""A fleet platform: the addresses of realms, codes without PKCE, tokens that stay while nobody is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from iam_portal.launchers.story_check import Credentials
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.sending import basic, issued, post, refused
from tests.support.signing_in import Visitor, answered
from tests.support.stage import Stage, made_of

pytestmark = pytest.mark.journey
BACK = "http://127.0.0.1:9/fleet/login"  # nobody asks there
AFTER = "http://127.0.0.1:9/fleet/bye"


@dataclass
class Platform:
    """A confidential client that was made before PKCE, and the realm under its name."""

    portal: RunningPortal
    stage: Stage
    owner: Console

    @property
    def client(self) -> Credentials:
        return self.stage.target

    @property
    def realm(self) -> str:
        slug = self.portal.story["consumer"]["slug"]
        return f"/auth/realms/{slug}/protocol/openid-connect"

    def visitor(self) -> Visitor:
        return Visitor(Login.of(self.portal.story["consumer"]))

    def change(self, **settings: Any) -> None:
        self.owner.change_client(self.client.client_id, **settings)

    def back(self, visitor: Visitor, **asked: str) -> dict[str, str]:
        """What comes back for the least that was ever sent, and what is asked on top."""
        query = {"response_type": "code", "client_id": self.client.client_id, "redirect_uri": BACK}
        address = f"{self.portal.address}{self.realm}/auth?{urlencode({**query, **asked})}"
        return dict(answered(visitor.arrives(address, BACK)))

    def exchange(self, code: str) -> requests.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.send("token", form)

    def refresh(self, token: str) -> requests.Response:
        return self.send("token", {"grant_type": "refresh_token", "refresh_token": token})

    def send(self, endpoint: str, form: dict[str, str]) -> requests.Response:
        return post(self.portal, f"{self.realm}/{endpoint}", form, Authorization=basic(self.client))


@pytest.fixture(scope="module")
def platform(running_portal: RunningPortal) -> Iterator[Platform]:
    stage = made_of(running_portal.story)
    stage.share()
    found = Platform(running_portal, stage, Console.of(running_portal, "provider"))
    found.change(redirectUris=[BACK], postLogoutRedirectUris=[AFTER], pkceRequired=False)
    return found


def test_without_the_switch_a_code_needs_pkce(platform: Platform) -> None:
    platform.change(pkceRequired=True)
    refusal = platform.back(platform.visitor())
    platform.change(pkceRequired=False)
    assert refusal["error"] == "invalid_request"
    assert "code_challenge" in refusal["error_description"]


def test_a_code_without_state_and_scope(platform: Platform) -> None:
    back = platform.back(platform.visitor())

    assert set(back) == {"code", "iss"}, "RFC 9207's iss comes on top; the rest is as it was"
    body = issued(platform.exchange(back["code"]), "refresh_token")
    assert body["scope"] == f"aud:{platform.client.client_id}"
    certs = requests.get(f"{platform.portal.address}{platform.realm}/certs", timeout=20).json()
    token = jwt.decode(body["access_token"], KeySet.import_key_set(certs), algorithms=["ES256"])
    assert token.claims["jti"] == body["jti"]
    assert token.claims["aud"] == platform.client.client_id


def test_state_and_scope_come_back(platform: Platform) -> None:
    back = platform.back(platform.visitor(), state="/map?zoom=3&x=ä", scope="openid")

    assert back["state"] == "/map?zoom=3&x=ä"
    body = issued(platform.exchange(back["code"]), "refresh_token", "id_token")
    assert "openid" in body["scope"].split()


def test_an_address_that_is_not_registered_gets_nothing(platform: Platform) -> None:
    query = {"response_type": "code", "client_id": platform.client.client_id, "redirect_uri": f"{BACK}/x"}
    address = f"{platform.portal.address}{platform.realm}/auth?{urlencode(query)}"
    reply = requests.get(address, allow_redirects=False, timeout=20)
    assert reply.status_code == 400
    assert "Location" not in reply.headers


def test_a_code_works_once(platform: Platform) -> None:
    code = platform.back(platform.visitor())["code"]
    first = issued(platform.exchange(code), "refresh_token")

    refused(platform.exchange(code), "invalid_grant")

    refused(platform.refresh(first["refresh_token"]), "invalid_grant")  # whoever it was: it is over


def test_by_form(platform: Platform) -> None:
    platform.change(secretEitherWay=True)
    form = {
        "grant_type": "authorization_code",
        "code": platform.back(platform.visitor())["code"],
        "redirect_uri": BACK,
        "client_id": platform.client.client_id,
        "client_secret": platform.client.secret,
    }
    reply = post(platform.portal, f"{platform.realm}/token", form)
    platform.change(secretEitherWay=False)
    issued(reply, "refresh_token")


def test_a_refresh_token_is_replaced_each_time(platform: Platform) -> None:
    shown = [issued(platform.exchange(platform.back(platform.visitor())["code"]), "refresh_token")]
    for _ in range(3):
        shown.append(issued(platform.refresh(shown[-1]["refresh_token"]), "refresh_token"))
    assert len({body["refresh_token"] for body in shown}) == 4
    assert len({body["jti"] for body in shown}) == 4


def test_an_offline_token_survives_the_sign_out(platform: Platform) -> None:
    visitor = platform.visitor()
    stays = issued(
        platform.exchange(platform.back(visitor, scope="openid offline_access")["code"]),
        "refresh_token",
        "id_token",
    )
    goes = issued(platform.exchange(platform.back(visitor)["code"]), "refresh_token")
    leave = {"id_token_hint": stays["id_token"], "post_logout_redirect_uri": AFTER}

    address = f"{platform.portal.address}{platform.realm}/logout?{urlencode(leave)}"
    assert visitor.arrives(address, AFTER) == AFTER

    refused(platform.refresh(goes["refresh_token"]), "invalid_grant")
    issued(platform.refresh(stays["refresh_token"]), "refresh_token", "id_token")


def test_it_is_revoked_while_nobody_is_there(platform: Platform) -> None:
    """By the client alone; with it goes everything that came of the same sign-in."""
    back = platform.back(platform.visitor(), scope="openid offline_access")
    given = issued(platform.exchange(back["code"]), "refresh_token", "id_token")

    reply = platform.send("revoke", {"token": given["refresh_token"], "token_type_hint": "refresh_token"})

    assert (reply.status_code, reply.content) == (200, b"")
    refused(platform.refresh(given["refresh_token"]), "invalid_grant")
    assert platform.send("token/introspect", {"token": given["access_token"]}).json() == {"active": False}
