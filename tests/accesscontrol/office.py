"""An organization of two people, and the ways by which an administrator goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.gate import permissions
from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, groups, memberships, users
from tenants.models import Group, Tenant, User
from tests.support.factories import SYSTEM, acting, make_group, make_tenant, make_user

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
