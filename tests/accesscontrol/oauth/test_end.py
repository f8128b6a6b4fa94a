"""No token outlives what it rests on."""

from datetime import timedelta

from applications.actions import contracts
from tests.accesscontrol.oauth.conftest import World, claims_of, two_targets
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"


def until(world: World, **delta: float) -> None:
    contract = world.globex.contracts_received.get()
    when = world.clock.at + timedelta(**delta)
    contracts.end(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at, when=when)


def test_cut_at_the_contract_end(shared: World) -> None:
    until(shared, seconds=100)
    response = shared.token(READER, shared.globex, f"aud:{METER}")
    assert claims_of(response)["exp"] == int(shared.clock.at.timestamp()) + 100
    assert response.json()["expires_in"] == 100


def test_cut_at_the_end_of_a_role(shared: World) -> None:
    """The assignment of the second role ends first: the roles claim must not outlive it."""
    ends_at = shared.clock.at + timedelta(seconds=30)
    shared.assign(shared.globex, READER, METER, "editor", ends_at=ends_at)
    assert shared.token(READER, shared.globex, f"aud:{METER} openid").json()["expires_in"] == 30
    narrowed = shared.token(READER, shared.globex, f"{METER}/viewer openid")
    assert narrowed.json()["expires_in"] == 300  # it does not carry the role that ends


def test_earliest_of_all_targets(shared: World) -> None:
    until(shared, seconds=77)
    two_targets(shared)
    assert shared.token(READER, shared.globex).json()["expires_in"] == 77


def test_fractions_round_down(shared: World) -> None:
    until(shared, seconds=20.9)
    claims = claims_of(shared.token(READER, shared.globex, f"aud:{METER}"))
    assert claims["exp"] - claims["iat"] == 20


def test_less_than_a_second_is_refused_as_it_will_be(shared: World) -> None:
    until(shared, seconds=0.5)
    response = shared.token(READER, shared.globex, f"aud:{METER}")
    assert response.status_code == 400
    assert response.json()["reasons"][0]["code"] == "contract_ended"


def test_role_that_ends_at_once_is_left_out(shared: World) -> None:
    ends_at = shared.clock.at + timedelta(seconds=0.5)
    shared.assign(shared.globex, READER, METER, "editor", ends_at=ends_at)
    response = shared.token(READER, shared.globex, f"aud:{METER} openid")
    assert [urn.rsplit(":", 1)[1] for urn in claims_of(response)["roles"]] == ["viewer"]
    assert response.json()["expires_in"] == 300
