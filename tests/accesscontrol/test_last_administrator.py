"""Somebody can always hand out roles, whoever goes, by whatever act, and however many act at once."""

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accesscontrol import receivers
from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.administrators import LastAdministrator, watch
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.gate import RESOURCE_TYPE
from applications.models.applications import PORTAL_ID
from iam_portal.errors import DomainError
from tenants.actions import deletion, groups, memberships, users
from tenants.models import Group
from tests.accesscontrol.office import (
    AT,
    BORN,
    WAYS,
    Act,
    Office,
    make_office,
)
from tests.support.factories import SYSTEM
from tests.tenants.conftest import at_once


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


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


def test_a_role_of_the_tenants_making_does_not_stand_in(office: Office) -> None:
    """With it Joe may change roles, and could never hand out again what Jane could."""
    office.give(user_id=office.jane.id)
    held = [(PORTAL_ID, RESOURCE_TYPE, "Roles", privilege) for privilege in ("read", "modify")]
    made = Definition(key="keeper", name="Keeper", description="", permissions=held)
    tenant_roles.define(tenant=office.tenant, definition=made, by=SYSTEM, at=BORN)
    wanted = Wanted(role="keeper", application_id=None, user_id=office.joe.id)
    assignments.assign(tenant=office.tenant, wanted=wanted, by=SYSTEM, at=BORN)
    assert office.administrators() == {"jane", "joe"}
    with pytest.raises(LastAdministrator):
        office.act(users.deactivate, by=office.joe, user_id=office.jane.id)()


def test_who_has_ended_at_a_later_moment_counts_no_more(office: Office) -> None:
    """The act that came first to the door can come last to the lock."""
    office.give(user_id=office.jane.id)
    office.give(user_id=office.joe.id)
    soon = AT + timedelta(seconds=2)
    office.act(users.deactivate, by=office.jane, at=soon, user_id=office.joe.id)()
    with pytest.raises(LastAdministrator):
        office.act(users.deactivate, by=office.joe, user_id=office.jane.id)()


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
