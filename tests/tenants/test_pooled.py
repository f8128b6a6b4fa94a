"""Fifty organizations at once through pgbouncer, four connections for all: nobody finds another's rows."""

import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import environ
import pytest
from django.db import DatabaseError, connection, connections
from psycopg.conninfo import make_conninfo

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import groups
from tenants.models import Group, Tenant, User
from tests.support import database, machines
from tests.support.factories import NOW, SYSTEM, make_tenant, make_user

TENANTS, TURNS = 50, 10


@dataclass(frozen=True)
class Given:
    """The tests' own database."""

    environment: Mapping[str, str]


@pytest.fixture
def pooled(committed_db: None) -> Iterator[None]:
    """Every thread's connection of the web goes through the pooler; one that a test kills is made anew."""
    if machines.pooler() is None:
        if os.environ.get("CI"):
            pytest.fail("pgbouncer is missing in CI")
        pytest.skip("pgbouncer is not installed (Debian: pgbouncer)")
    settings = connections.settings["default"]
    kept = {**settings, "OPTIONS": {**settings["OPTIONS"]}}
    with database.owner_connection() as owner:
        given = Given({"DATABASE_OWNER_URL": make_conninfo(owner.info.dsn)})
        folder = machines.beside(given)
        child, address = machines.start_pooler(given, folder)
    deadline = time.monotonic() + 20
    while not any((folder / "pooler").glob(".s.PGSQL.*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    database.point("default", environ.Env.db_url_config(address))
    try:
        yield
    finally:
        connections.close_all()
        settings.update(kept)
        child.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class House:
    """One organization, what must be in it, and whatever of another was seen."""

    tenant: Tenant
    user: User
    others: list[UUID]
    dice: random.Random
    groups: set[str] = field(default_factory=set)
    leaks: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def run(self, begin: threading.Barrier) -> "House":
        begin.wait(60)
        acts = [self.read, self.write, self.undo, self.fail, self.look, self.cross, self.nest, self.die]
        try:
            for number in range(TURNS):
                act = acts[number] if number < len(acts) else self.dice.choice(acts[:-1])
                act()
                self.done[act.__name__] += 1
        finally:
            connection.close()
        return self

    def see(self, *, own: bool) -> None:
        """Which rows there are, and that none is anybody else's."""
        seen = [
            *User.objects.values_list("tenant_id", flat=True),
            *Group.objects.values_list("tenant_id", flat=True),
        ]
        if set(seen) - ({self.tenant.id} if own else set()):
            self.leaks.append(f"{self.tenant.slug} sees {len(seen)} rows, own={own}")
        if own and set(Group.objects.values_list("name", flat=True)) != self.groups:
            self.leaks.append(f"{self.tenant.slug} misses its own")

    def read(self) -> None:
        with tenant_scope(self.tenant.id):
            self.see(own=True)

    def look(self) -> None:
        """What somebody forgot to scope, on a connection that others have used."""
        self.see(own=False)

    def write(self) -> None:
        name = f"Group {len(self.groups)}"
        with tenant_scope(self.tenant.id):
            groups.create(tenant=self.tenant, name=name, parent_id=None, by=SYSTEM, at=NOW)
        self.groups.add(name)
        self.read()

    def undo(self) -> None:
        with suppress(ZeroDivisionError), tenant_scope(self.tenant.id):
            groups.create(tenant=self.tenant, name="Undone", parent_id=None, by=SYSTEM, at=NOW)
            raise ZeroDivisionError
        self.look()
        self.read()

    def fail(self) -> None:
        """An error of the database in the middle, within a scope and across."""
        for scope in (tenant_scope(self.tenant.id), cross_tenant()):
            with suppress(DatabaseError), scope:
                Group.objects.raw("SELECT nonsense")[0]
        self.look()

    def cross(self) -> None:
        with tenant_scope(self.tenant.id):
            with cross_tenant():
                found = User.objects.values("tenant_id").distinct().count()
            if found < TENANTS:
                self.leaks.append(f"across: {found}")
            self.see(own=True)
        self.look()

    def nest(self) -> None:
        """Another's scope in ours, as an act between two has; then ours again."""
        other = self.dice.choice(self.others)
        with tenant_scope(self.tenant.id):
            with tenant_scope(other):
                if set(User.objects.values_list("tenant_id", flat=True)) != {other}:
                    self.leaks.append("nested")
            self.see(own=True)

    def die(self) -> None:
        """The server's process ends in the middle of a transaction: the pooler makes another for the next."""
        with suppress(DatabaseError), tenant_scope(self.tenant.id), connection.cursor() as cursor:
            groups.create(tenant=self.tenant, name="Undone", parent_id=None, by=SYSTEM, at=NOW)
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.close()
        self.read()


def test_fifty_organizations_at_once_never_see_each_other(pooled: None) -> None:
    tenants = [make_tenant(f"pooled-{number}") for number in range(TENANTS)]
    ids = [tenant.id for tenant in tenants]
    houses = [
        House(tenant, make_user(tenant), [*{*ids} - {tenant.id}], random.Random(number))
        for number, tenant in enumerate(tenants)
    ]
    connection.close()
    begin = threading.Barrier(TENANTS)
    with ThreadPoolExecutor(TENANTS) as pool:
        done = list(pool.map(lambda house: house.run(begin), houses))
    assert [leak for house in done for leak in house.leaks] == []
    assert sum((house.done for house in done), Counter()).total() == TENANTS * TURNS
    with cross_tenant():
        kept = set(Group.objects.values_list("tenant_id", "name"))
    assert kept == {(house.tenant.id, name) for house in houses for name in house.groups}
