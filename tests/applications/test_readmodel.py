"""Grants and read model after acts whose order or names are treacherous."""

from datetime import datetime, timedelta

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.decide import may_call
from accesscontrol.facts import calls
from applications import facts, readmodel
from applications.actions import contracts, drafts, manifests, pauses
from applications.availability import available, granted
from applications.models import Application, Availability, Contract, ContractGrant, ServiceAccount
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.applications.sharing import T0, VIEWER, accepted, proposal, register
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.universe import manifest_of

HOUR = timedelta(hours=1)
NOTHING_DIFFERS = {"grants": [], "availability": []}


@pytest.fixture
def acme(db: None) -> Tenant:
    return make_tenant("acme", at=T0)


@pytest.fixture
def beta(acme: Tenant) -> Tenant:
    made = make_tenant("beta", at=T0)
    make_partners(acme, made, at=T0)
    return made


@pytest.fixture
def meter(acme: Tenant) -> Application:
    return register(acme, "meter", T0)


def redeclare(meter: Application) -> None:
    """The role is taken away and declared again under the same key: another role."""
    manifests.declare(application=meter, manifest=manifest_of(("editor",)), by=SYSTEM, at=T0 + HOUR)
    manifests.declare(application=meter, manifest=manifest_of(("viewer", "editor")), by=SYSTEM, at=T0 + HOUR)


def says(meter: Application, tenant: Tenant, hours: float) -> bool:
    """What the rule says, having looked that everything else says the same."""
    at = T0 + hours * HOUR
    sharing = facts.of_application(meter.id, tenant_id=tenant.id)
    assert sharing is not None
    assert readmodel.differences() == NOTHING_DIFFERS
    answer = bool(available(sharing, tenant_id=str(tenant.id), at=at))
    assert Availability.objects.at(at).filter(tenant=tenant, application=meter).exists() == answer
    return answer


