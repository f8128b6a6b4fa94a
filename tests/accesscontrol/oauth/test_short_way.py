"""The short way is taken, says what the long way says to the byte, and sees each change at once."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.actions import traces
from accesscontrol.migrations._changes_sql import TABLES
from accesscontrol.oauth.short import door, noting, versions
from accesscontrol.oauth.short.versions import SharedReader
from applications.actions import clients, pauses
from applications.models import ClientSecret, ServiceAccount
from tenants.actions import tenants
from tests.accesscontrol.oauth.changing import CHANGES, METER, READER, change_client, contract_of, pause
from tests.accesscontrol.oauth.conftest import World, basic, two_targets
from tests.support.factories import SYSTEM
from tests.support.shortened import ENOUGH, BothWays, ThroughWsgi, short_way, told

pytestmark = pytest.mark.exhaustive(8)

SCOPES = (
    "aud:acme.meter",
    "aud:acme.meter openid",
    "acme.meter/viewer",
    None,
    "aud:acme.meter aud:acme.billing",
)
# What the long way reads and no trace tells of: nothing of it can turn a yes into a no by itself.
OURS = re.compile(r"\b(?:tenants|applications|accesscontrol)_\w+")
NO_TRACE = {
    "applications_availability": "follows from contracts, in their transactions; asked beside the decision",
    "accesscontrol_revokedtoken": "has a trace of its own kind, by the token",
}


class Ways:
    """The world through the short way, and beside it the long way for comparison."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.short, self.long = ThroughWsgi(short_way()), ThroughWsgi(short_way().long)
        self.tokens = [self.asked(self.long, scope).json()["access_token"] for scope in SCOPES[:4]]

    def asked(self, browser: Any, scope: str | None, **form: Any) -> Any:
        self.world.browser = browser
        return self.world.token(READER, self.world.globex, scope, **form)

    def introspected(self, browser: Any, token: str) -> Any:
        self.world.browser = browser
        return self.world.introspect(METER, self.world.globex, token)

    def all(self, browser: Any) -> list[Any]:
        return [
            *(self.asked(browser, scope) for scope in SCOPES),
            *(self.introspected(browser, token) for token in self.tokens),
        ]

    def agree(self) -> None:
        for short, long in zip(self.all(self.short), self.all(self.long), strict=True):
            assert told(short) == told(long)

    def warm(self) -> None:
        for _ in range(ENOUGH):
            self.all(self.short)
        before = self.short.app.answered
        self.agree()
        assert self.short.app.answered - before == len(SCOPES) + len(self.tokens)


@pytest.fixture
def ways(shared: World) -> Iterator[Ways]:
    two_targets(shared)
    made = Ways(shared)
    made.warm()
    yield made


@pytest.mark.parametrize("change", CHANGES)
def test_the_next_request_sees_the_change(ways: Ways, change: str) -> None:
    before = [told(reply) for reply in ways.all(ways.short)]
    ways.world.clock.forward(seconds=5)
    CHANGES[change](ways.world)
    after = ways.all(ways.short)  # first, so that nothing of the long way is remembered
    assert [told(reply) for reply in after] != before
    for short, long in zip(after, ways.all(ways.long), strict=True):
        assert told(short) == told(long)
    ways.agree()


def test_what_comes_back_is_given_again(ways: Ways) -> None:
    world, row = ways.world, contract_of(ways.world)
    for _ in range(2):
        world.clock.forward(seconds=5)
        pause(world)
        ways.agree()
        world.clock.forward(seconds=5)
        pauses.resume(tenant=world.acme, contract_id=row.id, by=SYSTEM, at=world.clock.at)
        ways.warm()


@pytest.mark.parametrize("seconds", [1, 57, 58, 59, 59.5, 60, 61, 200, 359, 360, 361, 3600, 90_000])
def test_a_planned_change_needs_nobody_to_tell(ways: Ways, seconds: float) -> None:
    world, at = ways.world, ways.world.clock.at
    pauses.pause(
        tenant=world.acme,
        contract_id=contract_of(world).id,
        by=SYSTEM,
        at=at,
        when=at + timedelta(seconds=60),
        until=at + timedelta(seconds=360),
    )
    ways.warm()
    world.clock.forward(seconds=seconds)
    ways.agree()


