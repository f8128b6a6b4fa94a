"""Both sides at once over an amendment, on real connections: one story, and no error of the database."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from applications.actions import applications, contracts
from applications.models import Amendment, Contract
from tenants.models import Tenant
from tests.applications.amending import EDITOR, METER, VIEWER, amend, answer, granted, said, share
from tests.applications.sharing import T0, make_pair, register
from tests.applications.test_two_administrators import assert_whole, succeeded
from tests.support.factories import SYSTEM
from tests.tenants.conftest import Racers

pytestmark = pytest.mark.exhaustive(3)

ROUNDS = 3
# Who meets whom, and whether both get through: True, False, or whoever is first (None).
MEETINGS = [
    ("accept", "withdraw", False),
    ("accept", "decline", False),
    ("accept", "end", None),  # ended after it was accepted, or never accepted
    ("accept", "narrow", True),
    ("narrow", "end", None),
]


@pytest.fixture
def racers(committed_db: None) -> Iterator[Racers]:
    with Racers(2) as racers:
        yield racers


def acts(acme: Tenant, beta: Tenant, contract: Contract, at: datetime) -> dict[str, Callable[[], Any]]:
    """Acme has proposed to add a role; what each could do now."""
    made = amend(acme, contract, at, add=[EDITOR])
    soon = at + timedelta(seconds=1)
    of: dict[str, Any] = {"contract_id": contract.id, "by": SYSTEM, "at": soon}
    return {
        "accept": lambda: answer("accept", beta, made, soon),
        "withdraw": lambda: answer("withdraw", acme, made, soon),
        "decline": lambda: answer("decline", beta, made, soon),
        "narrow": lambda: amend(beta, contract, soon, moves_end=True, ends_at=at + timedelta(days=1)),
        "end": lambda: contracts.end(tenant=acme, **of),
        "retire": lambda: applications.retire(tenant=acme, application_id=METER, by=SYSTEM, at=soon),
    }


def test_two_acts_leave_one_story(racers: Racers) -> None:
    acme, beta = make_pair()
    for number, (one, other, both) in enumerate(MEETINGS * ROUNDS):
        at = T0 + timedelta(minutes=number)
        contract = share(acme, beta, VIEWER, at=at)
        able = acts(acme, beta, contract, at)
        won = succeeded(racers.at_once(able[one], able[other]))
        after = at + timedelta(seconds=2)
        assert sum(won) == (1 if both is False else 2 if both else sum(won))
        assert sum(won) > 0
        amendment = Amendment.objects.get(contract=contract, widens=True)
        ended = other == "end"
        expected = set() if ended else {"viewer", "editor"} if one == "accept" and won[0] else {"viewer"}
        assert granted(contract, after) == expected
        assert amendment.state == told_as(one, other, won)
        assert sorted(said(acme, contract)) == sorted(said(beta, contract))
        assert_whole([acme, beta], METER, after)
        if not ended:
            contracts.end(tenant=beta, contract_id=contract.id, by=SYSTEM, at=after)


def told_as(one: str, other: str, won: list[bool]) -> str:
    if one == "accept" and won[0]:
        return "accepted"
    return {"withdraw": "withdrawn", "decline": "declined", "end": "cancelled"}[other]


def test_a_role_is_not_added_of_what_is_retired_at_the_same_time(racers: Racers) -> None:
    acme, beta = make_pair()
    for number in range(ROUNDS):
        at = T0 + timedelta(minutes=number)
        register(acme, f"kept{number}", at)
        going = register(acme, f"going{number}", at).id
        contract = share(acme, beta, (f"acme.kept{number}", "viewer"), at=at)
        made = amend(acme, contract, at, add=[(going, "viewer")])
        soon = at + timedelta(seconds=1)
        won = succeeded(
            racers.at_once(
                lambda made=made, soon=soon: answer("accept", beta, made, soon),
                lambda going=going, soon=soon: applications.retire(
                    tenant=acme, application_id=going, by=SYSTEM, at=soon
                ),
            )
        )
        assert won[1]
        assert not contract.grants.filter(role__application_id=going, during__contains=soon).exists()
        assert_whole([acme, beta], going, soon + timedelta(seconds=1))


def test_two_proposals_at_once_are_one(racers: Racers) -> None:
    acme, beta = make_pair()
    contract = share(acme, beta, VIEWER)
    at = T0 + timedelta(minutes=1)
    acts = [lambda side=side: amend(side, contract, at, add=[EDITOR]) for side in (acme, beta)]
    won = succeeded(racers.at_once(*acts))
    assert sum(won) == 1
    assert Amendment.objects.filter(contract=contract).count() == 1
