"""Amendments: narrowing is one side's act, widening is agreed, and each leaves what it says."""

from datetime import timedelta

import pytest

from applications.actions import pauses
from applications.actions.amendment_answers import NotOpen
from applications.actions.amendments import AmendmentOpen
from applications.actions.changes import CannotAmend
from applications.actions.contracts import NotYours, WrongState
from applications.models import Amendment, ContractTold
from tenants.models import Tenant
from tests.applications.amending import (
    EDITOR,
    LATER,
    METER,
    MUCH_LATER,
    VIEWER,
    after,
    amend,
    answer,
    granted,
    said,
    share,
)
from tests.applications.sharing import T0, make_pair, register
from tests.support.factories import SYSTEM
from tests.tenants.conftest import history_of

Pair = tuple[Tenant, Tenant]


@pytest.fixture
def pair(db: None) -> Pair:
    return make_pair()


def codes(refusal: pytest.ExceptionInfo[CannotAmend]) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in refusal.value.errors]


# --- narrowing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1])
def test_either_side_takes_a_role_away_at_once(pair: Pair, side: int) -> None:
    contract = share(*pair)
    made = amend(pair[side], contract, after(5), note="Not used", remove=[EDITOR])
    assert (made.state, made.widens, made.takes_effect_at) == ("accepted", False, None)
    assert granted(contract, after(4)) == {"viewer", "editor"}
    assert granted(contract, after(5)) == {"viewer"}
    assert ContractTold.objects.filter(contract=contract, verb="amended", at=after(5)).count() == 1
    for tenant in pair:
        assert said(tenant, contract) == ["amended"]
        assert history_of(tenant)[-1] == "contract.amended"


def test_a_role_until_next_month(pair: Pair) -> None:
    contract = share(*pair)
    made = amend(pair[0], contract, after(5), remove=[EDITOR], when=LATER)
    assert (made.state, made.takes_effect_at) == ("accepted", LATER)
    assert granted(contract, after(6)) == {"viewer", "editor"}
    assert granted(contract, LATER) == {"viewer"}
    assert said(pair[1], contract) == ["amendment_planned"]
    assert not ContractTold.objects.exists()  # the job tells it, at its moment


def test_an_earlier_end_is_its_authors_and_cancels_what_was_planned_after_it(pair: Pair) -> None:
    contract = share(*pair)
    of = {"tenant": pair[0], "contract_id": contract.id, "by": SYSTEM, "at": after(1)}
    pauses.pause(when=MUCH_LATER, **of)
    amend(pair[1], contract, after(5), moves_end=True, ends_at=LATER)
    contract.refresh_from_db()
    assert (contract.ends_at, contract.ended_by_tenant_id) == (LATER, pair[1].id)
    assert contract.ended_by == SYSTEM.name
    assert not contract.pauses.exists()
    assert granted(contract, LATER) == set()
    assert granted(contract, LATER - timedelta(seconds=1)) == {"viewer", "editor"}


def test_what_has_not_begun_never_does(pair: Pair) -> None:
    contract = share(*pair, starts_at=LATER)
    amend(pair[0], contract, after(5), remove=[EDITOR])
    assert granted(contract, MUCH_LATER) == {"viewer"}
    assert [term.during.isempty for term in contract.terms.order_by("role__key")] == [True, False]


# --- widening -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1])
def test_widening_waits_for_the_other_side(pair: Pair, side: int) -> None:
    mine, other = pair[side], pair[1 - side]
    contract = share(*pair, VIEWER, ends_at=LATER)
    made = amend(mine, contract, after(5), add=[EDITOR], moves_end=True, ends_at=MUCH_LATER, note="More")
    assert (made.state, made.widens) == ("proposed", True)
    assert granted(contract, after(6)) == {"viewer"}
    with pytest.raises(NotYours):
        answer("accept", mine, made, after(6))
    with pytest.raises(NotYours):
        answer("withdraw", other, made, after(6))
    answer("accept", other, made, after(10), note="Welcome")
    assert granted(contract, after(9)) == {"viewer"}
    assert granted(contract, after(10)) == granted(contract, LATER) == {"viewer", "editor"}
    assert granted(contract, MUCH_LATER) == set()
    # The provider's word: with its proposal, or with its answer.
    assert contract.terms.get(role__key="editor").confirmed_at == after(10 if side else 5)
    assert contract.terms.get(role__key="viewer").confirmed_at == T0  # a later end confirms no permissions
    assert said(mine, contract) == said(other, contract) == ["amendment_proposed", "amended"]
    with pytest.raises(NotOpen):
        answer("accept", other, made, after(11))


def test_a_mixture_waits_as_a_whole(pair: Pair) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR], remove=[VIEWER], moves_end=True, ends_at=LATER)
    assert granted(contract, MUCH_LATER) == {"viewer"}
    answer("accept", pair[1], made, after(6))
    assert granted(contract, after(6)) == {"editor"}
    assert granted(contract, LATER) == set()
    contract.refresh_from_db()
    assert contract.ended_by == ""  # both agreed


@pytest.mark.parametrize(("how", "side"), [("decline", 1), ("withdraw", 0)])
def test_a_refusal_leaves_everything_and_frees_the_way(pair: Pair, how: str, side: int) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR])
    with pytest.raises(AmendmentOpen) as caught:
        amend(pair[1], contract, after(6), add=[EDITOR])
    assert caught.value.data == {"state": "proposed", "amendmentId": str(made.id)}
    past = {"decline": "declined", "withdraw": "withdrawn"}[how]
    assert answer(how, pair[side], made, after(7)).state == past
    assert granted(contract, MUCH_LATER) == {"viewer"}
    assert said(pair[1], contract) == ["amendment_proposed", f"amendment_{past}"]
    assert amend(pair[1], contract, after(8), add=[EDITOR]).state == "proposed"


