"""The partners of the network, counted and paged by the database, against the plain rule in random worlds."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from applications.models import Contract, ContractPause
from applications.views._network import Node, Question, busiest, contracts
from applications.views._network_partners import Partners
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Partnership, Tenant
from tests.applications.story import Party

DAY = timedelta(days=1)
TYPES = ["provision", "access"]


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def world(acme: Party, now: datetime, seed: int) -> None:
    """Partners of equal and of odd names, with contracts of all states, some paused, and partnerships."""
    chance = Random(seed)
    names = ["beta works", "Beta Works", "Ärger", "zeta", "ZETA 2", *(f"Partner {n}" for n in range(20))]
    tenants = [Tenant(slug=f"w{n}", name=name, created_at=now) for n, name in enumerate(names)]
    with cross_tenant():
        Tenant.objects.bulk_create(tenants)
    made = [
        _contract(chance, acme.tenant, tenant, now)
        for tenant in tenants
        for _ in range(chance.choice([0, 1, 4]))
    ]
    Contract.objects.bulk_create(made)
    ContractPause.objects.bulk_create(
        ContractPause(contract=row, during=DateTimeTZRange(now - DAY, now + DAY), by_name="Jane")
        for row in made
        if row.state == "accepted" and chance.random() < 0.5
    )
    with cross_tenant():
        Partnership.objects.bulk_create(
            Partnership(
                inviter=acme.tenant,
                invitee=tenant,
                state="confirmed",
                token_digest=tenant.slug,
                invited_by="Jane",
                invited_at=now - 9 * DAY,
                expires_at=now,
                redeemed_at=now - 8 * DAY,
                confirmed_at=now - 7 * DAY,
            )
            for tenant in tenants[::2]
        )


def _contract(chance: Random, mine: Tenant, other: Tenant, now: datetime) -> Contract:
    provider, consumer = chance.choice([(mine, other), (other, mine)])
    state = chance.choice(["draft", "proposed", "accepted", "accepted", "declined"])
    asked = None if state == "draft" else now - 5 * DAY
    answered = now - 4 * DAY if state in ("accepted", "declined") else None
    start = now + chance.choice([-4, -2, 2]) * DAY
    return Contract(
        provider=provider,
        consumer=consumer,
        type=chance.choice(TYPES),
        state=state,
        created_at=now - 6 * DAY,
        proposed_at=asked,
        answered_at=answered,
        starts_at=start,
        ends_at=chance.choice([None, start + DAY]),
    )


def plain(asked: Question, *, alone: bool) -> dict[str, Counter[Any]]:
    """Partner → how many contracts of which direction, type and state."""
    found: dict[str, Counter[Any]] = {}
    for row in contracts(asked):
        mine = row.provider_id == asked.tenant.id
        key = str(row.consumer_id if mine else row.provider_id)
        found.setdefault(key, Counter())[mine, row.type, row.there] += 1
    pairs = Partnership.objects.filter(inviter=asked.tenant, confirmed_at__lte=asked.at)
    for invitee in pairs.values_list("invitee_id", flat=True) if alone else ():
        found.setdefault(str(invitee), Counter())
    return found


def told(nodes: list[Node]) -> dict[str, Counter[Any]]:
    edges = ((node.key, edge, state) for node in nodes for edge in node.edges for state in edge.states)
    found: dict[str, Counter[Any]] = {node.key: Counter() for node in nodes}
    for key, edge, (state, count) in edges:
        found[key][edge.provided, edge.type, state] += count
    return found


def page(asked: Question, *place: Any, alone: bool = True) -> Partners:
    return Partners(asked, alone=alone, linked=True, most=5).find(*place)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("state", ["", "paused", "declined"])
def test_they_are_what_the_rule_says(acme: Party, now: datetime, seed: int, state: str) -> None:
    world(acme, now, seed)
    for days, types in ((0, TYPES), (-3, TYPES), (2, ["access"])):
        asked = Question(tenant=acme.tenant, at=now + days * DAY, types=types, state=state)
        with tenant_scope(acme.tenant.id):
            expected, whole = plain(asked, alone=not state), page(asked, None, False, 100, alone=not state)
        assert told(list(whole.rows)) == expected and whole.count == len(expected)
        assert [row.key for row in whole.busiest] == [
            row.key for row in busiest(whole.rows, nodes_at_most=5, edges_at_most=100)
        ]


def test_pages_lead_through_all_in_both_directions(acme: Party, now: datetime) -> None:
    world(acme, now, 7)
    asked = Question(tenant=acme.tenant, at=now, types=TYPES)
    with tenant_scope(acme.tenant.id):
        everything = [row.key for row in page(asked, None, False, 100).rows]
        names = [row.name.lower() for row in page(asked, None, False, 100).rows]
        assert names == sorted(names)
        forward, shown = [], page(asked, None, False, 4)
        while True:
            forward += [row.key for row in shown.rows]
            assert shown.count == len(everything)
            if not shown.more:
                break
            shown = page(asked, shown.last, False, 4)
        assert forward == everything
        backward, shown = [], page(asked, shown.first, True, 4)
        while True:
            backward = [row.key for row in shown.rows] + backward
            if not shown.more:
                break
            shown = page(asked, shown.first, True, 4)
    assert backward == everything[: len(backward)] and len(everything) - len(backward) <= 4


def test_a_type_that_may_not_be_read_leaves_partnerships_alone(acme: Party, now: datetime) -> None:
    world(acme, now, 1)
    asked = Question(tenant=acme.tenant, at=now, types=[])
    with tenant_scope(acme.tenant.id):
        assert {row.total for row in page(asked, None, False, 100).rows} == {0}
        assert page(asked, None, False, 100, alone=False).count == 0
