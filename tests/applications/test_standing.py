"""Where a contract stands: the expression for any moment, the filter and the function over a row agree."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.utils import timezone

from applications import policies
from applications.actions import contracts, pauses
from applications.models import Contract, ContractPause
from applications.views._counts import counted_by_state
from applications.views._standing import STANDINGS, standing, standing_in, standing_then
from tests.applications.story import Party, register, share

DAY = timedelta(days=1)


def test_a_row_stands_where_the_query_says(acme: Party, beta: Party) -> None:
    """One at each stage: the expression, the filter and the function over a row say the same of it."""
    now, planner = timezone.now(), acme.applications["planner"]
    for until in ("draft", "proposed", "accepted"):
        share(acme, beta, planner, until=until)
        share(
            acme,
            beta,
            register(acme, f"Later {until}"),
            until=until,
            starts_at=now + DAY,
            ends_at=now + 3 * DAY,
        )
    declined, withdrawn = (share(acme, beta, planner, until="proposed") for _ in range(2))
    contracts.decline(tenant=beta.tenant, contract_id=declined.id, by=beta.actor, at=now)
    contracts.withdraw(tenant=acme.tenant, contract_id=withdrawn.id, by=acme.actor, at=now)
    share(acme, beta, planner, until="proposed", answer_by=now + DAY)
    paused = share(acme, beta, register(acme, "Paused"))
    who: dict[str, Any] = {"tenant": acme.tenant, "contract_id": paused.id, "by": acme.actor}
    pauses.pause(**who, at=timezone.now(), until=now + 2 * DAY)
    for at in (timezone.now(), now + 1.5 * DAY, now + 4 * DAY):
        found = Contract.objects.annotate(there=standing_then(at)).prefetch_related("pauses")
        told = {row.id: row.there for row in found}
        assert told == {row.id: standing(row, at) for row in found}
        for side in (acme, beta):
            known = policies.contracts_of(side.tenant).values_list("id", flat=True)
            counts = counted_by_state(side.tenant, ["provision", "access"], at)
            assert Counter(counts) == Counter(told[key] for key in known)
            assert set(counted_by_state(side.tenant, ["access"], at).values()) == {0}
        for state, _word in STANDINGS:
            chosen = set(standing_in(Contract.objects.all(), state, at).values_list("id", flat=True))
            assert chosen == {key for key, value in told.items() if value == state}, (state, at)
    assert set(told.values()) >= {"draft", "in_force", "ended", "lapsed", "declined", "withdrawn"}


def test_the_past_of_a_row_is_told_by_its_dates(acme: Party, beta: Party) -> None:
    start = timezone.now()
    given: dict[str, Any] = {
        "provider": acme.tenant,
        "consumer": beta.tenant,
        "type": "provision",
        "created_at": start,
        "proposed_at": start + DAY,
    }
    taken = Contract.objects.create(
        **given,
        state="accepted",
        answered_at=start + 2 * DAY,
        starts_at=start + 3 * DAY,
        ends_at=start + 6 * DAY,
    )
    during = (start + 4 * DAY, start + 5 * DAY)
    ContractPause.objects.create(contract=taken, during=during, by_name="x")
    late = Contract.objects.create(
        **given, state="lapsed", answer_by=start + 2 * DAY, answered_at=start + 3 * DAY
    )

    def life(row: Contract) -> list[str]:
        rows = Contract.objects.filter(id=row.id)
        return [rows.annotate(there=standing_then(start + day * DAY)).get().there for day in range(7)]

    lived = ["draft", "proposed", "scheduled", "in_force", "paused", "in_force", "ended"]
    assert life(taken) == lived
    assert life(late) == ["draft", "proposed", *["lapsed"] * 5]
