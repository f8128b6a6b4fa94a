"""Who is named in a part of a review: whoever ever lived here, also when he is gone."""

from datetime import datetime

import pytest
from django.db import connection
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from accesscontrol.review import USER, Asked, Order, part, review
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, users
from tenants.models import User, UserActivity
from tests.accesscontrol.oauth.asking import METER
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.accesscontrol.oauth.test_review_in_parts import told
from tests.support.factories import SYSTEM


def lines(world: World, at: datetime, order: Order, other: datetime | None = None) -> list[str]:
    """The names in a part, which are those of the whole."""
    asked = Asked(tenant=world.globex, application_id=METER, at=at, other=other, order=order, kind=USER)
    with tenant_scope(world.globex.id):
        found = part(asked, limit=50).rows
        whole = review(tenant=world.globex, application_id=METER, since=min(at, other or at))
        every = [each for each in whole.between(at, other) if each.line.kind == USER]
        assert {repr(told(each)) for each in found} == {repr(told(each)) for each in every}
    return sorted(each.line.name for each in found)


@pytest.mark.parametrize("pseudonym", [False, True])
@pytest.mark.parametrize("order", Order)
def test_who_is_gone_is_named_on_the_days_when_he_was_here(
    shared: World, order: Order, pseudonym: bool
) -> None:
    ann, bob = person(shared, "ann"), person(shared, "bob")
    with tenant_scope(shared.globex.id):
        users.change(
            tenant=shared.globex, user_id=bob.id, display_name="Bob B.", by=SYSTEM, at=shared.clock.at
        )
    for each in (ann, bob):
        give(shared, each)
    before, after = shared.clock.forward(hours=1), shared.clock.forward(hours=1)
    deletion.delete(tenant=shared.globex, user_id=bob.id, by=SYSTEM, at=after)
    called = "Bob B."
    if pseudonym:
        called = "deleted person 1"
        with tenant_scope(shared.globex.id):
            User.everyone.filter(id=bob.id).update(display_name=called)
    later = shared.clock.forward(hours=1)
    assert lines(shared, before, order) == sorted(["Ann", called])
    assert lines(shared, later, order) == ["Ann"]
    assert lines(shared, before, order, later) == [called]


@pytest.mark.parametrize("lives", ["none", "empty"])
@pytest.mark.parametrize("order", Order)
def test_who_never_lived_is_nobody(shared: World, order: Order, lives: str) -> None:
    """As rows may lie there: something is assigned to him."""
    for name in ("ann", "bob"):
        user = person(shared, name)
        wanted = Wanted(role="viewer", application_id=METER, user_id=user.id)
        assignments.assign(tenant=shared.globex, wanted=wanted, by=SYSTEM, at=shared.clock.at)
    with tenant_scope(shared.globex.id):
        lived = UserActivity.objects.filter(user=user)
        if lives == "none":
            lived.delete()
        else:
            lived.update(during="empty")
    at = shared.clock.forward(hours=1)
    assert lines(shared, at, order) == ["Ann"]
    assert lines(shared, at, order, timezone.now()) == []
    connection.check_constraints()


@pytest.mark.parametrize("order", Order)
def test_whom_another_organization_has_is_nobody_here(shared: World, order: Order) -> None:
    """As no act would lay the rows: his life, and what is assigned to him, are of this one."""
    give(shared, person(shared, "ann"))
    given = give(shared, person(shared, "bob"))
    eve = person(shared, "eve", tenant=shared.acme)
    with tenant_scope(shared.acme.id):
        UserActivity.objects.filter(user=eve).update(during="empty")
    with tenant_scope(shared.globex.id):
        UserActivity.objects.create(tenant=shared.globex, user=eve, during=(shared.clock.at, None))
        Assignment.objects.filter(id=given.id).update(user=eve)
    assert lines(shared, shared.clock.forward(hours=1), order) == ["Ann"]
