"""The preview of a token says what the token endpoint then does, and leaves no trace."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from applications.actions import contracts, pauses
from applications.models import ServiceAccount
from tests.accesscontrol.oauth.asking import METER, READER, Asker, asker, codes
from tests.accesscontrol.oauth.conftest import World, claims_of, two_targets
from tests.accesscontrol.oauth.people import FRONTEND, Person, arrive, opened
from tests.accesscontrol.oauth.signed_in import person
from tests.support.factories import SYSTEM

ISSUED_ONLY = {"jti", "sid", "cnf"}


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return asker(shared, shared.globex)


def preview(desk: Asker, client_id: str = READER, target: str = METER, **asked: Any) -> dict[str, Any]:
    body = {"clientId": client_id, "target": target, "grant": "client_credentials", **asked}
    reply = desk.post("token-preview", {name: value for name, value in body.items() if value is not None})
    assert reply.status_code == 200, reply.content
    told: dict[str, Any] = reply.json()
    return told


def agrees(desk: Asker, caller: str, scope: str) -> str:
    """The preview first, then the endpoint itself; how it ended."""
    told = preview(desk, caller, "", scope=scope)
    real = desk.world.token(caller, desk.tenant, scope)
    if real.status_code == 200:
        issued = {name: value for name, value in claims_of(real).items() if name not in ISSUED_ONLY}
        assert told["granted"] is True, told
        assert told["claims"] == {name: issued[name] for name in issued if name in told["claims"]}
        assert set(issued) - set(told["claims"]) <= {"sub"}
        return "granted"
    body = real.json()
    assert (told["granted"], told["error"]) == (False, body["error"]), (told, body)
    if "reason" in body:
        assert (told["description"], told["reasons"]) == (body["error_description"], body["reasons"])
    return str(body["error"])


SCOPES = [
    "",
    f"aud:{METER}",
    f"aud:{METER} openid",
    f"{METER}/viewer openid",
    f"{METER}/editor",
    f"aud:{METER} aud:acme.billing",
    f"aud:{METER} aud:nowhere.at-all",
    "aud:neighbour.meter",
    f"aud:{READER}",
    "aud:iam-portal",
    f"aud:iam-portal aud:{METER}",
    "vehicle.read",
    "aud:ü",
    " ".join(f"aud:x{number}" for number in range(101)),
]


def test_services_in_many_states(shared: World, desk: Asker) -> None:
    two_targets(shared)
    contract = shared.globex.contracts_received.get(
        terms__role__application_id=METER, terms__role__key="viewer"
    )

    def all_agree() -> dict[str, str]:
        return {scope: agrees(desk, READER, scope) for scope in SCOPES}

    seen = set(all_agree().values())
    assert seen == {"granted", "invalid_scope"}
    act: dict[str, Any] = {"tenant": shared.acme, "contract_id": contract.id, "by": SYSTEM}
    pauses.pause(**act, at=shared.clock.at)
    assert agrees(desk, READER, f"aud:{METER}") == "invalid_scope"
    pauses.resume(**act, at=shared.clock.forward(seconds=1))
    shared.set_client(READER, token_without_target=False, ignore_unknown_scopes=True)
    shared.set_client("globex.desk", scope_aliases={"vehicle.read": f"aud:{METER}"})
    shared.assign(shared.globex, "globex.desk", METER)
    assert agrees(desk, "globex.desk", "vehicle.read") == "granted"
    contracts.end(**act, at=shared.clock.forward(seconds=1))
    all_agree()


def test_a_planned_end_shortens_both(shared: World, desk: Asker) -> None:
    contract = shared.globex.contracts_received.get()
    soon = shared.clock.at + timedelta(seconds=90)
    contracts.end(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at, when=soon)
    assert agrees(desk, READER, f"aud:{METER}") == "granted"
    assert preview(desk)["claims"]["exp"] == int(soon.timestamp())
    shared.clock.at = soon - timedelta(milliseconds=500)  # a token of which nothing is left helps nobody
    assert agrees(desk, READER, f"aud:{METER}") == "invalid_scope"


def test_at_another_moment(shared: World, desk: Asker) -> None:
    then = shared.clock.at
    contract = shared.globex.contracts_received.get()
    act: dict[str, Any] = {"tenant": shared.acme, "contract_id": contract.id, "by": SYSTEM}
    contracts.end(**act, at=shared.clock.forward(seconds=1))
    told = preview(desk)
    assert (told["granted"], codes(told["reasons"])) == (False, ["contract_ended"])
    told = preview(desk, at=then.isoformat())
    # The plan is known by now: what then ended is the end of it.
    assert told["granted"] is True
    assert told["claims"]["exp"] == int(shared.clock.at.timestamp())


def test_nothing_is_written(shared: World, desk: Asker) -> None:
    """Not even the account of a service that never had a token here."""
    shared.application(shared.globex, "fresh")
    shared.assign(shared.globex, "globex.fresh", METER)
    with connection.execute_wrapper(only_reads):
        told = preview(desk, "globex.fresh")
    assert (told["granted"], "sub" in told["claims"]) == (True, False)
    assert not ServiceAccount.objects.filter(application_id="globex.fresh").exists()
    assert claims_of(shared.token("globex.fresh", shared.globex, f"aud:{METER}"))["sub"]
    assert preview(desk, "globex.fresh")["claims"]["sub"]


def only_reads(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    assert sql.lstrip().startswith(("SELECT", "WITH", "SAVEPOINT", "RELEASE", "SET LOCAL", "ROLLBACK")), sql
    return execute(sql, params, many, context)


class TestPeople:
    """As the authorization endpoint and the exchange of its code."""

    @pytest.fixture
    def jane(self, shared: World, desk: Asker) -> Person:
        found = arrive(shared)
        found.sign_in()
        return found

    @pytest.mark.parametrize("client_id", [METER, FRONTEND])
    @pytest.mark.parametrize(
        "scope", ["openid", "openid profile offline_access", f"{METER}/viewer openid", ""]
    )
    def test_granted_alike(self, desk: Asker, jane: Person, client_id: str, scope: str) -> None:
        told = preview(
            desk, client_id, METER, grant="authorization_code", scope=scope, userId=str(jane.user.pk)
        )
        issued = opened(jane.tokens(client_id, scope=scope)["access_token"])
        assert told["claims"] == {name: issued[name] for name in issued if name not in ISSUED_ONLY}

    @pytest.mark.parametrize(
        ("scope", "error"),
        [
            (f"{METER}/editor", "invalid_scope"),
            ("aud:acme.billing", "invalid_scope"),
            ("vehicle.read", "invalid_scope"),
        ],
    )
    def test_refused_alike(self, desk: Asker, jane: Person, scope: str, error: str) -> None:
        told = preview(desk, METER, "", grant="authorization_code", scope=scope, userId=str(jane.user.pk))
        location = jane.authorize(METER, scope=scope)["Location"]
        assert (told["granted"], told["error"]) == (False, error)
        assert f"error={error}" in location

    def test_no_longer_available(self, shared: World, desk: Asker, jane: Person) -> None:
        code = jane.code()
        contract = shared.globex.contracts_received.get()
        pauses.pause(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at)
        for grant in ("authorization_code", "refresh_token"):
            told = preview(desk, METER, grant=grant, scope="openid", userId=str(jane.user.pk))
            assert (told["error"], codes(told["reasons"])) == ("invalid_grant", ["contract_paused"])
        real = jane.exchange(code).json()
        assert (told["error"], told["reasons"]) == (real["error"], real["reasons"])

    def test_without_an_address(self, shared: World, desk: Asker) -> None:
        jane = person(shared)
        told = preview(desk, METER, grant="authorization_code", userId=str(jane.pk))
        assert told["error"] == "unauthorized_client"


def test_who_cannot_authenticate(shared: World, desk: Asker) -> None:
    arrive(shared)
    assert preview(desk, FRONTEND, "acme.billing")["error"] == "invalid_client"
    assert preview(desk, at="2020-01-01T00:00:00Z")["error"] == "invalid_client"


def test_outsiders(shared: World, desk: Asker) -> None:
    """A client without a part here is like an unknown one; so is a person of another tenant."""
    other = person(shared, tenant=shared.neighbour)
    asked = {"clientId": METER, "target": METER, "grant": "authorization_code", "userId": str(other.pk)}
    service = {"target": METER, "grant": "client_credentials"}
    answers = {
        (reply.status_code, reply.content)
        for body in (
            asked,
            {**asked, "userId": str(uuid4())},
            {**service, "clientId": "neighbour.reader"},
            {**service, "clientId": "no.such"},
            {**service, "clientId": "ü"},
        )
        for reply in [desk.post("token-preview", body)]
    }
    assert [status for status, _ in answers] == [404]
    assert desk.post("token-preview", {**service, "clientId": READER}, shared.acme).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"grant": "password"},
        {"grant": "authorization_code"},
        {"userId": str(uuid4())},
        {"clientId": "\x00"},
        {"clientId": None},
        {"target": "a b"},
        {"scope": "x" * 5000},
        {"scope": "\x00"},
        {"subjectApplicationId": READER},
        {"grant": "urn:ietf:params:oauth:grant-type:token-exchange"},
        {"grant": "authorization_code", "subjectApplicationId": READER},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "9999-12-31T23:59:59Z"},
    ],
)
def test_malformed(desk: Asker, wrong: dict[str, Any]) -> None:
    body = {"clientId": READER, "target": METER, "grant": "client_credentials", **wrong}
    reply = desk.post("token-preview", body)
    assert reply.status_code == 400, reply.content
