"""Somebody at the doors of a process, and another connection that changes what the portal declares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from accesscontrol import at_the_door, gate
from accesscontrol import facts as load
from iam_portal.gate import Actor, Permission
from iam_portal.walls import tenant_scope
from tenants.models import Tenant, User
from tests.benchmarks.measuring import counting
from tests.support.database import owner_connection
from tests.support.factories import make_tenant, make_user
from tests.support.knocking import give

READ_USERS = gate.asked_of(Permission.parse("Users:read"))
READ_JOBS = gate.asked_of(Permission.parse("Jobs:read"))
_OF_READER = """
FROM applications_applicationrole r, applications_resource s
WHERE r.application_id = 'iam-portal' AND r.key = 'user-reader'
    AND s.application_id = 'iam-portal' AND s.key = '{resource}'
"""
HERE = _OF_READER.format(resource="Users") + "AND p.role_id = r.id AND p.resource_id = s.id"
TAKE = f"UPDATE applications_rolepermission p SET during = 'empty' {HERE}"
GIVE = f"UPDATE applications_rolepermission p SET during = '[2020-01-01,)' {HERE}"
ADD = "INSERT INTO applications_rolepermission (role_id, resource_id, privilege, during)"
ADD += f" SELECT r.id, s.id, 'read', '[2020-01-01,)' {_OF_READER.format(resource='Jobs')}"


@dataclass
class House:
    """Somebody who may read users, as a process answers him, and another connection."""

    tenant: Tenant
    user: User
    other: psycopg.Connection

    def held(self, at: datetime | None = None) -> set[Any]:
        actor = Actor("user", str(self.user.id), "jane", self.tenant.id)
        return gate.permissions(actor=actor, tenant_id=self.tenant.id, at=at or datetime.now(UTC))

    def door(self) -> at_the_door.Door:
        with tenant_scope(self.tenant.id):
            door = at_the_door.facts(load.Principal(self.tenant.id, user_id=self.user.id))
        assert door is not None
        return door

    def change(self, statement: str) -> None:
        assert self.other.execute(statement).rowcount == 1
        self.other.commit()

    def sent(self) -> int:
        with tenant_scope(self.tenant.id), counting() as sent:
            self.door()
        return len(sent)


@contextmanager
def standing() -> Iterator[House]:
    at = datetime.now(UTC)
    tenant = make_tenant(at=at)
    user = make_user(tenant, at=at)
    give(tenant, "user-reader", user_id=user.id)
    with owner_connection() as other:
        yield House(tenant, user, other)


def same(house: House) -> None:
    """A process that begins now says what this one says, which had something kept."""
    ours = house.door()
    at_the_door.forget()
    fresh = house.door()
    assert ours.sharing == fresh.sharing
    assert ours.book.roles() == fresh.book.roles()
    assert ours.principal == fresh.principal