def test_a_role_declared_again_is_not_the_one_that_was_offered(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    offered = proposal(acme, beta, meter.id, at=T0)
    offer = drafts.Offer(type="provision", roles=[(meter.id, VIEWER)])
    drafted = contracts.draft(provider=acme, consumer_id=beta.id, offer=offer, by=SYSTEM, at=T0)
    redeclare(meter)
    with pytest.raises(contracts.CannotDraft):
        contracts.accept(tenant=beta, contract_id=offered.id, by=SYSTEM, at=T0 + 2 * HOUR)
    with pytest.raises(contracts.CannotDraft):
        contracts.propose(tenant=acme, contract_id=drafted.id, by=SYSTEM, at=T0 + 2 * HOUR)
    assert not says(meter, beta, 2)


def test_a_role_declared_again_is_not_the_one_that_was_shared(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    accepted(acme, beta, meter.id, at=T0)
    assert says(meter, beta, 0)
    redeclare(meter)
    assert says(meter, beta, 0.5)
    assert not says(meter, beta, 2)
    sharing = facts.of_application(meter.id, tenant_id=acme.id)
    assert granted(sharing, role=VIEWER, tenant_id=str(acme.id), at=T0 + 2 * HOUR)


def test_a_whole_life_leaves_what_a_first_share_leaves(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    """Invariant 2: shared, paused, resumed, ended, shared again; and the account of the service stays."""
    first = accepted(acme, beta, meter.id, at=T0)
    left = _what_is_there(first, T0)
    with tenant_scope(beta.id):
        account, _ = ServiceAccount.objects.get_or_create(application=meter, tenant=beta)
    of = {"tenant": acme, "contract_id": first.id, "by": SYSTEM}
    pauses.pause(**of, at=T0 + HOUR)
    pauses.resume(**of, at=T0 + 2 * HOUR)
    contracts.end(**of, at=T0 + 3 * HOUR)
    assert not says(meter, beta, 3)
    again = accepted(acme, beta, meter.id, at=T0 + 4 * HOUR)
    assert _what_is_there(again, T0 + 4 * HOUR) == left
    found = [says(meter, beta, hours) for hours in (0, 1, 2, 3, 4, 9)]
    assert found == [True, False, True, False, True, True]
    with tenant_scope(beta.id):
        assert ServiceAccount.objects.get(application=meter, tenant=beta) == account


def _what_is_there(contract: Contract, at: datetime) -> list[tuple]:
    """Grants and availability at the moment, by what they say and since when."""
    grants = ContractGrant.objects.at(at).filter(contract=contract).values_list("role__key", "during")
    rows = Availability.objects.at(at).filter(contract=contract)
    spans = rows.values_list("relation", "scope_tenant__slug", "during")
    return [
        *((key, during.lower - at, during.upper) for key, during in grants),
        *((relation, scope, during.lower - at, during.upper) for relation, scope, during in spans),
    ]


def test_an_end_moved_earlier_and_a_pause_that_meets_it(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    row = accepted(acme, beta, meter.id, at=T0, ends_at=T0 + 8 * HOUR)
    of = {"tenant": acme, "contract_id": row.id, "by": SYSTEM, "at": T0}
    pauses.pause(**of, when=T0 + 2 * HOUR, until=T0 + 4 * HOUR)
    pauses.pause(**of, when=T0 + 4 * HOUR, until=T0 + 5 * HOUR)  # touches, does not overlap
    pauses.pause(**of, when=T0 + 6 * HOUR)
    contracts.end(**of, when=T0 + 7 * HOUR)
    expected = {0: True, 1.9: True, 2: False, 3: False, 4: False, 5: True, 6: False, 7: False, 9: False}
    assert {hours: says(meter, beta, hours) for hours in expected} == expected
    contracts.end(**of, when=T0 + 3 * HOUR)
    assert not any(says(meter, beta, hours) for hours in (2, 3, 5, 6))
    assert says(meter, beta, 1)


def test_access_falls_with_what_it_rests_on_and_comes_back(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    gamma = make_tenant("gamma", at=T0)
    make_partners(beta, gamma, at=T0)
    source = accepted(acme, beta, meter.id, at=T0)
    accepted(beta, gamma, meter.id, at=T0, type="access")
    of = {"tenant": acme, "contract_id": source.id, "by": SYSTEM}
    pauses.pause(**of, at=T0 + HOUR)
    assert not says(meter, gamma, 1)
    pauses.resume(**of, at=T0 + 2 * HOUR)
    assert says(meter, gamma, 2)
    contracts.end(**of, at=T0 + 3 * HOUR)
    assert not says(meter, gamma, 3)
    accepted(acme, beta, meter.id, at=T0 + 4 * HOUR)
    assert [says(meter, gamma, hours) for hours in (0, 1, 2, 3, 4)] == [True, False, True, False, True]


def test_nobody_calls_by_an_assignment_alone(acme: Tenant, beta: Tenant, meter: Application) -> None:
    reader = register(beta, "reader", T0)
    known = calls(caller=reader, target_ids=[meter.id], tenant_id=beta.id)[meter.id]
    assert may_call(known, at=T0).decision.code == "no_contract"


def test_a_role_over_the_providers_data_opens_nothing_of_ones_own(
    acme: Tenant, beta: Tenant, meter: Application
) -> None:
    """Gamma has the application for itself, and for beta's data; its service was given the latter only."""
    gamma = make_tenant("gamma", at=T0)
    make_partners(beta, gamma, at=T0)
    make_partners(acme, gamma, at=T0)
    accepted(acme, beta, meter.id, at=T0)
    accepted(acme, gamma, meter.id, at=T0)
    access = accepted(beta, gamma, meter.id, at=T0, type="access")
    planner = register(gamma, "planner", T0)
    wanted = Wanted(
        role=VIEWER, application_id=meter.id, principal_application_id=planner.id, contract_id=access.id
    )
    assignments.assign(tenant=gamma, wanted=wanted, by=SYSTEM, at=T0)
    at_home = calls(caller=planner, target_ids=[meter.id], tenant_id=gamma.id)[meter.id]
    assert not may_call(at_home, at=T0)
    at_beta = calls(caller=planner, target_ids=[meter.id], tenant_id=beta.id)[meter.id]
    assert {role.scope_tenant_id for role in may_call(at_beta, at=T0).roles} == {str(beta.id)}
