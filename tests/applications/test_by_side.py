"""What is found side by side is what the plain rule finds: pages of both sides, the search for contracts."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from applications import policies
from applications.models import Contract
from applications.views import _contracts_named
from applications.views._contract import matching
from tenants.http.paging import Page, page_of
from tests.applications.story import Party, register, share

TYPES = ["provision", "access"]


def test_pages_of_both_sides_are_those_of_all(acme: Party, beta: Party) -> None:
    """Forwards to the end and back; two of the same moment stand in the order of their ids."""
    start = timezone.now()
    pairs = [(acme.tenant, beta.tenant), (beta.tenant, acme.tenant)]
    Contract.objects.bulk_create(
        Contract(
            provider=pairs[number % 2][0],
            consumer=pairs[number % 2][1],
            type="provision",
            created_at=start + timedelta(days=number // 3),
            proposed_at=start,
        )
        for number in range(17)
    )

    def page(url: str, *, by_side: bool) -> Page:
        parts = policies.sides_of(acme.tenant.id) if by_side else ()
        rows = Contract.objects.all() if by_side else policies.contracts_of(acme.tenant)
        request = RequestFactory().get(url)
        return page_of(rows, request=request, key="created_at", descending=True, size=4, parts=parts)

    def walk(*, by_side: bool) -> list[list[Contract]]:
        found, url, forwards = [], "/", True
        while True:
            shown = page(url, by_side=by_side)
            found.append(shown.rows)
            following = shown.next_url if forwards else shown.previous_url
            if following is None and not forwards:
                return found
            forwards = forwards and following is not None
            url = following or shown.previous_url or "/"

    assert len(walk(by_side=False)) == 9
    assert walk(by_side=True) == walk(by_side=False)


@pytest.mark.parametrize("q", ["beta", "ACME", "pier", "9%_", "%", "\\", "reader", "fleet", "nothing at all"])
@pytest.mark.parametrize("many", [_contracts_named.MANY, 1, 0])
def test_the_search_finds_what_the_list_finds(
    acme: Party, beta: Party, monkeypatch: pytest.MonkeyPatch, q: str, many: int
) -> None:
    """However many organizations are called so."""
    monkeypatch.setattr(_contracts_named, "MANY", many)
    noted = share(acme, beta, acme.applications["planner"])
    share(acme, beta, register(acme, "Harbour"), type="access")
    share(acme, beta, register(acme, "Draft of ours"), until="draft")
    share(beta, acme, register(beta, "Yard"))
    share(beta, acme, register(beta, "Draft of theirs"), until="draft")
    Contract.objects.filter(id=noted.id).update(note=r"For the pier, 9%_\ of it")
    for party in (acme, beta):
        named = {"tenant_id": party.tenant.id, "most": 99, "shown": 99}
        for types in (TYPES, ["access"]):
            known = policies.contracts_of(party.tenant).filter(type__in=types)
            plain = {row.id for row in known.filter(matching(q, party.tenant.id))}
            ids, count = _contracts_named.contracts_named(q, types=types, **named)
            assert (set(ids), count) == (plain, len(plain))
