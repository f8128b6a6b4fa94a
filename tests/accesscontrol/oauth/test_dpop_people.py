"""Tokens of people and exchanged ones that are bound to a key (DPoP, RFC 9449 §5)."""

from typing import Any

import pytest

from tests.accesscontrol.oauth.conftest import World, claims_of, said
from tests.accesscontrol.oauth.exchanging import ACCESS, BILLING, GRANT, arrange
from tests.accesscontrol.oauth.people import FRONTEND, METER, Person, arrive, opened
from tests.accesscontrol.oauth.proving_keys import Holder

pytestmark = pytest.mark.one_way  # a proof is good once

CODE = {
    "grant_type": "authorization_code",
    "redirect_uri": "https://meter.example/app",
    "code_verifier": "v" * 43,
}


@pytest.fixture
def holder(shared: World) -> Holder:
    return Holder(shared)


@pytest.fixture
def jane(shared: World) -> Person:
    jane = arrive(shared)
    jane.sign_in()
    return jane


def signed_in(jane: Person, holder: Holder, client_id: str = FRONTEND, **sent: Any) -> dict[str, Any]:
    form = {**CODE, "code": jane.code(client_id, **sent)}
    if client_id == METER:
        form["redirect_uri"] = "https://meter.example/back"
    reply = holder.ask(form, holder.proof(), client_id)
    assert reply.status_code == 200, reply.content
    body: dict[str, Any] = reply.json()
    return body


def test_a_person_at_a_public_client(jane: Person, holder: Holder) -> None:
    """Access and refresh tokens are bound; a thief of either has nothing, and ends nothing."""
    world, reply = jane.world, signed_in(jane, holder)
    assert reply["token_type"] == "DPoP"
    path = holder.door("userinfo")
    assert world.browser.get(path, headers=holder.shows(reply["access_token"], path)).status_code == 200
    stolen = world.browser.get(path, headers={"Authorization": f"Bearer {reply['access_token']}"})
    assert (stolen.status_code, stolen["WWW-Authenticate"][:7]) == (401, "Bearer ")
    lacking = world.browser.get(path, headers={"Authorization": f"DPoP {reply['access_token']}"})
    assert (lacking.status_code, lacking["WWW-Authenticate"][:5]) == (401, "DPoP ")
    assert world.browser.post(path, {"access_token": reply["access_token"]}).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
    thief = Holder(world)
    for proof in (None, thief.proof()):
        assert said(holder.ask(form, proof, FRONTEND))["error"] == "invalid_grant"
    renewed = holder.ask(form, holder.proof(), FRONTEND)
    assert opened(renewed.json()["access_token"])["cnf"] == {"jkt": holder.thumbprint}
    assert said(thief.ask(form, thief.proof(), FRONTEND))["error"] == "invalid_grant"
    after = {"grant_type": "refresh_token", "refresh_token": renewed.json()["refresh_token"]}
    assert holder.ask(after, holder.proof(), FRONTEND).status_code == 200  # the thief has ended nothing


def test_a_confidential_client_may_change_its_key(jane: Person, holder: Holder) -> None:
    """RFC 9449 §5: its refresh tokens are bound by its own proof."""
    reply = signed_in(jane, holder, METER)
    other = Holder(jane.world)
    form = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
    renewed = other.ask(form, other.proof(), METER).json()
    assert opened(renewed["access_token"])["cnf"] == {"jkt": other.thumbprint}


def test_a_replayed_proof_gives_nothing_for_a_code(jane: Person, holder: Holder) -> None:
    proof = holder.proof()
    assert holder.token(proof).status_code == 200
    form = {**CODE, "code": jane.code(FRONTEND)}
    assert said(holder.ask(form, proof, FRONTEND))["error"] == "invalid_dpop_proof"


def test_a_code_may_be_bound_already(jane: Person, holder: Holder) -> None:
    """``dpop_jkt`` (RFC 9449 §10): a stolen code and its verifier are of no use, either."""
    code = jane.code(FRONTEND, dpop_jkt=holder.thumbprint)
    thief = Holder(jane.world)
    for proof in (None, thief.proof()):
        assert said(thief.ask({**CODE, "code": code}, proof, FRONTEND))["error"] == "invalid_grant"
    assert holder.ask({**CODE, "code": code}, holder.proof(), FRONTEND).status_code == 200
    assert "error=invalid_request" in jane.authorize(FRONTEND, dpop_jkt="x")["Location"]


def test_an_exchange_and_a_bound_subject(shared: World, holder: Holder) -> None:
    """A bound token is exchanged by who has its key; what comes of it is bound to the caller's."""
    jane = arrange(shared)
    plain, bound = jane.tokens()["access_token"], signed_in(jane, holder)["access_token"]
    form = {"grant_type": GRANT, "subject_token_type": ACCESS, "scope": f"aud:{BILLING}"}
    reply = holder.ask({**form, "subject_token": plain}, holder.proof(), METER)
    assert (reply.json()["token_type"], claims_of(reply)["cnf"]) == ("DPoP", {"jkt": holder.thumbprint})
    other = Holder(shared)
    for proof in (None, other.proof()):
        refused = said(other.ask({**form, "subject_token": bound}, proof, METER))
        assert refused["error"] == "invalid_request"
    assert holder.ask({**form, "subject_token": bound}, holder.proof(), METER).status_code == 200


def test_pages_may_send_and_read_it(jane: Person, holder: Holder) -> None:
    origin = {"Origin": "https://meter.example"}
    preflight = jane.world.browser.options(holder.door(), headers=origin)
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "*")
    assert "DPoP" in preflight["Access-Control-Allow-Headers"]
    form = {**CODE, "client_id": FRONTEND, "code": jane.code(FRONTEND)}
    reply = jane.world.browser.post(holder.door(), form, headers={**origin, "DPoP": holder.proof()})
    assert reply["Access-Control-Expose-Headers"] == "DPoP-Nonce"
    assert reply["Access-Control-Allow-Origin"] == origin["Origin"]
