"""What a login may really do: asked by `check --database default` and by /readyz, and mended by migrate."""

from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client as Browser
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import keys
from iam_portal import checks, pages, wall_check
from iam_portal.wall_sql import ROLES
from iam_portal.walls import cross_tenant, tenant_scope
from tests.support.factories import make_tenant, make_user

INHERITS = ("ALTER ROLE iam_web INHERIT",)
INHERITS_BY_GRANT = ("GRANT iam_cross TO iam_web WITH INHERIT TRUE",)
PER_GRANT = 160000  # the version from which a grant says for itself whether it is inherited


@pytest.fixture
def owner(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """The owner's connection; what it changes, roles too, is taken back."""
    with django_db_blocker.unblock(), transaction.atomic(using="owner"):
        yield connections["owner"]
        transaction.set_rollback(True, using="owner")
    connections["owner"].close()


def run(owner: BaseDatabaseWrapper, *statements: str) -> None:
    with owner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def found_as_web(owner: BaseDatabaseWrapper) -> set[str]:
    run(owner, "SET LOCAL ROLE iam_web")
    found = set(wall_check.gaps(owner))
    run(owner, "RESET ROLE")
    return found


def inheriting(owner: BaseDatabaseWrapper) -> tuple[str, ...]:
    """How iam_web came to hold what iam_cross may, before migrate was run."""
    return INHERITS + (INHERITS_BY_GRANT if owner.pg_version >= PER_GRANT else ())


def test_the_wall_stands_for_the_webs_role(owner: BaseDatabaseWrapper) -> None:
    assert found_as_web(owner) == set()


def test_the_owner_may_not_serve(owner: BaseDatabaseWrapper) -> None:
    assert set(wall_check.gaps(owner)) >= {"iam.E006", "iam.E007", "iam.E008"}


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("iam.E006", "ALTER ROLE iam_web BYPASSRLS"),
        ("iam.E006", "ALTER ROLE iam_web SUPERUSER"),
        ("iam.E007", "GRANT iam_owner TO iam_web"),
        ("iam.E007", "ALTER TABLE applications_watermark OWNER TO iam_web"),
        ("iam.E009", "REVOKE iam_cross FROM iam_web"),
    ],
)
def test_a_login_that_passes_the_wall_is_found(owner: BaseDatabaseWrapper, code: str, statement: str) -> None:
    with owner.cursor() as cursor:
        cursor.execute("SELECT current_user")
        run(owner, statement.replace("iam_owner", cursor.fetchone()[0]))
    assert code in found_as_web(owner)


def test_a_login_that_inherits_is_found(owner: BaseDatabaseWrapper) -> None:
    run(owner, *inheriting(owner))
    assert "iam.E008" in found_as_web(owner)


def test_migrate_takes_the_inheritance_away(owner: BaseDatabaseWrapper) -> None:
    """An administrator's `CREATE ROLE iam_web LOGIN; GRANT iam_cross TO iam_web`."""
    run(owner, "REVOKE iam_cross FROM iam_web", *INHERITS, "GRANT iam_cross TO iam_web")
    assert "iam.E008" in found_as_web(owner)
    run(owner, ROLES)
    assert found_as_web(owner) == set()
    run(owner, *inheriting(owner), ROLES)
    assert found_as_web(owner) == set()


def test_an_owner_who_may_not_change_roles_leaves_it_to_the_check(owner: BaseDatabaseWrapper) -> None:
    """Roles of an administrator: migrate goes on with a warning, and no process becomes ready."""
    run(owner, "CREATE ROLE iam_small_owner", *inheriting(owner))
    roles = ROLES.partition("END $$;")
    run(owner, "SET LOCAL ROLE iam_small_owner", roles[0] + roles[1], "RESET ROLE")
    assert "iam.E008" in found_as_web(owner)


def test_users_that_are_seen_without_a_scope_are_found(db: None) -> None:
    tenant = make_tenant()
    make_user(tenant)
    assert wall_check.gaps(connection) == {}
    with tenant_scope(tenant.id):
        assert set(wall_check.gaps(connection)) == {"iam.E010"}
    with cross_tenant():
        assert "iam.E010" in wall_check.gaps(connection)


@pytest.mark.django_db(databases=["default", "owner"])  # Django's own check asks each for its version
def test_the_check_is_one_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall_check, "gaps", lambda connection: dict.fromkeys(checks._HINTS, "A gap."))
    assert not {message.id for message in run_checks()} & set(checks._HINTS)
    assert not {message.id for message in run_checks(databases=["owner"])} & set(checks._HINTS)
    found = {message.id: message for message in run_checks(databases=["default"])}
    assert set(found) >= set(checks._HINTS)
    assert all(found[code].is_serious() and found[code].hint for code in checks._HINTS)


def test_no_process_is_ready_while_the_wall_is_open(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_ready", pages.Ready(seconds=0))
    assert Browser().get("/readyz").json()["status"] == "ok"
    monkeypatch.setattr(wall_check, "gaps", lambda connection: {"iam.E008": "A gap."})
    answer = Browser().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "wall_open"})


def test_no_process_is_ready_while_it_cannot_sign(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_ready", pages.Ready(seconds=0))
    monkeypatch.setattr(keys, "_held", keys._Held())
    monkeypatch.setattr(keys, "ALGORITHMS", ("ES256", "PS256"))
    answer = Browser().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "no_signing_key"})
