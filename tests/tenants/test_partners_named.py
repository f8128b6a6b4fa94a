"""The search for partners, asked of each side by its index, finds what the plain rule finds, in its order."""

from datetime import timedelta
from random import Random

import pytest
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from iam_portal.walls import cross_tenant
from tenants.models import Partnership, Tenant
from tenants.views._partners_named import partners_named

NAMES = ["Beta Works", "beta works", "Ärger", "Works of Beta", "100 %", "under_score", "back\\slash", "Zeta"]


@pytest.fixture
def world(acme: Tenant, neighbour: Tenant) -> Tenant:
    """Partnerships both ways, and twice; invitations that nobody took yet; and some of a neighbour."""
    now, chance = timezone.now(), Random(7)
    with cross_tenant():
        tenants = [
            Tenant(slug=f"w{number}-beta" if number % 3 else f"w{number}", name=name, created_at=now)
            for number, name in enumerate(NAMES)
        ]
        Tenant.objects.bulk_create(tenants)
        rows = []
        for mine, number in ((who, number) for who in (acme, neighbour) for number in range(40)):
            other: Tenant | None = chance.choice(tenants)
            ours, open_yet = chance.random() < 0.5, number % 5 == 0
            if open_yet:
                other, ours = None, True
            rows.append(
                Partnership(
                    inviter=mine if other is None or ours else other,
                    invitee=other if ours else mine,
                    state="invited" if open_yet else "ended",
                    token_digest=f"{mine.slug}{number}",
                    note=chance.choice(["", "", "for the pier", "Beta, 100 % sure", "under_score"]),
                    expected_slug=chance.choice(["", "beta-works", "zeta"]),
                    invited_at=now - timedelta(days=number),
                    invited_by="Jane",
                    expires_at=now,
                )
            )
        Partnership.objects.bulk_create(rows)
    return acme


@pytest.mark.parametrize(
    "wanted", ["beta", "WORKS", "ärg", "%", "_", "\\", "pier", "zeta", "w1", "acme", "nobody at all", ""]
)
def test_the_search_finds_what_the_plain_rule_finds(world: Tenant, wanted: str) -> None:
    called = {f"{{}}__{part}__icontains": wanted for part in ("name", "slug")}

    def named(side: str) -> Q:
        return Q(*((key.format(side), value) for key, value in called.items()), _connector=Q.OR)

    said = Q(note__icontains=wanted) | Q(expected_slug__icontains=wanted)
    ours = Q(inviter=world) & (named("invitee") | said)
    other = Case(When(inviter=world, then=F("invitee__name")), default=F("inviter__name"))
    begins = Case(When(other__istartswith=wanted, then=Value(0)), default=Value(1))
    rows = Partnership.objects.filter(ours | Q(named("inviter"), invitee=world)).annotate(other=other)
    plain = list(rows.order_by(begins, F("other").asc(), "pk").values_list("pk", flat=True))
    for shown in (5, 99):
        ids, count = partners_named(wanted, tenant_id=world.pk, shown=shown)
        assert (ids, count) == (plain[:shown], len(plain))
    assert bool(plain) == (wanted not in ("acme", "nobody at all"))
