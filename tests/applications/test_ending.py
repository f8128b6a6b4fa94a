"""Many contracts ended at once: what each by itself would leave, by as many statements as for a few."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from applications import readmodel
from applications.actions import contracts, pauses
from applications.actions.drafts import Offer
from applications.actions.ending import end_all
from applications.models import (
    Amendment,
    Announced,
    Availability,
    Contract,
    ContractGrant,
    ContractPause,
    ContractState,
    ContractTerm,
    ContractTold,
    Event,
)
from iam_portal.walls import cross_tenant
from tenants.models import HistoryEvent, Tenant
from tests.applications.amending import amend
from tests.applications.sharing import T0, accepted, make_pair, proposal, register
from tests.support.factories import SYSTEM, make_partners, make_tenant

HOUR = timedelta(hours=1)
END = T0 + 5 * HOUR
METER = "acme.meter"


@pytest.fixture
def pair(db: None) -> tuple[Tenant, Tenant]:
    acme, beta = make_pair()
    register(beta, "scale", T0)
    return acme, beta


def everything(acme: Tenant, beta: Tenant) -> None:
    """One of each kind that two organizations can have, either way."""
    share = partial(accepted, acme, beta, METER, at=T0)
    act = {"tenant": acme, "by": SYSTEM}
    share()
    accepted(beta, acme, "beta.scale", at=T0)
    accepted(acme, beta, METER, at=T0, type="access")
    pauses.pause(**act, contract_id=share().id, at=T0 + HOUR)
    pauses.pause(**act, contract_id=share().id, at=T0 + HOUR, when=END + HOUR)
    share(starts_at=END + HOUR)
    share(starts_at=T0 + HOUR, ends_at=END + HOUR)
    contracts.end(**act, contract_id=share().id, at=T0 + HOUR)
    amend(acme, share(), T0 + HOUR, add=[(METER, "editor")], when=END + HOUR)
    amend(beta, share(ends_at=END + HOUR), T0 + HOUR, moves_end=True, ends_at=END + 9 * HOUR)
    proposal(acme, beta, METER, at=T0)
    proposal(beta, acme, "beta.scale", at=T0)
    contracts.draft(
        provider=acme,
        consumer_id=beta.id,
        offer=Offer(type="provision", roles=[(METER, "viewer")]),
        by=SYSTEM,
        at=T0,
    )


def left(act: Callable[[], None]) -> dict[str, Any]:
    """What the act leaves, and nothing of it afterwards."""
    known = {model: set(model.objects.values_list("pk", flat=True)) for model in (HistoryEvent, Event)}
    with transaction.atomic():
        act()
        with cross_tenant():
            facts = (Contract, ContractTerm, ContractPause, Amendment, Announced, ContractTold)
            found = {model.__name__: _rows(model) for model in (*facts, ContractGrant, Availability)}
            for model, before in known.items():
                found[model.__name__] = _rows(model, before)
        assert readmodel.differences() == {"grants": [], "availability": []}
        transaction.set_rollback(True)
    return found


def _rows(model: Any, before: set[Any] = frozenset()) -> list[str]:  # type: ignore[assignment]
    # Whose act it was is a side's there, and nobody's here.
    ours = {"id", "event_id", "transaction", "person_digest", "position", "reference", "ended_by_tenant_id"}
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in ours]
    if model in (Contract, Amendment):
        names.append("id")
    rows = model.objects.exclude(pk__in=before).values(*names)
    return sorted(str(sorted(row.items())) for row in rows)


def one_by_one(by: dict[str, Any]) -> None:
    """Those in force last: until then the others would stand among the reasons of what ends."""
    living = (ContractState.ACCEPTED, ContractState.PROPOSED)
    in_force = set(ContractGrant.objects.at(END).values_list("contract_id", flat=True))
    for row in sorted(
        Contract.objects.filter(state__in=living), key=lambda row: (row.id in in_force, row.id)
    ):
        if row.state == ContractState.PROPOSED:
            contracts.withdraw(tenant=row.provider, contract_id=row.id, **by)
        elif row.ends_at is None or row.ends_at > END:
            contracts.end(tenant=row.provider, contract_id=row.id, **by)


def at_once(by: dict[str, Any]) -> None:
    rows = list(Contract.objects.exclude(state=ContractState.DRAFT))
    end_all(contracts=rows, tenant_id=None, **by)


def test_it_is_what_each_by_itself_would_leave(pair: tuple[Tenant, Tenant]) -> None:
    everything(*pair)
    by = {"by": SYSTEM, "at": END, "note": "The partnership ended."}
    with cross_tenant():
        singly, together = left(partial(one_by_one, by)), left(partial(at_once, by))
    for name, rows in singly.items():
        assert together[name] == rows, name
    assert len(singly["HistoryEvent"]) > 20


def test_thirty_take_as_many_statements_as_three(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    counts = []
    for number in (3, 30):
        rows = [accepted(acme, beta, METER, at=T0) for _ in range(number)]
        rows.append(proposal(acme, beta, METER, at=T0))
        with CaptureQueriesContext(connection) as queries:
            end_all(contracts=rows, by=SYSTEM, at=END, note="", tenant_id=acme.id)
        counts.append(len(queries))
        assert not ContractGrant.objects.at(END).exists()
    assert counts[0] == counts[1]


def test_with_many_others_it_takes_as_many_statements_as_with_one(pair: tuple[Tenant, Tenant]) -> None:
    acme, _ = pair
    counts = []
    for number in (1, 8):
        others = [make_tenant(f"other-{number}-{place}", at=T0) for place in range(number)]
        for other in others:
            make_partners(acme, other, at=T0)
        rows = [accepted(acme, other, METER, at=T0) for other in others]
        with CaptureQueriesContext(connection) as queries:
            end_all(contracts=rows, by=SYSTEM, at=END, note="", tenant_id=acme.id)
        counts.append(len(queries))
        with cross_tenant():
            ended = {"action": "contract.ended", "subject_id__in": [row.id for row in rows]}
            told = HistoryEvent.objects.filter(**ended)
            sides = sorted(told.values_list("tenant__slug", flat=True))
        assert sides == sorted([*(other.slug for other in others), *["acme"] * number])
    assert counts[0] == counts[1]
