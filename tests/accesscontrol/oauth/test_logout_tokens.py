"""Applications are told that a person has signed out (OpenID Connect Back-Channel Logout 1.0)."""

import time
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptojwt import KeyJar
from cryptojwt.exception import BadSignature
from django.test import Client as Browser
from idpyoidc.exception import MessageException, NotForMe
from idpyoidc.message.oidc.session import BackChannelLogoutRequest

from accesscontrol.actions import authorizations
from accesscontrol.models import Authorization, LogoutNotice
from accesscontrol.oauth import logout_tokens, tokens
from applications.actions import client_settings
from applications.actions.client_settings import Settings
from applications.delivery.posting import Reply
from iam_portal.errors import Invalid
from iam_portal.walls import tenant_scope
from tenants.actions import sessions, users
from tenants.models import UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.opening import opened_by
from tests.accesscontrol.oauth.people import FRONTEND, METER, Person, arrive, header, opened
from tests.support.factories import SYSTEM

ADDRESS = "https://meter.example/signed-out"


class Receiver:
    """In the place of the network: what was sent, and what is answered."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], str]] = []
        self.status: int | None = 200
        self.retry_after = ""

    def post(self, url: str, *, body: bytes, headers: Any) -> Reply:
        assert headers == {"content-type": "application/x-www-form-urlencoded"}
        (value,) = parse_qs(body.decode())["logout_token"]
        self.sent.append((url, opened(value), value))
        return Reply(self.status, "" if self.status else "timed_out", self.retry_after, 1)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(logout_tokens, "post", made.post)
    return made


@pytest.fixture
def jane(shared: World) -> Person:
    jane = arrive(shared)
    shared.set_client(METER, backchannel_logout_uri=ADDRESS)
    jane.sign_in()
    return jane


def sign_out(jane: Person) -> None:
    with tenant_scope(jane.tenant.id):
        session = UserSession.objects.get(user=jane.user, ended_at=None)
        sessions.sign_out(session=session, by=SYSTEM, at=jane.world.clock.at)


def owed(jane: Person) -> int:
    with tenant_scope(jane.tenant.id):
        return LogoutNotice.objects.count()


def test_what_a_sign_out_tells(jane: Person, receiver: Receiver) -> None:
    reply = jane.tokens()
    jane.tokens(FRONTEND)  # a client that has no address for it
    sign_out(jane)
    assert (owed(jane), receiver.sent) == (1, [])
    assert logout_tokens.run(at=jane.world.clock.forward(seconds=5)) == 1
    ((url, claims, value),) = receiver.sent
    told = opened(reply["id_token"])
    assert (url, header(value)["typ"]) == (ADDRESS, "logout+jwt")
    assert {name: claims[name] for name in ("iss", "sub", "sid", "aud")} == {
        name: told[name] for name in ("iss", "sub", "sid", "aud")
    }
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert claims["exp"] - claims["iat"] == 120 and claims["iat"] == int(jane.world.clock.at.timestamp())
    assert set(claims) == {"iss", "sub", "aud", "sid", "iat", "exp", "jti", "events"}
    assert owed(jane) == 0
    assert logout_tokens.run(at=jane.world.clock.forward(hours=1)) == 0 and len(receiver.sent) == 1


def verified(jane: Person, value: str, **expected: str) -> dict[str, Any]:
    """What idpyoidc, which nobody here wrote, finds when it is sent this as a logout token (§2.6).

    It asks for signature, issuer, audience, ``iat``, ``jti``, ``events``, somebody, and no ``nonce``.
    """
    issuer = opened(value)["iss"]
    keys = Browser().get(f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/certs").json()
    jar = KeyJar()
    jar.import_jwks(keys, issuer_id=issuer)
    told = BackChannelLogoutRequest(logout_token=value)
    asked = {"iss": issuer, "aud": METER, "allowed_sign_alg": header(value)["alg"], **expected}
    ahead = jane.world.clock.at.timestamp() - time.time()  # it looks at a clock of its own
    told.verify(keyjar=jar, skew=max(ahead, 0) + 60, **asked)
    return dict(told["__verified_logout_token"])


def test_a_foreign_receiver_is_content(jane: Person, receiver: Receiver, settings: Any) -> None:
    settings.ROOT_URLCONF = "iam_portal.urls"
    reply = jane.tokens()
    sign_out(jane)
    logout_tokens.run(at=jane.world.clock.at)
    value = receiver.sent[0][2]
    told = opened(reply["id_token"])
    found = verified(jane, value)
    assert (found["sub"], found["sid"], found["aud"]) == (told["sub"], told["sid"], [METER])
    for wrong in ({"aud": FRONTEND}, {"iss": "https://elsewhere.example"}):
        with pytest.raises(NotForMe):
            verified(jane, value, **wrong)
    body, _, signature = value.rpartition(".")
    for forged in (f"{body}.{signature[::-1]}", reply["id_token"], reply["access_token"]):
        with pytest.raises((BadSignature, MessageException, ValueError)):
            verified(jane, forged)


def test_it_passes_for_nothing_else(jane: Person, receiver: Receiver, settings: Any) -> None:
    settings.ROOT_URLCONF = "iam_portal.urls"
    jane.tokens()
    sign_out(jane)
    logout_tokens.run(at=jane.world.clock.at)
    value = receiver.sent[0][2]
    assert opened_by(jane, value, jane.tenant) == set()
    for kind in (tokens.ACCESS, tokens.ID):
        with pytest.raises(tokens.Unreadable):
            tokens.read(value, at=jane.world.clock.at, type=kind)


@pytest.mark.parametrize("way", ["all sessions", "deactivated", "withdrawn", "reused"])
def test_each_end_is_told_once(jane: Person, receiver: Receiver, way: str) -> None:
    world, refresh = jane.world, jane.tokens()["refresh_token"]
    at = world.clock.forward(seconds=1)
    if way == "reused":
        for _ in range(2):
            jane.refresh(refresh)
    with tenant_scope(jane.tenant.id):
        if way == "all sessions":
            sessions.end_all(user=jane.user, by=SYSTEM, at=at)
        if way == "deactivated":
            users.deactivate(tenant=jane.tenant, user_id=jane.user.pk, by=SYSTEM, at=at)
        if way == "withdrawn":
            row = Authorization.objects.get()
            authorizations.end(authorization=row, because=row.Ended.WITHDRAWN, by=SYSTEM, at=at)
            sign_out(jane)
    for _ in range(2):
        logout_tokens.run(at=world.clock.forward(seconds=5))
    assert len(receiver.sent) == 1


def test_what_is_not_told(jane: Person, receiver: Receiver) -> None:
    """What the client did itself; an offline sign-in when the browser signs out."""
    reply = jane.tokens()
    path = f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/revoke"
    assert jane.world.post(path, METER, {"token": reply["refresh_token"]}).status_code == 200
    jane.tokens(scope="openid offline_access")
    sign_out(jane)
    assert owed(jane) == 0
    logout_tokens.run(at=jane.world.clock.at)
    assert receiver.sent == []


def test_who_does_not_answer_is_asked_again(jane: Person, receiver: Receiver) -> None:
    jane.tokens()
    sign_out(jane)
    receiver.status, world = None, jane.world
    assert logout_tokens.run(at=world.clock.at) == 0
    assert (owed(jane), len(receiver.sent)) == (1, 1)
    logout_tokens.run(at=world.clock.forward(seconds=5))
    assert len(receiver.sent) == 1  # not before ten seconds or so
    logout_tokens.run(at=world.clock.forward(seconds=10))
    assert len(receiver.sent) == 2
    assert receiver.sent[0][1]["jti"] != receiver.sent[1][1]["jti"]
    receiver.status, receiver.retry_after = 503, "600"
    logout_tokens.run(at=world.clock.forward(seconds=60))
    logout_tokens.run(at=world.clock.forward(seconds=599))
    assert len(receiver.sent) == 3
    receiver.retry_after = ""
    for _ in range(9):
        logout_tokens.run(at=world.clock.forward(hours=1))
    assert (owed(jane), len(receiver.sent)) == (0, 9)


def test_a_receiver_that_hangs_is_one_of_its_organization_and_takes_nobodys_place(
    jane: Person, receiver: Receiver
) -> None:
    """Many sign-ins of one organization whose receiver fails: one request a turn; others come meanwhile."""
    for _ in range(3):
        jane.tokens()
        sign_out(jane)
        jane.sign_in()
    assert owed(jane) == 3
    receiver.status = None
    assert logout_tokens.run(at=jane.world.clock.at) == 0
    assert len(receiver.sent) == 1
    logout_tokens._served.add(jane.tenant.id)  # another thread is at it
    try:
        assert logout_tokens.run(at=jane.world.clock.forward(hours=1)) == 0
    finally:
        logout_tokens._served.discard(jane.tenant.id)
    assert len(receiver.sent) == 1


@pytest.mark.parametrize("address", [ADDRESS, ""])
def test_a_refusal_and_a_change_of_mind_end_it(jane: Person, receiver: Receiver, address: str) -> None:
    jane.tokens()
    sign_out(jane)
    receiver.status = 400
    jane.world.set_client(METER, backchannel_logout_uri=address)
    logout_tokens.run(at=jane.world.clock.at)
    assert (owed(jane), len(receiver.sent)) == (0, bool(address))


@pytest.mark.parametrize(
    "address",
    [
        *("http://meter.example/", "https://10.0.0.1/", "https://localhost/", "https://127.1/"),
        *("https://meter.example/#x", "https://user@meter.example/", "ftp://meter.example/", "x", "https://"),
        *("https://meter.example/\n", "https://[::1]/", "https://169.254.169.254/", f"https://a/{'x' * 500}"),
    ],
)
def test_addresses_that_are_refused(jane: Person, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        client_settings.change(
            tenant=jane.world.acme,
            client_id=METER,
            settings=Settings(backchannel_logout_uri=address),
            by=SYSTEM,
            at=jane.world.clock.at,
        )
    assert [error["pointer"] for error in refused.value.errors] == ["/backchannelLogoutUri"]
