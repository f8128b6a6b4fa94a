"""Clients that sign, by the short way: each assertion once, and every change at once, as by the long way."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest

from accesscontrol.oauth.short import door
from accesscontrol.oauth.short.versions import SharedReader
from applications.actions import client_keys
from applications.models import ClientKey, UsedAssertion
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import READER, TYPE, Signer, issuer, key, registered
from tests.accesscontrol.oauth.changing import change_client, pause
from tests.accesscontrol.oauth.conftest import World, basic
from tests.support.factories import SYSTEM
from tests.support.shortened import ENOUGH, ThroughWsgi, short_way, told

Make = Callable[[Signer], str]


class Ways:
    """One client through a short way that knows it, and beside it the long way."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.app = short_way()
        self.short, self.long = ThroughWsgi(self.app), ThroughWsgi(self.app.long)
        self.warm()

    def asked(self, browser: Any, assertion: str, path: str = "", **form: str) -> Any:
        self.signer.world.browser = browser
        return self.signer.post(assertion, path, **form)

    def warm(self, path: str = "", **form: str) -> None:
        before = self.app.answered
        for _ in range(ENOUGH):
            assert self.asked(self.short, self.signer.assertion(), path, **form).status_code == 200
        assert self.app.answered > before

    def agree(self, make: Make, path: str = "", **form: str) -> Any:
        """Each way gets an assertion of its own: it is worth nothing a second time."""
        found = self.asked(self.short, make(self.signer), path, **form)
        expected = self.asked(self.long, make(self.signer), path, **form)
        assert told(found) == told(expected)
        return found


@pytest.fixture
def ways(shared: World) -> Iterator[Ways]:
    registered(shared, key())
    yield Ways(Signer(shared))


def test_the_short_way_is_taken_and_says_what_the_long_way_says(ways: Ways) -> None:
    before = ways.app.answered
    for header in ({}, {"kid": key().thumbprint()}, {"kid": "anything"}, {"typ": "JWT"}):
        assert ways.agree(lambda signer, head=header: signer.assertion(head)).status_code == 200
    assert ways.app.answered - before == 4
    assert UsedAssertion.objects.count() == ENOUGH + 8


@pytest.mark.parametrize(
    "changed",
    [
        *({"exp": each} for each in (-1, 0, 1, 3600, 3601, "x", True)),
        *({"iat": each} for each in (31, 30, -3600, -3601)),
        *({"nbf": each} for each in (31, 30)),
        *({"aud": each} for each in ("x", [], "", None, 7)),
        *({"sub": each} for each in ("acme.meter", "", None)),
        *({"iss": each} for each in ("acme.meter", "globex.nobody", "", None, 7)),
        *({"jti": each} for each in ("", None, 7, "x" * 512, "x" * 513)),
    ],
    ids=str,
)
def test_whatever_it_says_both_ways_judge_alike(ways: Ways, changed: dict[str, Any]) -> None:
    now = int(ways.signer.world.clock.at.timestamp())
    moments = {name: now + value for name, value in changed.items() if type(value) is int and name != "jti"}
    said = {**changed, **({} if {"aud", "iss"} & {*changed} else moments)}
    numbers = iter(range(2))

    def made(signer: Signer) -> str:
        jti = said.get("jti", uuid4().hex)
        of_its_own = f"{next(numbers)}{jti[1:]}" if isinstance(jti, str) and jti else jti
        return signer.assertion(**{**said, "jti": of_its_own})

    assert ways.agree(made).status_code in (200, 401)


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": READER},
        {"client_id": "acme.meter"},
        {"client_id": ""},
        {"client_secret": ""},
        {"client_secret": "x"},
        {"client_assertion_type": "urn:x"},
        {"tenant_id": "x"},
        {"x": "y"},
    ],
    ids=str,
)
def test_forms(ways: Ways, form: dict[str, str]) -> None:
    for _ in range(ENOUGH):
        ways.agree(lambda signer: signer.assertion(), **form)


def test_beside_another_proof(ways: Ways) -> None:
    header = {"Authorization": basic(READER, ways.signer.world.secrets[READER])}
    for browser in (ways.short, ways.long):
        body = f"grant_type=client_credentials&client_assertion={ways.signer.assertion()}"
        body += f"&client_assertion_type={TYPE}"
        assert browser.post(ways.signer.path, body, headers=header).status_code == 400
    assert UsedAssertion.objects.count() == ENOUGH


@pytest.mark.parametrize(
    "odd", ["client%5Fid=acme.meter", "client%5Fid=globex.reader", "client%5Fassertion=x"]
)
def test_names_that_are_written_in_another_way(ways: Ways, odd: str) -> None:
    for _ in range(ENOUGH):
        found = []
        for browser in (ways.short, ways.long):
            body = f"grant_type=client_credentials&scope=aud:acme.meter&{odd}&client_assertion_type={TYPE}"
            body += f"&client_assertion={ways.signer.assertion()}"
            found.append(told(browser.post(ways.signer.path, body)))
        assert found[0] == found[1]


def test_addresses_without_a_tenant(ways: Ways) -> None:
    for path in (
        "/oauth2/token",
        f"/auth/realms/{ways.signer.world.globex.slug}/protocol/openid-connect/token",
    ):
        ways.warm(path)
        ways.agree(lambda signer: signer.assertion(aud=issuer(signer.world.acme.id)), path)
        ways.agree(lambda signer: signer.assertion(aud=issuer("globex")), path)


