"""Somebody can always hand out roles, whoever goes, by whatever act, and however many act at once."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesscontrol import receivers
from accesscontrol.actions import assignments
from accesscontrol.actions.administrators import LastAdministrator, watch
from accesscontrol.actions.assignments import Wanted
from accesscontrol.gate import permissions
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, groups, memberships, users
from tenants.models import Group, Tenant, User
from tests.support.factories import SYSTEM, acting, make_group, make_tenant, make_user
from tests.tenants.conftest import at_once

BORN = datetime.now(UTC) + timedelta(hours=1)
AT = BORN + timedelta(hours=1)
ADMINISTRATOR = "access-manager"
Act = Callable[[], Any]


@dataclass
class Office:
    """Two people. How they administer, each test says."""

    tenant: Tenant
    jane: User
    joe: User

    def give(self, **named: Any) -> Assignment:
        wanted = Wanted(role=ADMINISTRATOR, application_id=PORTAL_ID, **named)
        return assignments.assign(tenant=self.tenant, wanted=wanted, by=SYSTEM, at=BORN)

    def group(self, name: str, *members: User, parent: Group | None = None) -> Group:
        return make_group(self.tenant, name, parent=parent, members=members, at=BORN)

    def act(
        self, action: Callable[..., Any], *, by: User | None = None, at: datetime = AT, **named: Any
    ) -> Act:
        """The action, as a page would run it."""

        def run() -> Any:
            with tenant_scope(self.tenant.id):
                return action(tenant=self.tenant, by=acting(by) if by else SYSTEM, at=at, **named)

        return run

    def administrators(self) -> set[str]:
        wanted = ("urn:iam:portal", "Roles", "modify")
        after = AT + timedelta(hours=1)
        people = (self.jane, self.joe)
        found = [(u, permissions(actor=acting(u), tenant_id=self.tenant.id, at=after)) for u in people]
        return {user.username for user, held in found if wanted in held}


def make_office() -> Office:
    tenant = make_tenant("acme", at=BORN)
    return Office(tenant, make_user(tenant, "jane", at=BORN), make_user(tenant, "joe", at=BORN))


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


# --- the only one goes --------------------------------------------------------------------------------


def only_member(o: Office) -> Act:
    board = o.group("Board", o.jane)
    o.give(group_id=board.id)
    return o.act(memberships.remove, group_id=board.id, user_id=o.jane.id)


def only_member_below(o: Office) -> Act:
    board = o.group("Board")
    team = o.group("Team", o.jane, parent=board)
    o.give(group_id=board.id)
    return o.act(memberships.remove, group_id=team.id, user_id=o.jane.id)


def group_out_of_its_parent(o: Office) -> Act:
    board = o.group("Board")
    team = o.group("Team", o.jane, parent=board)
    o.give(group_id=board.id)
    return o.act(groups.move, group_id=team.id, parent_id=None)


def group_elsewhere(o: Office) -> Act:
    board, other = o.group("Board"), o.group("Other")
    team = o.group("Team", parent=board)
    o.group("Crew", o.jane, parent=team)
    o.give(group_id=board.id)
    return o.act(groups.move, group_id=team.id, parent_id=other.id)


def group_ended(o: Office) -> Act:
    board = o.group("Board")
    team = o.group("Team", o.jane, parent=board)
    o.give(group_id=board.id)
    return o.act(groups.delete, group_id=team.id)


def role_withdrawn(o: Office) -> Act:
    board = o.group("Board")
    o.group("Team", o.jane, parent=board)
    return o.act(assignments.withdraw, assignment_id=o.give(group_id=board.id).id)


def deactivated(o: Office) -> Act:
    o.give(user_id=o.jane.id)
    return o.act(users.deactivate, user_id=o.jane.id)


def deleted(o: Office) -> Act:
    o.give(user_id=o.jane.id)
    return o.act(deletion.delete, user_id=o.jane.id)


WAYS = [
    only_member,
    only_member_below,
    group_out_of_its_parent,
    group_elsewhere,
    group_ended,
    role_withdrawn,
    deactivated,
    deleted,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_only_administrator_stays(office: Office, way: Callable[[Office], Act]) -> None:
    act = way(office)
    with pytest.raises(LastAdministrator):
        act()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_beside_another_one_he_may_go(office: Office, way: Callable[[Office], Act]) -> None:
    """The other is one by a group far above him, which counts as well."""
    act = way(office)
    above = office.group("Above")
    office.group("Far below", office.joe, parent=office.group("Below", parent=above))
    office.give(group_id=above.id)
    act()
    assert office.administrators() == {"joe"}


def test_who_has_ended_at_a_later_moment_counts_no_more(office: Office) -> None:
    """The act that came first to the door can come last to the lock."""
    office.give(user_id=office.jane.id)
    office.give(user_id=office.joe.id)
    soon = AT + timedelta(seconds=2)
    office.act(users.deactivate, by=office.jane, at=soon, user_id=office.joe.id)()
    with pytest.raises(LastAdministrator):
        office.act(users.deactivate, by=office.joe, user_id=office.jane.id)()


# --- administrators by plan --------------------------------------------------------------------------

TOMORROW, IN_A_WEEK = AT + timedelta(days=1), AT + timedelta(days=7)


def joe_by_a_membership_that_ends(o: Office) -> None:
    board = o.group("Board")
    o.give(group_id=board.id)
    o.act(memberships.add, group_id=board.id, user_id=o.joe.id, at=BORN, ends_at=TOMORROW)()


def joe_below_a_group_whose_role_ends(o: Office) -> None:
    board = o.group("Board")
    o.group("Team", o.joe, parent=board)
    o.give(group_id=board.id, ends_at=TOMORROW)


def joe_by_a_role_that_ends(o: Office) -> None:
    o.give(user_id=o.joe.id, ends_at=TOMORROW)


def joe_by_a_role_that_begins_too_late(o: Office) -> None:
    o.give(user_id=o.joe.id, ends_at=TOMORROW)
    board = o.group("Board")
    o.give(group_id=board.id)
    o.act(
        memberships.add, group_id=board.id, user_id=o.joe.id, at=BORN, starts_at=TOMORROW + timedelta(hours=1)
    )()


UNTIL_TOMORROW = [
    joe_by_a_membership_that_ends,
    joe_below_a_group_whose_role_ends,
    joe_by_a_role_that_ends,
    joe_by_a_role_that_begins_too_late,
]


@pytest.mark.parametrize("plan", UNTIL_TOMORROW, ids=lambda plan: plan.__name__)
@pytest.mark.parametrize("way", [deactivated, deleted], ids=lambda way: way.__name__)
def test_who_administers_until_tomorrow_does_not_stand_in(
    office: Office, plan: Callable[[Office], None], way: Callable[[Office], Act]
) -> None:
    plan(office)
    act = way(office)
    with pytest.raises(LastAdministrator, match=f"from {rfc3339(TOMORROW)} on"):
        act()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nor_does_it_help_whatever_way_the_other_goes(office: Office, way: Callable[[Office], Act]) -> None:
    act = way(office)
    joe_by_a_role_that_ends(office)
    with pytest.raises(LastAdministrator, match=f"from {rfc3339(TOMORROW)} on"):
        act()


def test_a_chain_of_administrators_without_a_gap_is_enough(office: Office) -> None:
    office.give(user_id=office.jane.id)
    office.give(user_id=office.joe.id, ends_at=TOMORROW)
    board = office.group("Board")
    office.give(group_id=board.id)
    kim = make_user(office.tenant, "kim", at=BORN)
    joins = office.act(memberships.add, group_id=board.id, user_id=kim.id, at=BORN, starts_at=TOMORROW)
    joins()
    office.act(deletion.delete, user_id=office.jane.id)()
    with pytest.raises(LastAdministrator):  # now the chain hangs on each
        office.act(memberships.remove, group_id=board.id, user_id=kim.id)()
    with pytest.raises(LastAdministrator):
        office.act(users.deactivate, user_id=office.joe.id)()


def test_the_last_membership_gets_no_end(office: Office) -> None:
    board = office.group("Board", office.jane, office.joe)
    office.give(group_id=board.id)
    end = office.act(memberships.set_end, group_id=board.id, user_id=office.joe.id, ends_at=TOMORROW)
    end()
    with pytest.raises(LastAdministrator, match="from"):
        office.act(memberships.set_end, group_id=board.id, user_id=office.jane.id, ends_at=IN_A_WEEK)()


def test_where_all_ends_anyway_others_may_go(office: Office) -> None:
    """Nobody is to be kept from work by what had an end before: it must only get no worse."""
    office.give(user_id=office.jane.id, ends_at=IN_A_WEEK)
    board = office.group("Board")
    office.give(group_id=board.id)
    join = office.act(memberships.add, group_id=board.id, user_id=office.joe.id, ends_at=TOMORROW)
    join()
    office.act(memberships.remove, group_id=board.id, user_id=office.joe.id, at=AT + timedelta(minutes=1))()
    kim = make_user(office.tenant, "kim", at=BORN)
    office.act(users.deactivate, user_id=kim.id)()
    with pytest.raises(LastAdministrator, match="Nobody here"):
        office.act(users.deactivate, user_id=office.jane.id)()


def test_it_is_asked_in_as_many_statements_in_a_large_company(
    office: Office, django_assert_max_num_queries: Any
) -> None:
    board = office.group("Board")
    office.give(group_id=board.id)
    below = board
    for number in range(6):
        below = office.group(f"G{number}", make_user(office.tenant, f"u{number}", at=BORN), parent=below)
    with tenant_scope(office.tenant.id), django_assert_max_num_queries(6):
        watch(tenant=office.tenant, at=AT)


# --- two at once --------------------------------------------------------------------------------------


def each_other(o: Office) -> list[Act]:
    for user in (o.jane, o.joe):
        o.give(user_id=user.id)
    pairs = ((o.jane, o.joe), (o.joe, o.jane))
    return [o.act(users.deactivate, by=by, user_id=user.id) for by, user in pairs]


def both_deleted(o: Office) -> list[Act]:
    """Not by each other: who is deleted first could not delete any more."""
    for user in (o.jane, o.joe):
        o.give(user_id=user.id)
    return [o.act(deletion.delete, user_id=user.id) for user in (o.jane, o.joe)]


def two_groups(o: Office) -> list[Group]:
    board = o.group("Board")
    o.give(group_id=board.id)
    return [o.group("One", o.jane, parent=board), o.group("Two", o.joe, parent=board)]


def both_leave(o: Office) -> list[Act]:
    pairs = zip(two_groups(o), (o.jane, o.joe), strict=True)
    return [o.act(memberships.remove, group_id=group.id, user_id=user.id) for group, user in pairs]


def both_groups_move(o: Office) -> list[Act]:
    return [o.act(groups.move, group_id=group.id, parent_id=None) for group in two_groups(o)]


def both_groups_end(o: Office) -> list[Act]:
    """Not below the same one: the lock of a tree would keep the two apart already."""
    apart = [o.group("One", o.jane), o.group("Two", o.joe)]
    for group in apart:
        o.give(group_id=group.id)
    return [o.act(groups.delete, group_id=group.id) for group in apart]


def every_way(o: Office) -> list[Act]:
    """Jane is one by a group, Joe by a role of his own."""
    board = o.group("Board")
    team = o.group("Team", o.jane, parent=board)
    o.give(group_id=board.id)
    return [
        o.act(assignments.withdraw, assignment_id=o.give(user_id=o.joe.id).id),
        o.act(groups.move, group_id=team.id, parent_id=None),
        o.act(users.deactivate, user_id=o.jane.id),
        o.act(memberships.remove, group_id=team.id, user_id=o.jane.id),
    ]


def plan_and_leave(o: Office) -> list[Act]:
    """Joe's time is made short while Jane goes because Joe stays."""
    board = o.group("Board", o.joe)
    for principal in ({"group_id": board.id}, {"user_id": o.jane.id}):
        o.give(**principal)
    return [
        o.act(memberships.set_end, group_id=board.id, user_id=o.joe.id, ends_at=AT + timedelta(days=1)),
        o.act(deletion.delete, user_id=o.jane.id),
    ]


MEETINGS = [
    plan_and_leave,
    each_other,
    both_deleted,
    both_leave,
    both_groups_move,
    both_groups_end,
    every_way,
]


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_of_several_at_once_one_stays(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, meeting: Callable[[Office], list[Act]]
) -> None:
    """Each waits for the others after it has asked, before it commits: all would be told yes."""
    office = make_office()
    acts = meeting(office)
    asked = threading.Barrier(len(acts))

    def watch_and_wait(**named: Any) -> Act:
        look_again = watch(**named)

        def again() -> None:
            look_again()
            with contextlib.suppress(threading.BrokenBarrierError):
                asked.wait(1)

        return again

    monkeypatch.setattr(receivers, "watch", watch_and_wait)
    outcomes = at_once(*acts)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, DomainError):
            raise outcome
    assert any(isinstance(outcome, LastAdministrator) for outcome in outcomes)
    assert office.administrators()