def test_a_revoked_token_is_inactive_at_once_and_alone(ways: Ways) -> None:
    path = f"/iam/access-management/v1/tenants/{ways.world.globex.id}/openid-connect/revoke"
    ways.world.browser = ways.long
    assert ways.world.post(path, READER, {"token": ways.tokens[0]}).status_code == 200
    before = ways.short.app.answered
    assert ways.introspected(ways.short, ways.tokens[0]).json() == {"active": False}
    assert ways.short.app.answered == before
    assert ways.introspected(ways.short, ways.tokens[1]).json()["active"] is True
    assert ways.short.app.answered == before + 1


def test_every_table_that_is_read_leaves_traces(ways: Ways) -> None:
    with CaptureQueriesContext(connection) as asked:
        ways.all(ways.long)
    read = {
        name
        for query in asked
        for name in re.findall(r"\b(?:tenants|applications|accesscontrol)_\w+", query["sql"])
    }
    read &= {*connection.introspection.table_names(include_views=True)}
    assert read - set(NO_TRACE) <= set(TABLES)
    assert {"applications_contractterm", "accesscontrol_assignment", "tenants_tenant"} <= read


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://app.example"},
        *({"Cookie": "csrftoken=short"}, {"DPoP": "eyJ.no.proof"}),
        {"X-Request-Id": "given-by-the-caller"},
        {"X-Request-Id": "no\tgood"},
        {"Accept-Language": "de"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer x"},
        {"Authorization": basic(READER, "wrong")},
        {"Authorization": basic("globex.nobody", "wrong")},
        {"Host": "elsewhere.example"},
        {"Content-Type": "application/json"},
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        {"Content-Type": "application/x-www-form-urlencoded; charset=latin-1"},
    ],
)
def test_odd_headers(ways: Ways, headers: dict[str, str]) -> None:
    world, both = ways.world, BothWays()
    path = f"/iam/access-management/v1/tenants/{world.globex.id}/openid-connect/token"
    sent = {"Authorization": basic(READER, world.secrets[READER]), **headers}
    kind = sent.pop("Content-Type", "application/x-www-form-urlencoded")
    body = "grant_type=client_credentials&scope=aud%3Aacme.meter"
    reply = both.post(path, body, content_type=kind, headers=sent)
    assert reply.status_code < 500


BODIES = (
    "",
    "grant_type=client_credentials",
    "grant_type=client_credentials&scope=",
    "grant_type=client_credentials&scope=aud:acme.meter+openid&x=y",
    "grant_type=client_credentials&scope=aud:acme.meter&scope=openid",
    "grant_type=client_credentials&resource=urn:iam:application:acme.meter",
    "grant_type=client_credentials&resource=urn:iam:application:acme.meter&resource=https://x",
    "grant_type=client_credentials&scope=aud:acme.meter&client_id=globex.reader",
    "grant_type=client_credentials&scope=aud:acme.meter&client_id=acme.meter",
    "grant_type=client_credentials&scope=aud:acme.meter&client_secret=",
    "grant_type=client_credentials&scope=aud:acme.meter&client%5Fsecret=x",
    "grant_type=client_credentials&scope=%00",
    "grant_type=client_credentials&scope=%FF",
    "grant_type=client_credentials&scope=aud:iam-portal",
    "grant_type=client_credentials&scope=aud:globex.reader",
    "grant_type=client_credentials&user=admin&tenant=evil&iam=1&client=2&claims=3",
    "grant_type=refresh_token&refresh_token=x",
    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=x&scope=aud:acme.meter",
    "grant_type=client_credentials&scope=aud:acme.meter&subject_token=x",
    "grant_type=password",
    "scope=aud:acme.meter",
    "&&=&grant_type=client_credentials&",
    "grant_type=client_credentials&scope=" + "aud:acme.meter+" * 400,
)


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("way", ["basic", "post"])
def test_odd_bodies(ways: Ways, body: str, way: str) -> None:
    world, both = ways.world, BothWays()
    path = f"/iam/access-management/v1/tenants/{world.globex.id}/openid-connect/token"
    secret = world.secrets[READER]
    if way == "post":
        change_client(world, secret_either_way=True)
        body = f"{body}&client_id={READER}&client_secret={secret}"
    headers = {"Authorization": basic(READER, secret)} if way == "basic" else {}
    reply = both.post(path, body, headers=headers)
    assert reply.status_code < 500


