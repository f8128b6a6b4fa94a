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
from accesscontrol.actions.administrators import LastAdministrator, require_administrator
from accesscontrol.actions.assignments import Wanted
from accesscontrol.gate import permissions
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
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

    def give(self, **principal: Any) -> Assignment:
        wanted = Wanted(role=ADMINISTRATOR, application_id=PORTAL_ID, **principal)
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


MEETINGS = [each_other, both_deleted, both_leave, both_groups_move, both_groups_end, every_way]


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_of_several_at_once_one_stays(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, meeting: Callable[[Office], list[Act]]
) -> None:
    """Each waits for the others after it has asked, before it commits: all would be told yes."""
    office = make_office()
    acts = meeting(office)
    asked = threading.Barrier(len(acts))

    def ask_and_wait(**named: Any) -> None:
        require_administrator(**named)
        with contextlib.suppress(threading.BrokenBarrierError):
            asked.wait(1)

    for module in (receivers, assignments):
        monkeypatch.setattr(module, "require_administrator", ask_and_wait)
    outcomes = at_once(*acts)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, DomainError):
            raise outcome
    assert any(isinstance(outcome, LastAdministrator) for outcome in outcomes)
    assert office.administrators()
