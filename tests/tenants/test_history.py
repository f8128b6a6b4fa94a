"""History: append-only, in the transaction of the change, chained so that nobody can rewrite it unseen."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, connections, transaction

from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import partitions, tenants, users
from tenants.models import HistoryEvent, HistoryPerson, Tenant, User, UserSession
from tests.support.factories import NOW, SYSTEM, make_tenant, make_user, sign_in


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_historyevent SET action = 'nothing'",
        "DELETE FROM tenants_historyevent",
        "TRUNCATE tenants_historyevent",
        "UPDATE tenants_historylink SET digest = ''",
        "DELETE FROM tenants_historylink",
        "SELECT * FROM tenants_historyevent_other",
    ],
)
@pytest.mark.parametrize("role", ["iam_web", "iam_cross"])
def test_no_process_of_the_portal_can_rewrite_history(in_acme, statement, role):
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE tenants_historyevent SET action = 'nothing'", "DELETE FROM tenants_historyevent"]
)
def test_even_the_owner_is_refused_by_a_trigger(committed_db, statement):
    make_tenant("acme")
    with pytest.raises(DatabaseError, match="append-only"), connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def test_what_cannot_be_recorded_does_not_happen(in_acme, monkeypatch):
    def fail(salt, person):
        raise DatabaseError("disk full")

    monkeypatch.setattr(history, "person_digest", fail)
    with pytest.raises(DatabaseError):
        tenants.rename(tenant=in_acme, name="Other", by=SYSTEM, at=NOW)
    assert Tenant.objects.get(pk=in_acme.pk).name == "Acme"
    with pytest.raises(DatabaseError):
        make_user(in_acme)
    assert not User.objects.exists()


def test_a_sign_in_that_cannot_be_recorded_gives_no_session(committed_db, monkeypatch):
    user = make_user(make_tenant("acme"))

    def fail(salt, person):
        raise DatabaseError("disk full")

    monkeypatch.setattr(history, "person_digest", fail)
    with pytest.raises(DatabaseError):
        sign_in(user)
    with tenant_scope(user.tenant_id):
        assert not UserSession.objects.exists()


def test_history_outside_a_transaction_is_refused(committed_db):
    with pytest.raises(RuntimeError):
        history.record(action="x", tenants=[], by=SYSTEM, at=NOW, subject=("x", 1, "x"))


def test_the_other_side_learns_who_acted_but_not_from_where(acme, neighbour):
    by = Actor("user", "u-1", "Jane", acme.id, "request-1", "192.0.2.1")
    subject = ("tenant", acme.id, "Acme")
    history.record(action="x.done", tenants=[acme, neighbour], by=by, at=NOW, subject=subject)
    seen = {}
    for tenant in (acme, neighbour):
        with tenant_scope(tenant.id):
            person = HistoryPerson.objects.latest("event_id")
            seen[tenant.slug] = (person.actor_name, person.source_address)
    assert seen == {"acme": ("Jane", "192.0.2.1"), "neighbour": ("Jane", "")}


def test_names_stand_beside_the_row_only(in_acme):
    make_user(in_acme, "zoe")
    assert "zoe" not in str(list(HistoryEvent.objects.values())).lower()
    assert "Zoe" in HistoryPerson.objects.values_list("subject_name", flat=True)


def month_ahead(number: int) -> datetime:
    """A day in that month; the database makes none that lie further than the job could ask for."""
    now = datetime.now(UTC)
    years, month = divmod(now.month - 1 + number, 12)
    return now.replace(year=now.year + years, month=month + 1, day=16)


def test_the_coming_months_are_prepared_once(db):
    later = [month_ahead(number) for number in range(6, 10)]
    assert partitions.prepare(at=later[0]) == 3
    assert partitions.prepare(at=later[0]) == 0
    assert partitions.prepare(at=later[1].replace(day=28, hour=23)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits")
        names = {name for (name,) in cursor.fetchall()}
    assert {f"tenants_historyevent_{month:%Y%m}" for month in later} <= names
    assert f"tenants_historyevent_{month_ahead(10):%Y%m}" not in names


def test_a_month_that_cannot_be_made_does_not_stop_the_others(acme, caplog):
    at = month_ahead(6)
    with tenant_scope(acme.id):
        users.create_with_password(
            tenant=acme,
            username="early",
            email="early@example.org",
            display_name="Early",
            password="correct horse battery",
            by=SYSTEM,
            at=at,
        )
    assert partitions.prepare(at=at) == 2
    assert "partition_failed" in caplog.text
