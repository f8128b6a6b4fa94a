"""How many hold a role that asks for a second factor: as many as are counted one by one, up to the bound."""

from typing import Any

import pytest
from django.utils import timezone

from accesscontrol.actions import factor_holders, second_factors
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.authenticating import with_app
from tests.support.factories import SYSTEM
from tests.support.knocking import give

READER, MANAGER = f"{PORTAL_ID}/user-reader", f"{PORTAL_ID}/access-manager"


@pytest.fixture
def acme(db: None) -> Party:
    """Jane may all. Kim and Lee read by themselves and by two groups, Ann by the lower; Bob is out."""
    acme = party("acme")
    kim, lee, ann, bob = (
        factories.make_user(acme.tenant, name, at=timezone.now()) for name in ("kim", "lee", "ann", "bob")
    )
    upper = factories.make_group(acme.tenant, "Upper", members=(kim,), at=timezone.now())
    inside = (kim, lee, ann, bob)
    factories.make_group(acme.tenant, "Lower", parent=upper, members=inside, at=timezone.now())
    for who in ({"user_id": kim.pk}, {"user_id": lee.pk}, {"group_id": upper.pk}):
        give(acme.tenant, "user-reader", **who)
    with_app(lee, at=timezone.now())
    given: dict[str, Any] = {"tenant": acme.tenant, "by": SYSTEM, "at": timezone.now()}
    with tenant_scope(acme.tenant.pk):
        users.deactivate(**given, user_id=bob.pk)
    return acme


def counted(acme: Party, most: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(factor_holders, "MOST", most)
    roles = ["*", READER, MANAGER]
    with tenant_scope(acme.tenant.pk):
        found = factor_holders.counted(tenant=acme.tenant, roles=roles, at=timezone.now())
        exact = second_factors.holders(tenant=acme.tenant, roles=roles, at=timezone.now())
    assert found.keys() == exact.keys()
    for role, each in found.items():
        assert each.more == (exact[role].people > most), role
        assert each[:2] == exact[role] or (each.more and each.people <= exact[role].people), role
    return found


@pytest.mark.parametrize("most", [9, 4])
def test_up_to_the_bound_all_are_counted(acme: Party, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """With four there are more rows than that, and who they are is looked at."""
    assert counted(acme, most, monkeypatch)[READER] == (4, 3, False)


def test_beyond_it_there_are_more(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(acme, 1, monkeypatch)
    assert found["*"].more and found[READER].more and found[MANAGER] == (1, 1, False)
    labels = dict(acme.get("settings/second-factors").context["form"].fields["roles"].choices)
    assert labels[READER].startswith("User Reader · more than 1 people")
    assert labels[MANAGER] == "Access Manager · 1 person, 1 without one"