def test_a_replay_is_refused_by_whichever_way_it_comes(ways: Ways) -> None:
    for first, second in ((ways.short, ways.short), (ways.short, ways.long), (ways.long, ways.short)):
        assertion = ways.signer.assertion()
        assert ways.asked(first, assertion).status_code == 200
        for _ in range(2):
            assert ways.asked(second, assertion).status_code == 401
    assert ways.asked(ways.short, ways.signer.assertion(jti="one")).status_code == 200
    assert ways.asked(ways.short, ways.signer.assertion(jti="one")).status_code == 401, "the jti counts"


def revoke_key(world: World) -> None:
    row = ClientKey.objects.get(client__client_id=READER)
    client_keys.revoke(tenant=world.globex, client_id=READER, key_id=row.id, by=SYSTEM, at=world.clock.at)


REFUSING: dict[str, Callable[[World], Any]] = {
    "key revoked": revoke_key,
    "key gone": lambda world: ClientKey.objects.all().delete(),
    "another method": lambda world: world.set_client(
        READER, token_endpoint_auth_method="client_secret_basic"
    ),
    "contract paused": pause,
}


@pytest.mark.parametrize("change", REFUSING)
def test_the_next_request_sees_the_change(ways: Ways, change: str) -> None:
    ways.signer.world.clock.forward(seconds=5)
    REFUSING[change](ways.signer.world)
    for _ in range(2):
        assert ways.agree(lambda signer: signer.assertion()).status_code in (400, 401)


def test_a_key_ends_by_plan(ways: Ways) -> None:
    world = ways.signer.world
    ClientKey.objects.update(during=clipped(world.clock.at + timedelta(seconds=60)))
    for seconds in (1, 58, 1, 1):
        world.clock.forward(seconds=seconds)
        reply = ways.agree(lambda signer: signer.assertion())
    assert reply.status_code == 401


def test_a_new_key_is_learned(ways: Ways) -> None:
    world, new = ways.signer.world, key("P-256", 1)
    registered(world, new)
    both = ways.signer, Signer(world, key=new)
    before = ways.app.answered
    for _ in range(ENOUGH):
        for ways.signer in both:
            assert ways.agree(lambda signer: signer.assertion()).status_code == 200
    assert ways.app.answered - before >= 2 * ENOUGH - 2


def test_the_switch_of_audiences_is_seen(ways: Ways) -> None:
    def at_the_endpoint(signer: Signer) -> str:
        return signer.assertion(aud=f"http://testserver{signer.path}")

    assert ways.agree(at_the_endpoint).status_code == 401
    for switch, status in ((True, 200), (False, 401)):
        change_client(ways.signer.world, assertion_for_token_endpoint=switch)
        for _ in range(2):
            assert ways.agree(at_the_endpoint).status_code == status


def test_a_wrong_signature_asks_nothing_and_uses_nothing_up(ways: Ways) -> None:
    other = Signer(ways.signer.world, key=key("P-256", 1))
    for wrong in (other.assertion(jti="one"), f"{ways.signer.assertion(jti='one')[:-4]}AAAA"):
        with (
            mock.patch.object(SharedReader, "read", side_effect=AssertionError),
            mock.patch.object(SharedReader, "take", side_effect=AssertionError),
            mock.patch.object(door.building, "token_answer", side_effect=AssertionError),
        ):
            assert ways.asked(ways.short, wrong).status_code == 401
    assert ways.asked(ways.short, ways.signer.assertion(jti="one")).status_code == 200


def test_keys_that_are_fetched_are_of_the_long_way(ways: Ways) -> None:
    ways.signer.world.set_client(READER, client_jwks_uri="https://keys.example/jwks.json")
    before = ways.app.answered
    for _ in range(ENOUGH):
        with mock.patch("accesscontrol.oauth.clients.foreign.keys", return_value=()):
            assert ways.asked(ways.short, ways.signer.assertion()).status_code == 200
    assert ways.app.answered == before


def test_its_use_is_noted(ways: Ways) -> None:
    at = ways.signer.world.clock.forward(minutes=5)
    before = ways.app.answered
    assert ways.asked(ways.short, ways.signer.assertion()).status_code == 200
    assert ways.app.answered == before + 1
    assert ClientKey.objects.get().last_used_at == at


def test_nothing_that_proves_is_kept_or_shown(ways: Ways) -> None:
    assertion = ways.signer.assertion()
    ways.asked(ways.short, assertion)
    kept = repr([ways.app._known._kept, ways.app._active._kept])
    assert not any(part in kept for part in assertion.split("."))
    assert not any(
        part in repr(door.reading.read(_environ(ways, assertion))) for part in assertion.split(".")
    )


def _environ(ways: Ways, assertion: str) -> dict[str, Any]:
    body = f"grant_type=client_credentials&client_assertion={assertion}&client_assertion_type={TYPE}"
    kind = "application/x-www-form-urlencoded"
    return ways.short._base_environ(
        REQUEST_METHOD="POST",
        PATH_INFO=ways.signer.path,
        CONTENT_TYPE=kind,
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": BytesIO(body.encode())},
    )
