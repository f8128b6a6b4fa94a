"""A role that was taken away is in no contract any more: not in history, events, pages or REST."""

from datetime import timedelta

import pytest

from applications import shapes
from applications.actions import confirmations, contracts, drafts, manifests, pauses
from applications.actions.drafts import Offer
from applications.actions.record import snapshot
from applications.manifest import parse
from applications.models import Contract, ContractType, Event
from applications.policies import with_parts
from applications.views._contract import applications_of, lanes, roles_by_application
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.applications.amending import (
    EDITOR,
    LATER,
    MUCH_LATER,
    VIEWER,
    after,
    amend,
    answer,
    granted,
    share,
)
from tests.applications.sharing import make_pair
from tests.support.factories import SYSTEM
from tests.support.universe import manifest_of

Pair = tuple[Tenant, Tenant]
MACHINES = {"resourceType": "urn:test", "resourceId": "machines"}
BOTH = ["acme.meter/editor", "acme.meter/viewer"]


@pytest.fixture
def pair(db: None) -> Pair:
    return make_pair()


def declare(contract: Contract, at, *roles: str, **held: list[str]) -> None:
    application = contract.terms.select_related("role__application").first().role.application
    manifest = manifest_of(roles, {role: held.get(role, ["read"]) for role in roles})
    manifests.declare(application=application, manifest=manifest, by=SYSTEM, at=at)


def again(contract: Contract) -> Contract:
    return with_parts(Contract.objects.select_related("provider", "consumer")).get(id=contract.id)


def last_event(tenant: Tenant, contract: Contract) -> tuple[str, list[str]]:
    with tenant_scope(tenant.id):
        row = Event.objects.filter(tenant=tenant, subject=str(contract.id)).order_by("id").last()
        return row.type, row.data["roles"]


def on_page(contract: Contract, at) -> set[str]:
    """Keys of the roles that the contract's page shows."""
    row = again(contract)
    shown = roles_by_application(row, row.provider, "acme", {}, at)
    return {role["role"].key for item in shown for role in item["roles"]}


def test_after_a_confirmation_it_leaves_with_both_halves_of_its_span(pair: Pair) -> None:
    contract = share(*pair, type=ContractType.ACCESS)
    declare(contract, after(1), "viewer", "editor", editor=["read", "modify"], viewer=["read", "modify"])
    gains = confirmations.waiting(again(contract), tenant=pair[0], at=after(2))
    revision = confirmations.revision_of(gains)
    given = {"tenant": pair[0], "contract_id": contract.id, "by": SYSTEM}
    confirmations.confirm(**given, at=after(2), expected=revision)
    split = {gain.role for gain in gains}
    assert split

    gone = VIEWER if "viewer" in split else EDITOR
    amend(pair[0], again(contract), after(3), remove=[gone])

    left = [key for key in BOTH if not key.endswith(gone[1])]
    for tenant in pair:
        assert last_event(tenant, contract) == ("iam.contract.amended.v1", left)
    assert on_page(contract, after(4)) == granted(contract, after(4)) == {left[0].rpartition("/")[2]}
    assert snapshot(again(contract), after(2))["roles"] == BOTH, "it was in it then"


def test_a_role_that_its_application_has_no_more(pair: Pair) -> None:
    contract, ended = share(*pair), share(*pair, at=after(1))
    contracts.end(tenant=pair[0], contract_id=ended.id, by=SYSTEM, at=after(2))
    offer = Offer(type="provision", roles=[VIEWER, EDITOR])
    draft = drafts.draft(provider=pair[0], consumer_id=pair[1].id, offer=offer, by=SYSTEM, at=after(3))
    declare(contract, after(4), "viewer")

    pauses.pause(tenant=pair[0], contract_id=contract.id, by=SYSTEM, at=after(5))
    assert last_event(pair[1], contract) == ("iam.contract.paused.v1", BOTH[1:])
    assert on_page(contract, after(6)) == {"viewer"}
    for other in (ended, draft):  # what was agreed, or is to be agreed, is not told otherwise
        assert snapshot(again(other), after(6))["roles"] == BOTH
        assert on_page(other, after(6)) == {"viewer", "editor"}

    declare(contract, after(7), "viewer", "editor")  # another role of the same name
    assert snapshot(again(contract), after(8))["roles"] == BOTH[1:]
    amendment = amend(pair[0], again(contract), after(9), add=[EDITOR])
    answer("accept", pair[1], amendment, after(10))
    assert snapshot(again(contract), after(11))["roles"] == BOTH


