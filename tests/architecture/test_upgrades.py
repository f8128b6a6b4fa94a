"""Since the first release: the one before runs beside the new schema; no big table stands still."""

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django_migration_linter import MigrationLinter
from django_migration_linter.sql_analyser import analyse_sql_statements
from pytest_django import DjangoDbBlocker

# The schema of the first release. What is older has landed before anybody had rows.
FIRST = {"tenants": 11, "applications": 7, "accesscontrol": 8}
# Migrations that do what the rules below refuse: why neither the release before nor a big table minds.
REASONS = {
    "accesscontrol.0013_pushed_requests": "the wall of the table that it makes",
    "accesscontrol.0014_logout_notices": "the wall of the table that it makes",
    "accesscontrol.0016_folded_traces": "a trigger on one table, for which acts wait no longer than it waits "
    "for them; without DELETE the last step of one job of the release before fails, on which no answer rests",
    "accesscontrol.0010_emptied_tables": "triggers on TRUNCATE, which no release of the portal ever sends",
    "applications.0015_signal_streams": "the wall of two tables that it makes",
    "applications.0017_found_by_key": "an index gives way to one that holds its columns and one more",
    "applications.0018_sides_at_once": "four indexes give way to others that hold their columns and more",
    "tenants.0015_provisioning": "the wall of two new tables, of which the release before knows nothing",
    "tenants.0013_sealed_wall": "functions and one small table are new; policies are altered one table at a "
    "time, and believe everybody until seal_wall; functions that were replaced do what they did",
    "tenants.0016_identity_providers": "all tables are new, and behind the wall from the beginning",
}
# What only adds. A RunSQL or a RunPython is what it says: it needs a reason.
_ADDING = (
    migrations.CreateModel,
    migrations.AddField,
    migrations.AddIndex,
    migrations.AddConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.SeparateDatabaseAndState,
)


def since() -> list[migrations.Migration]:
    loader = MigrationLoader(None)
    return [
        migration
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in FIRST and int(name[:4]) > FIRST[app]
    ]


def named(migration: migrations.Migration) -> str:
    return f"{migration.app_label}.{migration.name}"


@pytest.mark.parametrize("migration", since(), ids=named)
def test_the_release_before_goes_on(migration: migrations.Migration) -> None:
    """It inserts rows without the new columns, and reads what it knew: nothing is taken or renamed yet."""
    if named(migration) in REASONS:
        return
    creating = (one for one in migration.operations if isinstance(one, migrations.CreateModel))
    made = {operation.name.lower() for operation in creating}
    for operation in migration.operations:
        said = f"{named(migration)}: {operation.describe()}"
        assert _is_harmless(operation), f"{said}: takes, renames, or needs a reason"
        if isinstance(operation, migrations.AddField) and operation.model_name.lower() not in made:
            assert _fills_itself(operation.field), (
                f"{said}: null=True or db_default, so that others may insert"
            )


@pytest.fixture
def open_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Outside of any transaction, as indexes are made. Nothing is written: the linter asks for SQL only."""
    with django_db_blocker.unblock():
        yield


@pytest.mark.parametrize("migration", since(), ids=named)
def test_no_big_table_stands_still(open_db: None, migration: migrations.Migration) -> None:
    """By django-migration-linter: indexes of tables that are there CONCURRENTLY, checks NOT VALID first."""
    if named(migration) not in REASONS:
        assert objections(migration.app_label, migration.name) == []


def test_the_linter_refuses_what_it_should(open_db: None) -> None:
    """A column that must not be empty, for which the release before says nothing."""
    assert "NOT_NULL" in objections("tenants", "0011_guessed_from")


def objections(app: str, name: str) -> list[str]:
    linter = MigrationLinter(database="default", no_cache=True, no_output=True)
    statements = linter.get_sql(app, name)
    errors, _, warnings = analyse_sql_statements(linter.sql_analyser_class, statements, [])
    return [issue.code for issue in (*errors, *warnings)]


def test_no_reason_is_left_over() -> None:
    assert set(REASONS) <= {named(migration) for migration in since()}


def test_the_rules_refuse_what_they_should() -> None:
    """Else a green run would say nothing."""
    assert not _is_harmless(migrations.RemoveField("user", "email"))
    assert not _is_harmless(migrations.RunSQL("SELECT 1"))
    assert not _is_harmless(migrations.AlterField("user", "email", models.EmailField(max_length=9)))
    assert not _fills_itself(models.IntegerField())
    assert not _fills_itself(models.IntegerField(default=0))  # filled by the new release's code only
    assert _fills_itself(models.IntegerField(db_default=0))
    assert _fills_itself(models.IntegerField(null=True))


def _fills_itself(field: models.Field) -> bool:
    return field.null or field.has_db_default() or field.many_to_many


def _is_harmless(operation: Operation) -> bool:
    """Adds only. A field that is altered needs a reason: no row may become wrong for the release before."""
    adding = type(operation).__name__ in (
        "AddIndexConcurrently",
        "AddConstraintNotValid",
        "ValidateConstraint",
    )
    return adding or isinstance(operation, _ADDING)
