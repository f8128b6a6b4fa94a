"""What becomes of a proposal that nobody answers, or whose ground falls."""

import pytest

from applications.actions import contracts, manifests, open_amendments
from applications.actions.amendment_answers import NotOpen
from applications.actions.changes import CannotAmend, Change
from applications.models import Amendment, Application
from tenants.actions import partners, partnerships
from tenants.models import Partnership, Tenant
from tests.applications.amending import (
    EDITOR,
    LATER,
    METER,
    MUCH_LATER,
    VIEWER,
    after,
    amend,
    answer,
    foreseen,
    granted,
    said,
    share,
)
from tests.applications.sharing import T0, make_pair, proposal
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.universe import manifest_of

Pair = tuple[Tenant, Tenant]


@pytest.fixture
def pair(db: None) -> Pair:
    return make_pair()


def state_of(amendment: Amendment) -> str:
    amendment.refresh_from_db()
    return str(amendment.state)


def test_it_lapses_by_its_date_before_the_job_says_so(pair: Pair) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR], answer_by=after(10))
    with pytest.raises(NotOpen) as caught:
        answer("accept", pair[1], made, after(10))
    assert caught.value.data["state"] == "lapsed"
    assert state_of(made) == "proposed"
    again = amend(pair[1], contract, after(11), add=[EDITOR], answer_by=after(20))  # it is in nobody's way
    assert state_of(made) == "lapsed"
    assert open_amendments.lapse_due(at=after(19)) == 0
    assert [open_amendments.lapse_due(at=after(20)) for _ in range(2)] == [1, 0]
    assert state_of(again) == "lapsed"
    told = ["amendment_proposed", "amendment_lapsed"] * 2
    assert said(pair[0], contract) == said(pair[1], contract) == told


def test_it_lapses_with_the_planned_end_of_the_contract(pair: Pair) -> None:
    contract = share(*pair, VIEWER, ends_at=after(30))
    made = amend(pair[1], contract, after(5), moves_end=True, ends_at=LATER)
    with pytest.raises(NotOpen):
        answer("accept", pair[0], made, after(30))
    assert open_amendments.lapse_due(at=after(30)) == 1
    assert granted(contract, after(30)) == set()


def test_an_end_cancels_it(pair: Pair) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR])
    contracts.end(tenant=pair[1], contract_id=contract.id, by=SYSTEM, at=after(6), when=LATER)
    assert state_of(made) == "cancelled"
    assert said(pair[0], contract)[1:] == ["end_planned", "amendment_cancelled"]
    with pytest.raises(NotOpen):
        answer("accept", pair[1], made, after(7))


def test_the_end_of_the_partnership_cancels_it(pair: Pair) -> None:
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR])
    partnership = Partnership.objects.get()
    partnerships.end(tenant=pair[1], partnership_id=partnership.id, by=SYSTEM, at=after(6))
    assert state_of(made) == "cancelled"
    assert said(pair[0], contract)[1:] == ["ended", "amendment_cancelled"]


def test_nothing_is_accepted_automatically(pair: Pair) -> None:
    partners.accept_automatically(
        tenant=pair[1],
        partnership_id=Partnership.objects.get().id,
        contract_types=["provision", "access"],
        by=SYSTEM,
        at=T0,
    )
    contract = proposal(*pair, METER, at=T0)
    assert contract.state == "accepted"
    assert amend(pair[0], contract, after(5), add=[EDITOR]).state == "proposed"


def test_a_role_that_is_there_no_more_cannot_be_accepted(pair: Pair) -> None:
    """Nor one that was declared again meanwhile: it is another one."""
    contract = share(*pair, VIEWER)
    made = amend(pair[0], contract, after(5), add=[EDITOR])
    meter = Application.objects.get(id=METER)
    for keys in (("viewer",), ("viewer", "editor")):
        manifests.declare(application=meter, manifest=manifest_of(keys), by=SYSTEM, at=after(6))
        with pytest.raises(CannotAmend) as caught:
            answer("accept", pair[1], made, after(7))
        assert [error["pointer"] for error in caught.value.errors] == ["/addRoles/0"]
    assert state_of(made) == "proposed"
    answer("withdraw", pair[0], made, after(8))
    answer("accept", pair[1], amend(pair[0], contract, after(9), add=[EDITOR]), after(10))
    assert granted(contract, after(10)) == {"viewer", "editor"}


def test_a_provider_that_lost_the_role_cannot_pass_it_on(pair: Pair) -> None:
    acme, beta = pair
    gamma = make_tenant("gamma", at=T0)
    make_partners(beta, gamma, at=T0)
    source = share(acme, beta, onward_access=True)
    onward = share(beta, gamma, VIEWER, type="access")
    made = amend(gamma, onward, after(5), add=[EDITOR])
    amend(acme, source, after(6), remove=[EDITOR])
    with pytest.raises(CannotAmend) as caught:
        answer("accept", beta, made, after(7))
    assert caught.value.errors[0]["code"] == "role_not_granted"
    answer("accept", beta, amend(acme, source, after(8), add=[EDITOR]), after(9))
    answer("accept", beta, made, after(10))
    assert granted(onward, after(10)) == {"viewer", "editor"}


def test_to_foresee_changes_nothing(pair: Pair) -> None:
    contract = share(*pair)
    change = Change(remove=[EDITOR], when=LATER)
    seen = foreseen(tenant=pair[1], contract_id=contract.id, change=change, by=SYSTEM, at=after(5))
    assert (seen.action, seen.at) == ("narrow", LATER)
    assert not Amendment.objects.exists()
    assert granted(contract, MUCH_LATER) == {"viewer", "editor"}
