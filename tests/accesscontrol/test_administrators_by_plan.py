"""Who administers until tomorrow does not stand in for one who does for good."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accesscontrol.actions.administrators import LastAdministrator, watch
from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, memberships, users
from tests.accesscontrol.office import AT, BORN, WAYS, Act, Office, deactivated, deleted, make_office
from tests.support.factories import make_user


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


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
