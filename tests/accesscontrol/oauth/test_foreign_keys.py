"""Keys at somebody else's address: fetched safely and seldom, kept while they can be believed."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from accesscontrol.oauth.clients import foreign
from accesscontrol.oauth.clients.foreign import Source
from accesscontrol.oauth.clients.jwks import public_key
from applications.models import Client
from tests.accesscontrol.oauth.asserting import READER, REFUSED, Signer, answer, key
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.issuing import DISCOVERY, NAME, Host, host, says

__all__ = ["host"]  # the fixture
OWNER = UUID(int=1)


# --- kept keys ------------------------------------------------------------------------------------------


def kids(source: Source) -> list[str]:
    return [each.kid for each in foreign.keys(source, owner_id=OWNER)]


def settles() -> None:
    """Until no fetch is on its way."""
    deadline = time.monotonic() + 20
    while foreign._store.fetching and time.monotonic() < deadline:
        time.sleep(0.01)
    assert foreign._store.fetching == {}


def test_fetched_once_while_believed(host: Host) -> None:
    old, new = key("P-256"), key("P-256", 1)
    source = Source(host.serves(old))
    for _ in range(3):
        assert kids(source) == [old.thumbprint()]
    host.serves(new)
    host.forward(foreign.BELIEVED - 1)
    assert kids(source) == [old.thumbprint()]
    host.forward(1)
    assert kids(source) == [new.thumbprint()], "a key that was taken away is not believed any longer"
    assert len(host.asked) == 2


def test_kept_for_a_while_when_fetching_fails(host: Host) -> None:
    source = Source(host.serves(key()))
    assert kids(source)
    host.answers.clear()
    host.forward(foreign.BELIEVED)
    assert kids(source)
    assert kids(source)
    assert len(host.asked) == 2, "and not asked at each request"
    host.forward(foreign.KEPT - foreign.BELIEVED - 1)
    assert kids(source)
    host.forward(1)
    assert kids(source) == []
    host.serves(key())
    host.forward(foreign.AGAIN)
    kids(source)  # has it fetched, and does not wait: it failed before
    settles()
    assert kids(source)


def test_an_empty_set_does_not_take_keys_away(host: Host) -> None:
    """It is a fault of a deployment more often than a decision; to stop a client, its trust is ended."""
    source = Source(host.serves(key()))
    assert kids(source)
    host.serves()
    host.forward(foreign.BELIEVED)
    assert kids(source)


def test_an_unknown_kid_is_asked_for_seldom(host: Host) -> None:
    source = Source(host.serves(key()))
    assert kids(source)
    for _ in range(5):
        foreign.newer_keys(source, owner_id=OWNER)
    assert len(host.asked) == 1
    host.forward(foreign.AGAIN)
    host.serves(key(), key("P-256", 1))
    assert len(foreign.newer_keys(source, owner_id=OWNER)) == 2
    for _ in range(5):
        foreign.newer_keys(source, owner_id=OWNER)
    assert len(host.asked) == 2


def test_discovery(host: Host) -> None:
    """The document must be of exactly this issuer, and the keys are fetched as safely."""
    host.serves(key())
    issuer = host.url("/realm")
    good = {"issuer": issuer, "jwks_uri": host.url("/keys")}
    host.answers[f"/realm{DISCOVERY}"] = good
    assert kids(Source(issuer, discovers=True)) == [key().thumbprint()]
    assert host.asked == [f"/realm{DISCOVERY}", "/keys"]
    for wrong in (
        {**good, "issuer": f"{issuer}/"},
        {**good, "issuer": host.url("/other")},
        {"jwks_uri": host.url("/keys")},
        {**good, "jwks_uri": "http://keys.example/keys"},
        {**good, "jwks_uri": "https://169.254.169.254/"},
        {**good, "jwks_uri": None},
        {**good, "jwks_uri": ["x"]},
    ):
        foreign.forget()
        host.answers[f"/realm{DISCOVERY}"] = wrong
        assert kids(Source(issuer, discovers=True)) == []


def test_a_slow_host_holds_few(host: Host) -> None:
    """One thread of the web waits; the others are answered at once, and later by what was fetched."""
    go, begun = threading.Event(), threading.Event()
    host.serves(key())
    keys_there = json.dumps(host.answers["/keys"]).encode()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        go.wait(20)
        says(body=keys_there)(handler)

    host.answers["/keys"] = slow
    source = Source(host.url())
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(len(kids(source))))
    waiting.start()
    assert begun.wait(20)
    began = time.monotonic()
    assert [kids(source) for _ in range(20)] == [[]] * 20
    assert time.monotonic() - began < 5, "nobody waits for what takes twenty seconds"
    go.set()
    waiting.join()
    assert found == [1]
    assert kids(source)
    assert host.asked == ["/keys"]


def test_a_slow_address_is_waited_for_once(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an administrator with many of them would hold a thread of the web all the time."""
    monkeypatch.setattr(foreign, "QUICK", 0.0)
    source = Source(host.serves(key()))
    assert kids(source)
    go = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go.wait(20)
        says(404)(handler)

    host.answers["/keys"] = slow
    host.forward(foreign.BELIEVED)
    began = time.monotonic()
    assert kids(source), "what is kept"
    assert time.monotonic() - began < 5, "nobody waits for what takes twenty seconds"
    go.set()
    settles()