@pytest.mark.parametrize(
    "path", ["/auth/oauth/token", "/oauth2/token", "/auth/realms/globex/protocol/openid-connect/token"]
)
def test_other_addresses(ways: Ways, path: str) -> None:
    both = ways.world.browser = BothWays()
    form = {"grant_type": "client_credentials", "scope": "aud:acme.meter"}
    assert ways.world.post(path, READER, form).status_code == 200
    assert both.short.answered == 2


def test_a_secret_that_is_not_known_asks_nothing(ways: Ways) -> None:
    """Neither database nor clock tells a known client from an unknown one before the long way does."""
    ways.world.secrets[READER] = "wrong"
    with (
        mock.patch.object(SharedReader, "read", side_effect=AssertionError),
        mock.patch.object(door.building, "token_answer", side_effect=AssertionError),
    ):
        assert ways.asked(ways.short, "aud:acme.meter").status_code == 401


def test_a_second_secret_is_learned(ways: Ways) -> None:
    world = ways.world
    _, world.secrets[READER] = clients.add_secret(
        tenant=world.globex, client_id=READER, by=SYSTEM, at=world.clock.at
    )
    ways.warm()


def test_without_the_database_the_long_way_answers(ways: Ways) -> None:
    before = ways.short.app.answered
    with mock.patch.object(SharedReader, "read", side_effect=psycopg.OperationalError):
        ways.agree()
    assert ways.short.app.answered == before


def test_nothing_secret_is_kept(ways: Ways) -> None:
    app = ways.short.app
    kept = "".join(
        repr((key, shelf._kept[key]))
        for shelf in (app._known, app._standings, app._active)
        for key in shelf._kept
    )
    assert "proofs" in kept
    for secret in ways.world.secrets.values():
        assert secret not in kept


def test_use_is_noted_and_counted(ways: Ways, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = []
    settings.USAGE_FLUSH_SECONDS = 1
    with mock.patch("applications.usage.note", side_effect=lambda uses, at: noted.append(list(uses))):
        ways.asked(ways.short, "aud:acme.meter")
        ways.asked(ways.long, "aud:acme.meter")
    assert noted[0] == noted[1] != []
    at = ways.world.clock.forward(minutes=5)
    monkeypatch.setattr(noting.NOTES.beside, "start", mock.Mock())
    ways.asked(ways.short, "aud:acme.meter")
    noting.NOTES.flush()
    assert ClientSecret.objects.get(client__client_id=READER).last_used_at == at


def test_a_service_account_is_not_made_by_the_short_way(ways: Ways) -> None:
    before = ServiceAccount.objects.count()
    ways.agree()
    assert ServiceAccount.objects.count() == before


def test_folded_traces_bring_no_former_version_back(ways: Ways) -> None:
    """And an answer under a folded key is looked at again, not believed."""
    world, reader, ground = ways.world, SharedReader(), versions.array([f"t:{ways.world.globex.id}"])
    seen = {reader.read(ground).version}
    for number in range(traces.CROWDED + 1):
        tenants.rename(tenant=world.globex, name=f"Globex {number}", by=SYSTEM, at=world.clock.at)
        seen.add(reader.read(ground).version)
    assert len(seen) == traces.CROWDED + 2
    assert traces.fold(at=world.clock.at) == 1
    assert reader.read(ground).version not in seen
    assert reader.read(ground).version.rows == 1
    ways.warm()
