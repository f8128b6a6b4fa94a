"""Several administrators at once, on real connections: one wins, nobody sees an error of the database.

Locks are taken in one order everywhere: tenants, contracts, applications. Each round here would find a
place where they are not.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from accesscontrol.actions import assignments
from applications import readmodel
from applications.actions import applications, contracts, pauses, watch
from applications.models import Availability, Contract, ContractGrant, ContractTerm, Event
from iam_portal.errors import DomainError
from iam_portal.walls import cross_tenant
from tenants.actions import partnerships
from tenants.actions import tenants as tenant_acts
from tenants.models import Tenant
from tests.applications.sharing import T0, VIEWER, accepted, proposal, register, told
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.tenants.conftest import Racers

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive(6)]

ROUNDS = 3  # times the meetings below: twenty-four


@pytest.fixture
def racers(committed_db: None) -> Iterator[Racers]:
    """As many as the largest meeting below."""
    with Racers(6) as racers:
        yield racers


def succeeded(outcomes: list[Any]) -> list[bool]:
    """Who won. A refusal of a rule is an answer; anything else, a deadlock first of all, is a failure."""
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, DomainError):
            raise outcome
    return [not isinstance(outcome, Exception) for outcome in outcomes]


def assert_whole(tenants: list[Tenant], application_id: str, at: datetime) -> None:
    """Grants and read model are what the facts say, and the last event of every pair says the same."""
    assert readmodel.differences() == {"grants": [], "availability": []}
    for tenant in tenants:
        now = Availability.objects.at(at).filter(tenant=tenant, application=application_id).exists()
        said = told(tenant, application_id)
        assert all(former != later for former, later in pairwise(said)), "an event twice"
        assert (said[-1] if said else False) == now


def copies(contract: Contract, number: int) -> list[Contract]:
    """As many open proposals like this one: the answers race, not the drafting."""
    fields = Contract.objects.values().get(id=contract.id)
    term = contract.terms.values("role_id", "during", "confirmed_at").get()
    made = Contract.objects.bulk_create(Contract(**{**fields, "id": uuid4()}) for _ in range(number))
    ContractTerm.objects.bulk_create(ContractTerm(contract=row, **term) for row in made)
    return made


def test_accept_and_withdraw_at_once_200_times(racers: Racers) -> None:
    acme, beta = make_tenant("acme", at=T0), make_tenant("beta", at=T0)
    make_partners(acme, beta, at=T0)
    register(acme, "meter", T0)
    wins = 0
    for number, row in enumerate(copies(proposal(acme, beta, "acme.meter", at=T0), 200)):
        at = T0 + timedelta(seconds=number)
        act = {"contract_id": row.id, "by": SYSTEM, "at": at}
        won = succeeded(
            racers.at_once(
                lambda act=act: contracts.accept(tenant=beta, **act),
                lambda act=act: contracts.withdraw(tenant=acme, **act),
            )
        )
        assert sum(won) == 1
        row.refresh_from_db()
        assert row.state == ("accepted" if won[0] else "withdrawn")
        assert row.revision == 3  # drafted 1, proposed 2, answered 3: the loser changed nothing
        assert ContractGrant.objects.filter(contract=row).count() == won[0]
        assert Availability.objects.filter(contract=row).count() == won[0]
        verbs = Event.objects.filter(subject=str(row.id), type__in=VERBS).values_list("type", "tenant_id")
        with cross_tenant():
            verbs = list(verbs)
        assert sorted(verbs) == sorted((VERBS[not won[0]], tenant.id) for tenant in (acme, beta))
        if won[0]:
            wins += 1
            contracts.end(tenant=beta, contract_id=row.id, by=SYSTEM, at=at + timedelta(milliseconds=500))
    assert told(beta, "acme.meter") == [True, False] * wins
    assert_whole([acme, beta], "acme.meter", T0 + timedelta(hours=1))


VERBS = ("iam.contract.accepted.v1", "iam.contract.withdrawn.v1")


class Chain:
    """acme → beta (onward) → gamma over two applications, with one proposal open."""

    def __init__(self, number: int, tenants: list[Tenant], at: datetime) -> None:
        self.acme, self.beta, self.gamma = tenants
        self.at = at
        # The later name first: who locks in the order of contracts meets who locks in order of ids.
        self.second, self.first = (register(self.acme, f"{name}{number}", at).id for name in ("z", "a"))
        self.to_beta = accepted(self.acme, self.beta, self.second, at=at)
        self.also = accepted(self.acme, self.beta, self.first, at=at)
        self.onward = accepted(self.beta, self.gamma, self.second, at=at, type="access")
        self.open = proposal(self.acme, self.beta, self.first, self.second, at=at)

    def acts(self, partnership_id: Any) -> dict[str, Callable[[], Any]]:
        at = self.at + timedelta(seconds=1)
        of = {"by": SYSTEM, "at": at}
        ids = {"acme": self.acme, "beta": self.beta}
        wanted = assignments.Wanted(
            role=VIEWER, application_id=self.second, principal_application_id=self.first
        )
        return {
            "accept": lambda: contracts.accept(tenant=self.beta, contract_id=self.open.id, **of),
            "pause": lambda: pauses.pause(tenant=self.acme, contract_id=self.to_beta.id, **of),
            "suspend owner": lambda: tenant_acts.suspend(tenant=ids["acme"], reason="", **of),
            "suspend consumer": lambda: tenant_acts.suspend(tenant=ids["beta"], reason="", **of),
            "suspend last": lambda: tenant_acts.suspend(tenant=self.gamma, reason="", **of),
            "part": lambda: partnerships.end(tenant=self.beta, partnership_id=partnership_id, **of),
            "retire": lambda: applications.retire(tenant=self.acme, application_id=self.second, **of),
            "assign": lambda: assignments.assign(tenant=self.acme, wanted=wanted, **of),
            "job": lambda: watch.run(at=at),
        }


# Who meets whom. Each list is raced several times, with fresh contracts.
MEETINGS = [
    ("accept", "suspend consumer"),
    ("accept", "part"),
    ("accept", "retire"),
    ("suspend owner", "suspend consumer", "suspend last"),
    ("accept", "suspend last", "job"),
    ("part", "suspend owner", "retire"),
    ("pause", "retire", "suspend last", "assign"),
    ("accept", "pause", "part", "suspend consumer", "retire", "job"),
]


@pytest.mark.parametrize("meeting", MEETINGS, ids=" + ".join)
def test_many_at_once_leave_one_story(racers: Racers, meeting: tuple[str, ...]) -> None:
    at = T0
    tenants = [make_tenant(slug, at=at) for slug in ("acme", "beta", "gamma")]
    acme, beta, gamma = tenants
    make_partners(beta, gamma, at=at)
    for number in range(ROUNDS):
        partnership = make_partners(acme, beta, at=at)
        chain = Chain(number, tenants, at)
        acts = chain.acts(partnership.id)
        succeeded(racers.at_once(*(acts[name] for name in meeting)))
        after = at + timedelta(seconds=2)
        for application_id in (chain.first, chain.second):
            assert_whole(tenants, application_id, after)
        chain.open.refresh_from_db()
        assert_answered(chain, meeting, after)
        at = at + timedelta(minutes=1)
        put_right(tenants, partnership.id, at)


def assert_answered(chain: Chain, meeting: tuple[str, ...], at: datetime) -> None:
    """What one administrator was told stands, whatever the others did."""
    row = chain.open
    if "part" in meeting:
        over = row.ends_at is not None and row.ends_at <= at
        assert row.state == "withdrawn" or (row.state == "accepted" and over)
    if "retire" in meeting and row.state == "accepted":
        living = row.terms.filter(role__application=chain.second, during__contains=at)
        assert not living.exists(), "a share of what is no longer there"


def put_right(tenants: list[Tenant], partnership_id: Any, at: datetime) -> None:
    for tenant in tenants:
        with contextlib.suppress(DomainError):
            tenant_acts.resume(tenant=tenant, by=SYSTEM, at=at)
    with contextlib.suppress(DomainError):
        partnerships.end(tenant=tenants[0], partnership_id=partnership_id, by=SYSTEM, at=at)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("suspend owner", "suspend consumer"),
        ("accept", "suspend last"),
        ("pause", "part"),
        ("retire", "suspend owner"),
        ("retire", "accept"),
        ("part", "suspend owner"),
    ],
)
def test_who_comes_second_waits_and_then_goes_on(racers: Racers, first: str, second: str) -> None:
    """The first holds all its locks while the second takes what it can: the order that could close a ring."""
    tenants = [make_tenant(slug, at=T0) for slug in ("acme", "beta", "gamma")]
    partnership = make_partners(*tenants[:2], at=T0)
    make_partners(*tenants[1:], at=T0)
    chain = Chain(0, tenants, T0)
    acts = chain.acts(partnership.id)
    done = threading.Event()

    def lead() -> None:
        try:
            with transaction.atomic():
                acts[first]()
                done.set()
                time.sleep(0.15)
        finally:
            done.set()

    def follow() -> None:
        done.wait(10)
        acts[second]()

    outcomes = racers.at_once(lead, follow)
    succeeded(outcomes)
    assert outcomes[0] is None
    for application_id in (chain.first, chain.second):
        assert_whole(tenants, application_id, T0 + timedelta(seconds=2))