def test_accepted_after_its_planned_moment_it_begins_now(pair: Pair) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[1], contract, after(5), add=[EDITOR], when=after(60))
    answer("accept", pair[0], made, after(90))
    assert granted(contract, after(89)) == {"viewer"}
    assert granted(contract, after(90)) == {"viewer", "editor"}
    assert Amendment.objects.get(id=made.id).takes_effect_at is None
    amend(pair[1], contract, after(91), remove=[EDITOR])
    made = amend(pair[1], contract, after(92), add=[EDITOR], when=LATER)
    answer("accept", pair[0], made, after(93))
    assert granted(contract, after(94)) == {"viewer"}
    assert granted(contract, LATER) == {"viewer", "editor"}


def test_removed_and_added_again_is_a_first_share(pair: Pair) -> None:
    contract, fresh = share(*pair), share(*pair, VIEWER, at=after(1))
    amend(pair[0], contract, after(5), remove=[EDITOR])
    for row in (contract, fresh):
        made = amend(pair[0], row, after(10), add=[EDITOR])
        answer("accept", pair[1], made, after(11))
    terms = [row.terms.filter(role__key="editor").latest("confirmed_at") for row in (contract, fresh)]
    grants = [row.grants.filter(role__key="editor").latest("during") for row in (contract, fresh)]
    assert len({(term.during, term.confirmed_at, term.removed_at) for term in terms}) == 1
    assert len({grant.during for grant in grants}) == 1


def test_a_later_end_brings_back_nothing_that_was_taken_away_or_paused(pair: Pair) -> None:
    contract = share(*pair)
    amend(pair[0], contract, after(1), remove=[EDITOR], when=LATER)
    pauses.pause(tenant=pair[0], contract_id=contract.id, by=SYSTEM, at=after(2))
    amend(pair[0], contract, after(3), moves_end=True, ends_at=LATER - timedelta(days=1))
    answer("accept", pair[0], amend(pair[1], contract, after(4), moves_end=True), after(5))
    contract.refresh_from_db()
    assert (contract.ends_at, contract.ended_by, contract.ended_by_tenant) == (None, "", None)
    assert granted(contract, MUCH_LATER) == set()  # paused until somebody resumes
    pauses.resume(tenant=pair[0], contract_id=contract.id, by=SYSTEM, at=after(6))
    assert granted(contract, LATER - timedelta(hours=1)) == {"viewer", "editor"}
    assert granted(contract, LATER) == granted(contract, MUCH_LATER) == {"viewer"}


# --- what cannot be -----------------------------------------------------------------------------------


def test_every_objection_at_once(pair: Pair) -> None:
    register(pair[1], "own", T0)
    contract = share(*pair, VIEWER, ends_at=LATER)
    wrong = {
        "add": [("beta.own", "viewer"), (METER, "no such"), VIEWER],
        "remove": [EDITOR, VIEWER],
        "when": after(1),
        "answer_by": after(2),
    }
    with pytest.raises(CannotAmend) as caught:
        amend(pair[0], contract, after(5), moves_end=True, ends_at=after(4), **wrong)
    assert codes(caught) == [
        ("/removeRoles/0", "role_not_in_contract"),
        ("/addRoles/0", "role_not_shareable"),
        ("/addRoles/1", "role_not_shareable"),
        ("/addRoles/2", "named_twice"),
        ("/at", "too_early"),
        ("/answerBy", "answer_too_early"),
        ("/endsAt", "ends_too_early"),
        ("/addRoles/2", "role_in_contract"),
    ]
    assert not Amendment.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "no_change"),
        ({"moves_end": True, "ends_at": LATER}, "no_change"),
        ({"remove": [VIEWER, EDITOR]}, "no_role_left"),
        ({"remove": [EDITOR], "when": LATER}, "ended_by_then"),
        ({"remove": [EDITOR], "answer_by": LATER}, "no_answer_needed"),
    ],
)
def test_what_is_no_amendment_says_so(pair: Pair, change: dict, code: str) -> None:
    contract = share(*pair, ends_at=LATER)
    with pytest.raises(CannotAmend) as caught:
        amend(pair[0], contract, after(5), **change)
    assert [found for _, found in codes(caught)] == [code]


def test_a_consumer_learns_nothing_of_the_providers_other_applications(pair: Pair) -> None:
    register(pair[0], "secret", T0)
    contract = share(*pair, VIEWER)
    details = set()
    for application_id in ("acme.secret", "acme.none"):
        with pytest.raises(CannotAmend) as caught:
            amend(pair[1], contract, after(5), add=[(application_id, "viewer")])
        assert codes(caught) == [("/addRoles/0", "role_not_shareable")]
        details.add(caught.value.errors[0]["detail"].replace(application_id, ""))
    assert len(details) == 1
    made = amend(pair[0], contract, after(6), add=[("acme.secret", "viewer")])  # the provider may offer it
    answer("accept", pair[1], made, after(7))
    assert contract.grants.filter(role__application_id="acme.secret").exists()


def test_only_an_accepted_contract_in_life_is_amended(pair: Pair) -> None:
    contract = share(*pair, ends_at=LATER)
    with pytest.raises(WrongState):
        amend(pair[0], contract, LATER, remove=[EDITOR])