def test_one_organization_does_not_take_all_fetches(host: Host) -> None:
    go, begun = threading.Event(), threading.Semaphore(0)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.release()
        go.wait(20)
        says(404)(handler)

    for number in range(6):
        host.answers[f"/{number}"] = slow
    sources = [Source(host.url(f"/{number}")) for number in range(6)]
    threads = [threading.Thread(target=kids, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for _ in range(foreign.FETCHING_FOR_ONE):
        assert begun.acquire(timeout=20)
    assert foreign._store.fetching == {OWNER: foreign.FETCHING_FOR_ONE}
    host.serves(key())
    foreign.keys(Source(host.url()), owner_id=uuid4())  # begins at once, though there is no place to wait
    go.set()
    for thread in threads:
        thread.join()
    settles()
    assert "/keys" in host.asked
    assert len([path for path in host.asked if path != "/keys"]) == foreign.FETCHING_FOR_ONE


def test_what_is_kept_is_bounded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "SETS", 3)
    for number in range(5):
        kids(Source(host.url(f"/{number}")))
    assert len(foreign._store.held) == 3


def test_one_organization_pushes_its_own_sets_out(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "SETS_OF_ONE", 3)
    kept = Source(host.serves(key()))
    foreign.keys(kept, owner_id=uuid4())
    for number in range(9):
        kids(Source(host.url(f"/{number}")))
        assert len(foreign._store.held) == 1 + min(number + 1, 3)
    assert kept in foreign._store.held


def test_a_monstrous_key_is_none() -> None:
    """Sets of others are bounded, and so is what is remembered of each of their keys."""
    good = key().as_dict(private=False)
    assert public_key({**good, "padding": "x" * 100_000}) is not None  # not read
    assert public_key({**good, "kid": "x" * 5_000}) is None


# --- clients whose keys are there -----------------------------------------------------------------------


@pytest.fixture
def signer(shared: World, host: Host) -> Signer:
    url = host.serves(key())
    shared.set_client(READER, token_endpoint_auth_method="private_key_jwt", client_jwks_uri=url)
    return Signer(shared)


def test_keys_of_a_client(signer: Signer, host: Host) -> None:
    """With and without a ``kid``; a new key works at once, another's does not."""
    kid = {"kid": signer.key.thumbprint()}
    assert [signer.status(kid), signer.status(), signer.status(kid)] == [200] * 3
    assert host.asked == ["/keys"]
    new = Signer(signer.world, key=key("P-256", 1))
    named = {"kid": new.key.thumbprint()}
    host.serves(key(), new.key)
    assert new.status(named) == 401, "asked just now"
    host.forward(foreign.AGAIN)
    assert new.status(named) == 200
    stranger = Signer(signer.world, key=key("P-256", 2))
    assert answer(stranger.post(stranger.assertion({"kid": kid["kid"]}))) == REFUSED


def test_nobody_makes_us_fetch_but_by_a_fitting_claim(signer: Signer, host: Host) -> None:
    for wrong in ({"aud": "x"}, {"exp": 1}, {"sub": "x"}, {"jti": None}):
        assert signer.status(**wrong) == 401
    assert host.asked == []


def test_no_transaction_is_open_while_fetching(
    signer: Signer, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that fetches has no connection; the one that waits opened nothing of its own."""
    depths: list[int] = []
    before = len(connection.savepoint_ids)
    real = foreign.wait_for
    monkeypatch.setattr(
        foreign, "wait_for", lambda *a, **k: depths.append(len(connection.savepoint_ids)) or real(*a, **k)
    )
    assert signer.status() == 200
    assert depths == [before]
    assert Client.objects.get(client_id=READER).client_jwks_uri == host.url()


def test_a_failing_host_is_one_more_refusal(signer: Signer, host: Host, caplog: Any) -> None:
    host.answers.clear()
    assert answer(signer.post(signer.assertion())) == REFUSED
    assert "status_404" in caplog.text
    assert NAME not in caplog.text
