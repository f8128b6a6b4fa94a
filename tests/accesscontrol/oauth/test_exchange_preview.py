"""The preview of an exchanged token, and of one that is bound to a key: as the token endpoint then does."""

from typing import Any
from uuid import uuid4

import pytest

from applications.models import ServiceAccount
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tests.accesscontrol.oauth.asking import Asker, asker, codes
from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.accesscontrol.oauth.exchanging import BILLING, GRANT, READER, arrange, exchange
from tests.accesscontrol.oauth.people import METER, Person
from tests.accesscontrol.oauth.signed_in import person
from tests.accesscontrol.oauth.test_token_preview import preview
from tests.support.factories import SYSTEM, make_user

NOT_KNOWN = {"jti", "sid", "exchanged_from"}


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return asker(shared, shared.globex)


@pytest.fixture
def jane(shared: World, desk: Asker) -> Person:
    return arrange(shared)


def foreseen(desk: Asker, scope: str = f"aud:{BILLING} openid", **subject: str) -> dict[str, Any]:
    return preview(desk, METER, "", grant=GRANT, scope=scope, **subject)


def alike(told: dict[str, Any], real: Any) -> str:
    """How both ended."""
    if real.status_code == 200:
        issued = {name: value for name, value in claims_of(real).items() if name not in NOT_KNOWN}
        assert (told["granted"], told["claims"]) == (True, issued)
        return "granted"
    assert (told["granted"], told["error"]) == (False, real.json()["error"]), (told, real.content)
    return str(told["error"])


SCOPES = {
    f"aud:{BILLING} openid": "granted",
    f"{BILLING}/viewer": "granted",
    f"{BILLING}/editor": "invalid_scope",
    "": "invalid_target",
    f"aud:{BILLING} aud:acme.archive": "invalid_target",
    "aud:iam-portal": "invalid_target",
    "aud:acme.archive": "invalid_scope",
    "aud:nowhere.at-all": "invalid_scope",
    "vehicle.read": "invalid_scope",
}


def test_a_person_and_a_service_as_at_the_endpoint(shared: World, desk: Asker, jane: Person) -> None:
    shared.assign(shared.globex, READER, BILLING, "viewer")
    by_jane = jane.tokens()["access_token"]
    by_reader = shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"]
    exchange(shared, by_jane)  # the account of who acts is made with its first token
    for scope, expected in SCOPES.items():
        told = foreseen(desk, scope, userId=str(jane.user.pk))
        assert alike(told, exchange(shared, by_jane, scope)) == expected, scope
        told = foreseen(desk, scope, subjectApplicationId=READER)
        assert alike(told, exchange(shared, by_reader, scope)) == expected, scope


def test_who_could_not_have_called_it(shared: World, desk: Asker, jane: Person) -> None:
    """The endpoint would be shown no token of theirs; the organization hears why not."""
    gone = make_user(shared.globex, "gone", at=shared.clock.at)
    with tenant_scope(shared.globex.id):
        users.deactivate(tenant=shared.globex, user_id=gone.pk, by=SYSTEM, at=shared.clock.at)
    for subject in ({"userId": str(gone.pk)}, {"subjectApplicationId": METER}):
        told = foreseen(desk, **subject)
        assert (told["granted"], told["error"]) == (False, "invalid_request"), subject
        assert codes(told["reasons"]), subject


def test_without_the_switch(shared: World, desk: Asker, jane: Person) -> None:
    shared.set_client(METER, token_exchange=False)
    told = foreseen(desk, userId=str(jane.user.pk))
    real = exchange(shared, jane.tokens()["access_token"])
    assert alike(told, real) == "unauthorized_client"


def test_nothing_is_made_for_it(shared: World, desk: Asker, jane: Person) -> None:
    shared.assign(shared.globex, READER, BILLING, "viewer")
    told = foreseen(desk, subjectApplicationId=READER)
    assert told["claims"]["act"] == {"client_id": METER}
    assert "sub" not in told["claims"]
    assert not ServiceAccount.objects.filter(tenant=shared.globex, application_id=METER).exists()


def test_strangers_are_like_nobody(shared: World, desk: Asker, jane: Person) -> None:
    stranger = person(shared, tenant=shared.neighbour)
    answers = {
        (reply.status_code, reply.content)
        for subject in (
            {"userId": str(stranger.pk)},
            {"userId": str(uuid4())},
            {"subjectApplicationId": "neighbour.reader"},
            {"subjectApplicationId": "no.such"},
            {"subjectApplicationId": "ü"},
        )
        for reply in [
            desk.post("token-preview", {"clientId": METER, "target": BILLING, "grant": GRANT, **subject})
        ]
    }
    assert [status for status, _ in answers] == [404]
    both = {"userId": str(jane.user.pk), "subjectApplicationId": READER}
    asked = {"clientId": METER, "target": BILLING, "grant": GRANT, **both}
    assert desk.post("token-preview", asked).status_code == 400


@pytest.mark.parametrize(("demand", "bound"), [("off", []), ("optional", ["jkt"]), ("required", ["jkt"])])
def test_whether_a_key_is_proved(shared: World, desk: Asker, demand: str, bound: list[str]) -> None:
    shared.set_client(READER, dpop=demand)
    told = preview(desk)
    assert (told["granted"], told["dpop"], told["cnf"]) == (True, demand, bound)
    assert "cnf" not in told["claims"]
    real = shared.token(READER, shared.globex, f"aud:{METER}")
    assert real.status_code == (400 if demand == "required" else 200)
