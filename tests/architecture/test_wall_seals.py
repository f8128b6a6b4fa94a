"""What the second wall believes: the keys of its seals, who reads them, and what runs as the owner."""

import os
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from accesscontrol.models import Assignment
from iam_portal import wall_check, wall_seals
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import User
from tests.architecture.test_walls import OPEN, UNREFERRED, WALLED, rows
from tests.support.factories import NOW, make_tenant, make_user
from tests.support.violations import World

# Functions that run as the owner of the tables: who may call them, and what bounds what they do.
AS_OWNER = {
    "iam_tenant": (
        {"iam_web", "iam_cross"},
        "reads the keys of the wall, tells a tenant that was named with its seal",
    ),
    "iam_crossing": ({"iam_web", "iam_cross"}, "reads the keys of the wall, tells whether its seal was said"),
    "iam_wall_knows": ({"iam_web", "iam_cross"}, "tells whether a process has a key that the wall knows"),
    "iam_erase_person": ({"iam_web"}, "a deleted person of the tenant in scope, who keeps pseudonyms only"),
    "iam_history_drop": ({"iam_cross"}, "a year old at least, anchored, and for the job with its seal"),
    "iam_fold_traces": (
        {"iam_cross"},
        "puts new traces in the place of old ones, forgets none in its time, and for the job with its seal",
    ),
    "iam_history_partition": ({"iam_web", "iam_cross"}, "makes months from the last to one in thirteen"),
    "iam_history_drop_unasked": (set(), "called by iam_history_drop"),
    "iam_erase_person_unasked": (set(), "called by iam_erase_person"),
}


def test_no_table_of_the_catalogue_names_a_tenant_unseen(db: None) -> None:
    """Also those that no model tells of: a reference to tenants, or a column that is called like one."""
    found = rows(
        """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND NOT c.relispartition AND (a.attname LIKE '%%tenant%%' OR EXISTS (
                SELECT FROM pg_constraint r WHERE r.conrelid = c.oid AND a.attnum = ANY (r.conkey)
                    AND r.confrelid = 'tenants_tenant'::regclass))"""
    )
    assert {table for (table,) in found} == set(WALLED) | set(OPEN) | set(UNREFERRED)


def test_a_planted_unscoped_query_finds_nothing(db: None) -> None:
    """The line that somebody will forget one day: no filter, no scope, in every table."""
    with cross_tenant():
        world = World()
        for row in ("placement", "membership", "activity", "link", "session", "history_link", "event"):
            getattr(world, row)
        world.tenant_permission, world.assignment, world.usage  # noqa: B018
        stranger = make_tenant("stranger")
        filled = {table for table in WALLED if rows(f"SELECT FROM {table} LIMIT 1")}
    assert len(filled) >= 12
    shared = {"applications_resource", "applications_resourceplace"}  # static ones are everybody's to see
    for table in filled:
        unscoped = rows(f"SELECT count(*) FROM {table} WHERE {WALLED[table]} IS NOT NULL")
        assert unscoped == [(0,)], table
        with tenant_scope(stranger.id):
            foreign = rows(f"SELECT count(*) FROM {table} WHERE {WALLED[table]} <> %s", stranger.id)
            assert foreign == [(0,)], table
        if table not in shared:
            assert rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_nobody_writes_a_row_of_another_tenant(db: None) -> None:
    with cross_tenant():
        world = World()
        row = world.assignment
    with tenant_scope(world.other.id):
        assert Assignment.objects.filter(pk=row.pk).update(by_name="mallory") == 0
        assert Assignment.objects.filter(pk=row.pk).delete()[0] == 0
    with tenant_scope(world.tenant.id), transaction.atomic():
        assert Assignment.objects.get(pk=row.pk).by_name == "x"
        assert Assignment.objects.get(pk=row.pk).created_at == NOW


def test_what_runs_as_the_owner_is_known_and_bounded(db: None) -> None:
    found = rows(
        """SELECT p.proname, ARRAY(SELECT r FROM unnest(ARRAY['iam_web', 'iam_cross']) r
            WHERE has_function_privilege(r, p.oid, 'EXECUTE')), p.proconfig::text
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"""
    )
    assert {name: set(callers) for name, callers, _ in found} == {
        name: callers for name, (callers, _) in AS_OWNER.items()
    }
    assert all(
        "search_path" in config for _, _, config in found
    )  # else a caller's own path chose what is called


@pytest.mark.parametrize("role", ["iam_web", "iam_cross"])
def test_the_keys_of_the_wall_are_the_owners(db: None, role: str) -> None:
    assert rows("SELECT has_any_column_privilege(%s, 'iam_wall', 'SELECT, INSERT, UPDATE')", role) == [
        (False,)
    ]
    for function in ("iam_sealed(text, text)", "iam_seal_table(regclass)"):
        assert rows("SELECT has_function_privilege(%s, %s, 'EXECUTE')", role, function) == [(False,)]


@pytest.fixture
def another_ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """As a process has that was started with a new key, and with no old one."""
    key = os.urandom(32)
    was = wall_seals.keys()
    wall_seals._seals.cache_clear()
    monkeypatch.setattr(wall_seals, "keys", lambda: (key,))
    yield key
    monkeypatch.setattr(wall_seals, "keys", lambda: was)
    wall_seals._seals.cache_clear()


def test_a_ring_that_the_wall_does_not_know_sees_nothing_and_is_told(
    committed_db: None, another_ring: bytes
) -> None:
    """And is believed as soon as the owner has said so; who has the old ring alone is not, any more."""
    assert set(wall_check.gaps(connection)) == {"iam.E015"}
    call_command("seal_wall")
    assert wall_check.gaps(connection) == {}
    tenant = make_tenant()
    make_user(tenant)
    with tenant_scope(tenant.id):
        assert User.objects.count() == 1
    assert sealed_by() == [another_ring]
    assert "iam.W032" not in wall_check.loose(connection)


def test_while_no_key_is_kept_an_older_release_goes_on(committed_db: None, another_ring: bytes) -> None:
    """It says no seal; the check warns until `seal_wall` was run."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM iam_wall")  # the fixture puts it back
    tenant = make_tenant()
    make_user(tenant)
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('iam.seal', '', true)")
        assert User.objects.count() == 1
    assert "iam.W031" in wall_check.loose(connection)
    assert wall_check.gaps(connection) == {}


def sealed_by() -> list[bytes]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT key FROM iam_wall")
        return [bytes(key) for (key,) in cursor.fetchall()]
