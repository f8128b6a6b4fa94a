"""What was done is taken back from the message that tells of it: by the opposite act, with all its rules."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships
from tenants.models import Group, GroupPlacement, Membership, User
from tests.applications.story import Party, party, person
from tests.support.factories import SYSTEM, make_group, make_user
from tests.support.forms import Forms


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def kim(acme: Party) -> User:
    return make_user(acme.tenant, "kim", at=timezone.now())


@pytest.fixture
def group(acme: Party, kim: User) -> Group:
    return make_group(acme.tenant, "Day", members=(kim,), at=timezone.now())


def undone(browser: Client, answer: Any) -> Any:
    """Follow to the next page, and press the button of its message."""
    assert answer.status_code == 302, answer.content[:2000]
    page = browser.get(answer["Location"]).content.decode()
    _head, _, rest = page.partition('<form class="notice-undo" method="post" action="')
    assert rest, page[:3000]
    address = rest.partition('"')[0].replace("&amp;", "&")
    (form,) = Forms(f'<form method="post">{rest.partition(">")[2].partition("</form>")[0]}</form>').found
    return browser.post(address, form)


def members(acme: Party, group: Group) -> list[tuple[str, Any]]:
    with tenant_scope(acme.tenant.id):
        rows = Membership.objects.not_over(timezone.now()).filter(group=group).select_related("user")
        return [(row.user.username, row.during.upper) for row in rows]


@pytest.mark.parametrize("until", [None, timezone.now().replace(second=0, microsecond=0) + timedelta(days=9)])
def test_a_member_who_was_removed(acme: Party, group: Group, kim: User, until: Any) -> None:
    with tenant_scope(acme.tenant.id):
        memberships.set_end(
            tenant=acme.tenant, group_id=group.pk, user_id=kim.pk, ends_at=until, by=SYSTEM, at=timezone.now()
        )
    removed = acme.post(f"groups/{group.pk}/members/{kim.pk}/remove")
    assert members(acme, group) == []
    assert undone(acme.client, removed).status_code == 302
    assert members(acme, group) == [("kim", until)]


def test_what_a_form_cannot_say_is_not_offered(acme: Party, group: Group, kim: User) -> None:
    until = timezone.now().replace(second=7, microsecond=0) + timedelta(days=9)
    with tenant_scope(acme.tenant.id):
        memberships.set_end(
            tenant=acme.tenant, group_id=group.pk, user_id=kim.pk, ends_at=until, by=SYSTEM, at=timezone.now()
        )
    removed = acme.post(f"groups/{group.pk}/members/{kim.pk}/remove")
    assert "notice-undo" not in acme.client.get(removed["Location"]).content.decode()


def test_a_group_that_was_moved(acme: Party, group: Group) -> None:
    top = make_group(acme.tenant, "Top", at=timezone.now())
    moved = acme.post(f"groups/{group.pk}/move", parent=str(top.pk), revision=group.revision)
    with tenant_scope(acme.tenant.id):
        assert GroupPlacement.objects.not_over(timezone.now()).filter(group=group, parent=top).exists()
    back = undone(acme.client, moved)
    assert back.status_code == 302
    with tenant_scope(acme.tenant.id):
        assert not GroupPlacement.objects.not_over(timezone.now()).filter(group=group).exists()


def test_not_over_what_another_did_meanwhile(acme: Party, group: Group) -> None:
    top = make_group(acme.tenant, "Top", at=timezone.now())
    moved = acme.post(f"groups/{group.pk}/move", parent=str(top.pk), revision=group.revision)
    with tenant_scope(acme.tenant.id):
        groups.rename(tenant=acme.tenant, group_id=group.pk, name="Other", by=SYSTEM, at=timezone.now())
    back = undone(acme.client, moved)
    assert "changed meanwhile" in back.content.decode()
    with tenant_scope(acme.tenant.id):
        assert GroupPlacement.objects.not_over(timezone.now()).filter(group=group, parent=top).exists()


def test_a_role_that_was_withdrawn(acme: Party, kim: User) -> None:
    with tenant_scope(acme.tenant.id):
        row = assignments.assign(
            tenant=acme.tenant,
            wanted=Wanted(role="user-reader", application_id="iam-portal", user_id=kim.pk),
            by=SYSTEM,
            at=timezone.now(),
        )
    withdrawn = acme.post(f"assignments/{row.pk}/withdraw")
    assert undone(acme.client, withdrawn).status_code == 302
    with tenant_scope(acme.tenant.id):
        living = Assignment.objects.not_over(timezone.now()).filter(user=kim)
        assert [one.application_role.key for one in living] == ["user-reader"]


def test_under_the_permission_of_the_opposite_act(acme: Party, group: Group, kim: User) -> None:
    """Whoever lost the right meanwhile, or never had it, is refused as on that page."""
    removed = acme.post(f"groups/{group.pk}/members/{kim.pk}/remove")
    reader = person(acme, "rosa", "user-reader", "user")
    reader.cookies["messages"] = removed.cookies["messages"].value
    assert undone(reader, removed).status_code == 403
    assert members(acme, group) == []
