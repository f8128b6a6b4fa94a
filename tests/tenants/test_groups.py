"""The tree of groups: no loops, spans instead of deletion, and upper apps are asked."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from iam_portal.errors import Forbidden, NotFound
from iam_portal.walls import tenant_scope
from tenants import policies, signals
from tenants.actions import groups, memberships, users
from tenants.models import Group, GroupPlacement, Membership
from tests.support.factories import NOW, SYSTEM, listening, make_group, make_tenant, make_user
from tests.tenants.conftest import at_once, history_of

LATER = NOW + timedelta(hours=1)
ACT = {"by": SYSTEM, "at": NOW}


def parent_of(group, at=NOW):
    placement = GroupPlacement.objects.at(at).filter(group=group).select_related("parent").first()
    return placement and placement.parent


def test_a_group_hangs_where_it_was_put_and_the_past_stays(in_acme):
    top, other = make_group(in_acme, "Top"), make_group(in_acme, "Other")
    group = make_group(in_acme, "Team", parent=top)
    groups.move(tenant=in_acme, group_id=group.id, parent_id=other.id, by=SYSTEM, at=LATER)
    assert (parent_of(group), parent_of(group, LATER)) == (top, other)
    groups.move(tenant=in_acme, group_id=group.id, parent_id=None, by=SYSTEM, at=LATER)
    assert parent_of(group, LATER) is None
    assert history_of(in_acme)[-2:] == ["group.moved", "group.moved"]


def test_moving_to_the_same_place_changes_nothing(in_acme):
    top = make_group(in_acme, "Top")
    group = make_group(in_acme, "Team", parent=top)
    before = history_of(in_acme)
    groups.move(tenant=in_acme, group_id=group.id, parent_id=top.id, by=SYSTEM, at=LATER)
    assert history_of(in_acme) == before


@pytest.mark.parametrize("to", ["itself", "child", "grandchild"])
def test_a_group_never_stands_below_itself(in_acme, to):
    top = make_group(in_acme, "Top")
    child = make_group(in_acme, "Child", parent=top)
    grandchild = make_group(in_acme, "Grandchild", parent=child)
    target = {"itself": top, "child": child, "grandchild": grandchild}[to]
    with pytest.raises(groups.GroupLoop):
        groups.move(tenant=in_acme, group_id=top.id, parent_id=target.id, **ACT)
    assert parent_of(top) is None
    assert parent_of(grandchild) == child


@pytest.mark.parametrize("_", range(3))
def test_two_moves_at_once_close_no_loop(committed_db, _):
    acme = make_tenant("acme")
    left, right = make_group(acme, "Left"), make_group(acme, "Right")

    def move(group, parent):
        with tenant_scope(acme.id):
            return groups.move(tenant=acme, group_id=group.id, parent_id=parent.id, **ACT)

    results = at_once(lambda: move(left, right), lambda: move(right, left))
    assert sorted(type(result).__name__ for result in results) == ["Group", "GroupLoop"]


def test_a_longer_loop_closed_by_two_is_refused_by_the_trigger_alone(committed_db):
    """No group is locked by both: only the lock of the tree keeps the two apart."""
    acme = make_tenant("acme")
    one, two, three, four = (make_group(acme, name) for name in ("One", "Two", "Three", "Four"))
    with tenant_scope(acme.id):
        groups.move(tenant=acme, group_id=two.id, parent_id=one.id, **ACT)
        groups.move(tenant=acme, group_id=four.id, parent_id=three.id, **ACT)

    def move(group, parent):
        with tenant_scope(acme.id):
            return groups.move(tenant=acme, group_id=group.id, parent_id=parent.id, **ACT)

    results = at_once(lambda: move(one, four), lambda: move(three, two))
    assert sorted(type(result).__name__ for result in results) == ["Group", "GroupLoop"]


def test_names_are_unique_among_living_groups(in_acme, neighbour):
    group = make_group(in_acme, "Team")
    make_group(neighbour, "Team")
    with pytest.raises(ValidationError):
        make_group(in_acme, "TEAM")
    with pytest.raises(IntegrityError, match="group_name_once"), transaction.atomic():
        Group.objects.create(tenant=in_acme, name="team", during=(NOW, None))
    groups.delete(tenant=in_acme, group_id=group.id, **ACT)
    assert make_group(in_acme, "Team"), "free again, even in the same moment"


def test_rename(in_acme):
    group = make_group(in_acme, "Team")
    groups.rename(tenant=in_acme, group_id=group.id, name="Crew", revision=1, **ACT)
    with pytest.raises(policies.Stale):
        groups.rename(tenant=in_acme, group_id=group.id, name="Squad", revision=1, **ACT)
    assert Group.objects.get().name == "Crew"


def test_deleting_closes_memberships_and_place_and_tells_the_apps_above(in_acme):
    top = make_group(in_acme, "Top")
    group = make_group(in_acme, "Team", parent=top, members=(make_user(in_acme),))
    with listening(signals.group_deleted) as heard:
        groups.delete(tenant=in_acme, group_id=group.id, by=SYSTEM, at=LATER)
    assert [told["group"].id for told in heard] == [group.id]
    for rows in (Membership.objects, GroupPlacement.objects, Group.objects.filter(pk=group.pk)):
        assert not rows.at(LATER).exists()
        assert rows.at(NOW).exists(), "the past stays as it was"
    with pytest.raises(NotFound):
        groups.rename(tenant=in_acme, group_id=group.id, name="X", by=SYSTEM, at=LATER)


def test_a_group_with_groups_below_is_not_deleted_silently(in_acme):
    top = make_group(in_acme, "Top")
    make_group(in_acme, "Team", parent=top)
    with pytest.raises(groups.HasSubgroups) as refused:
        groups.delete(tenant=in_acme, group_id=top.id, **ACT)
    assert refused.value.data == {"subgroups": ["Team"]}


def test_members_come_and_go(in_acme):
    user = make_user(in_acme)
    group = make_group(in_acme)
    pair = {"tenant": in_acme, "group_id": group.id, "user_id": user.id}
    memberships.add(**pair, **ACT)
    with pytest.raises(memberships.AlreadyMember):
        memberships.add(**pair, by=SYSTEM, at=LATER)
    memberships.remove(**pair, by=SYSTEM, at=LATER)
    with pytest.raises(memberships.NotMember):
        memberships.remove(**pair, by=SYSTEM, at=LATER)
    assert not Membership.objects.at(LATER).exists()
    assert memberships.add(**pair, by=SYSTEM, at=LATER)
    assert history_of(in_acme)[-3:] == ["group.member_added", "group.member_removed", "group.member_added"]


def test_an_inactive_user_joins_nothing(in_acme):
    user = make_user(in_acme)
    users.deactivate(tenant=in_acme, user_id=user.id, **ACT)
    with pytest.raises(users.UserInactive):
        make_group(in_acme, members=(user,))


def test_may_grant_is_asked_before_anybody_gains_something(in_acme):
    user = make_user(in_acme)
    top, group = make_group(in_acme, "Top"), make_group(in_acme, "Team")

    def refuse(**carried):
        raise Forbidden("no")

    with listening(signals.membership_changing, refuse) as asked:
        with pytest.raises(Forbidden):
            memberships.add(tenant=in_acme, group_id=group.id, user_id=user.id, **ACT)
        with pytest.raises(Forbidden):
            groups.move(tenant=in_acme, group_id=group.id, parent_id=top.id, **ACT)
        with pytest.raises(Forbidden):
            groups.create(tenant=in_acme, name="New", parent_id=top.id, **ACT)
    told = [([user.username for user in call["users"]], call["group"].name, call["parent"]) for call in asked]
    assert told == [(["jane"], "Team", None), ([], "Team", top), ([], "New", top)]
    assert not Membership.objects.exists()
    assert parent_of(group) is None


def test_foreign_groups_and_users_are_not_found(acme, neighbour):
    stranger, theirs = make_user(neighbour), make_group(neighbour)
    user, ours = make_user(acme), make_group(acme)
    with tenant_scope(acme.id):
        for group_id, user_id in ((theirs.id, user.id), (ours.id, stranger.id)):
            with pytest.raises(NotFound):
                memberships.add(tenant=acme, group_id=group_id, user_id=user_id, **ACT)
        with pytest.raises(NotFound):
            groups.move(tenant=acme, group_id=ours.id, parent_id=theirs.id, **ACT)
        with pytest.raises(NotFound):
            groups.create(tenant=acme, name="X", parent_id=theirs.id, **ACT)
        for act in (groups.rename, groups.delete):
            with pytest.raises(NotFound):
                act(tenant=acme, group_id=theirs.id, **ACT)


def test_the_database_refuses_overlapping_spans(in_acme):
    user = make_user(in_acme)
    top = make_group(in_acme, "Top")
    group = make_group(in_acme, "Team", parent=top, members=(user,))
    span = (LATER, None)
    with pytest.raises(IntegrityError, match="membership_no_overlap"), transaction.atomic():
        Membership.objects.create(tenant=in_acme, group=group, user=user, during=span)
    with pytest.raises(IntegrityError, match="groupplacement_no_overlap"), transaction.atomic():
        GroupPlacement.objects.create(tenant=in_acme, group=group, parent=top, during=span)
    with pytest.raises(IntegrityError, match="groupplacement_not_itself"), transaction.atomic():
        GroupPlacement.objects.create(tenant=in_acme, group=top, parent=top, during=span)


def test_of_two_who_take_a_name_at_once_one_is_told_so(committed_db):
    acme = make_tenant("acme")
    team = make_group(acme, "Team")

    def act(action, **named):
        with tenant_scope(acme.id):
            return action(tenant=acme, **named, **ACT)

    results = at_once(
        lambda: act(groups.create, name="Crew"),
        lambda: act(groups.create, name="crew"),
        lambda: act(groups.rename, group_id=team.id, name="CREW"),
    )
    assert sorted(type(result).__name__ for result in results) == [
        "Group",
        "ValidationError",
        "ValidationError",
    ]


def test_to_take_something_is_asked_for_as_to_give_it_and_told_afterwards(in_acme):
    user = make_user(in_acme)
    top = make_group(in_acme, "Top")
    group = make_group(in_acme, "Team", parent=top, members=(user,))
    acts = [
        (memberships.remove, {"user_id": user.id}, ([user], None)),
        (groups.move, {"parent_id": None}, ([], top)),
        (groups.delete, {}, ([], None)),
    ]

    def refuse(**carried):
        raise Forbidden("no")

    for act, named, expected in acts:
        with listening(signals.membership_changing, refuse) as asked, pytest.raises(Forbidden):
            act(tenant=in_acme, group_id=group.id, **named, by=SYSTEM, at=LATER)
        assert [(call["users"], call["parent"]) for call in asked] == [expected]
    assert Membership.objects.at(LATER).exists()
    assert parent_of(group, LATER) == top
    with listening(signals.membership_removed) as removed, listening(signals.group_moved) as moved:
        for act, named, _ in acts[:2]:
            act(tenant=in_acme, group_id=group.id, **named, by=SYSTEM, at=LATER)
    assert [(told["group"], told["user"]) for told in removed] == [(group, user)]
    assert [told["group"] for told in moved] == [group]
