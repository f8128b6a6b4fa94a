"""Refused proofs of clients are counted by client and network; a right one is taken at any moment."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.oauth.clients import failures
from accesscontrol.oauth.clients.failures import network_of
from iam_portal import limits
from tenants.actions import tallies
from tenants.actions.tallies import Limit
from tenants.models import Tally
from tests.accesscontrol.oauth.conftest import World, basic

pytestmark = pytest.mark.one_way  # what one request counts

READER, METER = "globex.reader", "acme.meter"
HERE, BESIDE, ELSEWHERE = "192.0.2.1", "192.0.2.200", "198.51.100.7"
GRANT = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
MOST = 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tallies.forget()
    monkeypatch.setattr(failures, "OF_CLIENT", Limit(1, MOST, failures.WINDOW))
    monkeypatch.setattr(failures, "OF_NETWORK", Limit(2, 3 * MOST, failures.WINDOW))
    yield
    tallies.forget()


def asked(
    world: World, secret: str = "wrong", client_id: str = READER, source: str = HERE, door: str = "token"
) -> Any:
    paths = {
        "token": f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/token",
        "introspect": f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/token/introspect",
        "revoke": f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/revoke",
        "open": "/oauth2/token",
    }
    form = GRANT if door in ("token", "open") else {"token": "x"}
    headers = {"Authorization": basic(client_id, secret)}
    return world.browser.post(paths[door], form, headers=headers, REMOTE_ADDR=source)


def used_up(world: World, **more: Any) -> list[int]:
    return [asked(world, **more).status_code for _ in range(MOST)]


def test_too_many_are_told_to_wait_and_the_wait_is_true(shared: World) -> None:
    clock = shared.clock
    assert used_up(shared) == [401] * MOST
    clock.forward(minutes=2)
    refused = asked(shared)
    assert (refused.status_code, refused["Retry-After"]) == (429, "180")
    assert refused.json()["error"] == "invalid_client"
    assert refused["Cache-Control"] == "no-store"
    clock.forward(seconds=179)
    assert asked(shared)["Retry-After"] == "1"
    clock.forward(seconds=1)
    assert asked(shared).status_code == 401


def test_a_right_one_is_taken_meanwhile_from_wherever(shared: World) -> None:
    used_up(shared)
    assert asked(shared).status_code == 429
    for source in (HERE, BESIDE, ELSEWHERE):
        assert asked(shared, shared.secrets[READER], source=source).status_code == 200
    assert asked(shared, source=ELSEWHERE).status_code == 401  # another network, counted for itself
    assert asked(shared, source=BESIDE).status_code == 429  # the same network


def test_known_and_unknown_clients_are_alike(shared: World) -> None:
    """By number, answer, and statements: else the limit would tell which ids there are."""
    told = []
    for client_id in (READER, "globex.nobody", "no\0id"):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            asked(shared, client_id=client_id)
        statements = [query["sql"].strip()[:9] for query in seen]
        answers = [asked(shared, client_id=client_id) for _ in range(MOST)]
        told.append((statements, [(each.status_code, each.content) for each in answers]))
        tallies.forget()
        Tally.objects.all().delete()
    assert told[0] == told[1]
    assert told[0][1] == told[2][1]


def test_every_door_of_clients_counts_together(shared: World, settings: Any) -> None:
    settings.ROOT_URLCONF = "iam_portal.urls"
    doors = ["token", "introspect", "revoke", "open"]
    assert {asked(shared, door=door).status_code for door in doors} == {401}
    own = "/iam/application-management/v1/application/tenants"
    headers = {"Authorization": basic(READER, "wrong")}
    assert shared.browser.get(own, headers=headers, REMOTE_ADDR=HERE).status_code == 401
    for door in doors:
        refused = asked(shared, door=door)
        assert (refused.status_code, "Retry-After" in refused) == (429, True), door
    refused = shared.browser.get(own, headers=headers, REMOTE_ADDR=HERE)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_client_proofs")
    assert refused["Retry-After"] == str(refused.json()["retryAfter"]) == "300"


def test_made_up_clients_are_counted_by_their_network(shared: World) -> None:
    """And leave a bounded number of rows, however many names there are."""
    for number in range(3 * MOST):
        assert asked(shared, client_id=f"made.up{number}").status_code == 401
    rows = Tally.objects.count()
    with CaptureQueriesContext(connection) as seen:
        assert asked(shared, client_id="made.up.more").status_code == 429
        assert asked(shared, client_id="made.up.yet.more").status_code == 429
    assert not [query for query in seen if "INSERT" in query["sql"].upper() and "made" in query["sql"]]
    assert Tally.objects.count() <= rows + 1  # that of the first that was refused
    limit = Limit(7, 1, failures.WINDOW)
    slots = {limit.slot(f"name {number}") for number in range(1000)}
    assert all(slot >> 32 == 7 and slot & 0xFFFFFFFF < tallies.SLOTS for slot in slots)


def test_other_processes_count_along(shared: World) -> None:
    used_up(shared)
    tallies.forget()  # another process remembers nothing of it
    assert asked(shared).status_code == 429


def test_a_right_request_writes_and_asks_nothing_more(shared: World) -> None:
    used_up(shared)
    before = list(Tally.objects.values())
    with CaptureQueriesContext(connection) as seen:
        assert asked(shared, shared.secrets[READER]).status_code == 200
    assert not [query for query in seen if "tally" in query["sql"]]
    assert list(Tally.objects.values()) == before


def test_what_refuses_is_counted_and_says_nothing_secret(
    shared: World, caplog: pytest.LogCaptureFixture
) -> None:
    limits.forget()
    before = limits.REFUSED.labels(limit="too_many_client_proofs")._value.get()
    used_up(shared, secret="my-wrong-secret")
    answers = [asked(shared, "my-wrong-secret") for _ in range(3)]
    assert limits.REFUSED.labels(limit="too_many_client_proofs")._value.get() == before + 3
    lines = [record.getMessage() for record in caplog.records if record.name == "iam.limits"]
    assert len(lines) == 1
    assert not any("my-wrong-secret" in text for text in (*lines, *(str(each.content) for each in answers)))


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:1::9", "2001:db8:1:200::/56"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_network_is_what_one_customer_has(source: str, network: str) -> None:
    assert network_of(source) == network