def test_an_application_that_is_gone_leaves_a_contract_without_roles(pair: Pair) -> None:
    contract = share(*pair)
    declare(contract, after(1))
    row = again(contract)
    assert snapshot(row, after(2))["roles"] == []
    assert on_page(row, after(2)) == set()
    assert list(applications_of(row)) == ["acme.meter"], "the page keeps its title"


@pytest.mark.parametrize("how", ["amended", "ended"])
def test_what_was_planned_beyond_a_shorter_end_does_not_come_back(pair: Pair, how: str) -> None:
    contract = share(*pair, VIEWER, ends_at=MUCH_LATER)
    made = amend(pair[0], contract, after(1), add=[EDITOR], when=LATER)
    answer("accept", pair[1], made, after(2))
    assert snapshot(again(contract), after(2))["roles"] == BOTH
    sooner = LATER - timedelta(days=1)
    if how == "amended":
        amend(pair[0], again(contract), after(3), moves_end=True, ends_at=sooner)
    else:
        contracts.end(tenant=pair[0], contract_id=contract.id, by=SYSTEM, at=after(3), when=sooner)
    longer = amend(pair[0], again(contract), after(4), moves_end=True, ends_at=MUCH_LATER)
    answer("accept", pair[1], longer, after(5))

    moment = LATER + timedelta(days=1)
    row = again(contract)
    assert snapshot(row, moment)["roles"] == snapshot(row, after(6))["roles"] == BOTH[1:]
    assert on_page(row, moment) == granted(row, moment) == {"viewer"}
    assert {role["role"] for role in shapes.contract(row, at=moment)["roles"]} == {"viewer"}
    assert len(lanes(row, moment)) == 1
    asked = amend(pair[1], row, after(7), add=[EDITOR], when=LATER)  # and may be agreed again
    answer("accept", pair[0], asked, after(8))
    assert granted(row, moment) == {"viewer", "editor"}


def test_ended_before_it_began_it_still_says_what_it_was_about(pair: Pair) -> None:
    contract = share(*pair, starts_at=LATER)
    contracts.end(tenant=pair[1], contract_id=contract.id, by=SYSTEM, at=after(1))
    row = again(contract)
    assert snapshot(row, after(2))["roles"] == BOTH
    assert len(shapes.contract(row, at=after(2))["roles"]) == 2


def rename(contract: Contract, at) -> None:
    """The viewer has the key ``reader`` from now on."""
    application = contract.terms.select_related("role__application").first().role.application
    document = {
        "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
        "roles": [
            {"key": key, **heir, "permissions": [{**MACHINES, "privileges": ["read"]}]}
            for key, heir in (("reader", {"supersedes": "viewer"}), ("editor", {}))
        ],
    }
    manifests.declare(application=application, manifest=parse(document), by=SYSTEM, at=at)


@pytest.mark.parametrize("type", list(ContractType))
def test_a_role_with_a_new_key_stays_in_every_contract(pair: Pair, type: str) -> None:
    """Whatever became of the contract, and also where it is only asked for."""
    running = share(*pair, VIEWER, type=type)
    planned = share(*pair, VIEWER, type=type, starts_at=LATER, ends_at=MUCH_LATER)
    asking = share(*pair, EDITOR, type=type)
    asked = amend(pair[0], asking, after(1), add=[VIEWER])
    offer = Offer(type=type, roles=[VIEWER])
    given = {"provider": pair[0], "consumer_id": pair[1].id, "offer": offer, "by": SYSTEM, "at": after(1)}
    draft, offered = drafts.draft(**given), drafts.draft(**given)
    contracts.propose(tenant=pair[0], contract_id=offered.id, by=SYSTEM, at=after(1))

    rename(running, after(2))

    reader = ["acme.meter/reader"]
    for contract in (running, planned, draft, offered):
        assert snapshot(again(contract), after(3))["roles"] == reader
        if contract is not draft:
            for tenant in pair:
                assert last_event(tenant, contract) == ("iam.contract.role_superseded.v1", reader)
    assert snapshot(again(running), after(1))["roles"] == [*reader, "acme.meter/viewer"]
    assert (granted(running, after(1)), granted(running, after(3))) == ({"viewer"}, {"reader"})
    assert granted(planned, LATER + timedelta(days=1)) == {"reader"}
    assert on_page(running, after(3)) == {"reader"}
    contracts.accept(tenant=pair[1], contract_id=offered.id, by=SYSTEM, at=after(4))
    answer("accept", pair[1], asked, after(4))
    assert granted(offered, after(5)) == {"reader"}
    assert granted(asking, after(5)) == {"reader", "editor"}
    longer = amend(pair[0], again(planned), after(6), moves_end=True, ends_at=None)
    answer("accept", pair[1], longer, after(7))
    assert granted(planned, MUCH_LATER) == {"reader"}, "its end moves with the contract's"
