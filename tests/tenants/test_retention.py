"""Retention: old months go whole, and the chain still tells what was there."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction

from iam_portal import sealing
from iam_portal.walls import cross_tenant, tenant_scope
from tenants import history
from tenants.actions import anchors, chain, retention, verification
from tenants.models import HistoryAnchor, HistoryCheck, HistoryEvent, HistoryLink, HistoryPerson
from tests.support.factories import SYSTEM, make_tenant
from tests.tenants.conftest import at_once
from tests.tenants.test_chain import as_owner

TODAY = datetime.now(UTC)
KEPT = 24
OLD = datetime(TODAY.year - 4, 5, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    monkeypatch.setattr(settings, "PORTAL_HISTORY_MONTHS", KEPT)


def note(tenant, at, name="x"):
    with transaction.atomic():
        history.record(action="x.done", tenants=[tenant], by=SYSTEM, at=at, subject=("tenant", 1, name))


def moments(tenant):
    with tenant_scope(tenant.id):
        return list(HistoryEvent.objects.order_by("id").values_list("at", flat=True))


def why(tenant):
    found = verification.verify(tenant_id=tenant.id)
    return found.why if found else None


def with_partition(month):
    with connections["owner"].cursor() as cursor:
        name, after = f"tenants_historyevent_{month:%Y%m}", (month + timedelta(days=32)).replace(day=1)
        cursor.execute(
            f"CREATE TABLE {name} PARTITION OF tenants_historyevent FOR VALUES FROM (%s) TO (%s)",
            [month.isoformat() + " 00:00Z", after.isoformat() + " 00:00Z"],
        )
    return name


def exists(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        return cursor.fetchone()[0]


@pytest.fixture
def acme(committed_db):
    """A chain: two old months, one row of the first that came late, and today."""
    tenant = make_tenant("acme", at=OLD)
    note(tenant, OLD + timedelta(days=1), "early")
    note(tenant, OLD + timedelta(days=40))
    note(tenant, OLD + timedelta(days=2), "late")
    note(tenant, TODAY)
    note(tenant, TODAY)
    return tenant


def test_old_months_go_whole_and_the_chain_holds(acme):
    neighbour = make_tenant("neighbour", at=TODAY)
    note(neighbour, OLD)
    own = with_partition(date(OLD.year, 3, 1))
    note(acme, datetime(OLD.year, 3, 31, 23, 59, 59, 999999, tzinfo=UTC))
    chain.lay_all()
    with tenant_scope(acme.id):
        digests = list(HistoryLink.objects.order_by("position").values_list("digest", flat=True))
    assert retention.prune(at=TODAY) == 6
    assert not exists(own)
    assert moments(acme) == [TODAY, TODAY]
    assert len(moments(neighbour)) == 1
    with tenant_scope(acme.id):
        assert HistoryPerson.objects.count() == 2
        found = list(HistoryAnchor.objects.order_by("month").values_list("spans", "count", "position"))
        assert found == [([[7, 7]], 1, 7), ([[1, 2], [4, 4]], 3, 4), ([[3, 3]], 1, 3)]
        assert HistoryAnchor.objects.get(position=4).digest == digests[3]
    assert (why(acme), why(neighbour)) == (None, None)
    assert retention.prune(at=TODAY) == 0
    note(acme, OLD, "imported afterwards")
    chain.lay_all()
    assert retention.prune(at=TODAY) == 1
    assert why(acme) is None


def test_a_month_with_a_row_outside_the_chain_stays(acme):
    assert retention.prune(at=TODAY) == 0
    chain.lay_all()
    note(acme, OLD + timedelta(days=3))
    assert retention.prune(at=TODAY) == 1  # the other month goes
    assert len(moments(acme)) == 6
    assert why(acme) is None


def test_a_chain_that_does_not_hold_loses_nothing(acme, caplog):
    chain.lay_all()
    as_owner("UPDATE tenants_historyevent SET action = 'x.undone' WHERE at = %s", TODAY)
    assert retention.prune(at=TODAY) == 0
    assert len(moments(acme)) == 6
    assert "history_broken" in caplog.text


def test_without_the_setting_everything_is_kept(acme, monkeypatch):
    monkeypatch.setattr(settings, "PORTAL_HISTORY_MONTHS", 0)
    chain.lay_all()
    assert retention.prune(at=TODAY) == 0
    monkeypatch.setattr(settings, "PORTAL_HISTORY_MONTHS", 12 * 5)
    assert retention.prune(at=TODAY) == 0


def test_the_database_drops_nothing_young_and_nothing_without_an_anchor(acme):
    chain.lay_all()
    young = TODAY.date() - timedelta(days=365 - 31)
    for month, said in ((young, "too young"), (OLD.date(), "not anchored"), (None, "too young")):
        with cross_tenant():
            refuse(said, f"SELECT iam_history_drop('{month}')" if month else "SELECT iam_history_drop(NULL)")
    with cross_tenant():
        refuse("permission denied", *REWRITES)
    refuse("permission denied", *REWRITES)
    assert len(moments(acme)) == 6


REWRITES = (
    "DELETE FROM tenants_historyanchor",
    "UPDATE tenants_historyanchor SET count = 2",
    "DELETE FROM tenants_historycheck",
)


def test_only_the_job_lets_the_database_drop_history(acme):
    """A planted statement changes to its role, but has not its seal; nor may it make an anchor."""
    chain.lay_all()
    drop = f"SELECT iam_history_drop('{OLD.date()}')"
    with tenant_scope(acme.id):
        refuse("permission denied", drop, "INSERT INTO tenants_historyanchor (id) VALUES (1)")
        refuse("dropped by its job only", f"SET LOCAL ROLE iam_cross; {drop}")
        refuse("permission denied", "SELECT iam_history_drop_unasked(current_date)", "SELECT * FROM iam_wall")
    assert len(moments(acme)) == 6


def refuse(said, *statements):
    for statement in statements:
        with (
            pytest.raises(DatabaseError, match=said),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def forged(tenant):
    """Somebody with the owner's password takes a young row away, and writes an anchor for it."""
    as_owner("DELETE FROM tenants_historyevent WHERE at = %s AND tenant_id = %s", TODAY, tenant.id)
    anchor = anchors.make(tenant_id=tenant.id, month=TODAY.date(), links=[(5, "0" * 64)], at=TODAY)
    anchor.seal = sealing.seal("something else")
    with cross_tenant():
        anchor.save()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        ("UPDATE tenants_historyanchor SET count = 9", "an anchor was altered"),
        ("UPDATE tenants_historyanchor SET spans = '[[1, 5]]' WHERE position = 4", "an anchor was altered"),
        ("UPDATE tenants_historyanchor SET spans = '{}', seal = ''", "an anchor was altered"),
        ("UPDATE tenants_historyanchor SET digest = repeat('0', 64)", "an anchor was altered"),
        ("DELETE FROM tenants_historyanchor", "the row is missing"),
        (
            "UPDATE tenants_historylink SET digest = repeat('0', 64) WHERE position = 1",
            "the links that an anchor stands for were altered",
        ),
        ("UPDATE tenants_historylink SET digest = repeat('0', 64) WHERE position = 4", "the row was altered"),
        ("DELETE FROM tenants_historylink WHERE position = 1", "a link is missing before this one"),
        ("UPDATE tenants_historyevent SET actor_id = 'x'", "the row was altered"),
        (forged, "an anchor was altered"),
    ],
)
def test_what_is_left_cannot_be_altered_unseen(acme, tamper, said):
    chain.lay_all()
    assert retention.prune(at=TODAY) == 4
    assert why(acme) is None
    if callable(tamper):
        tamper(acme)
    else:
        as_owner(tamper)
    assert why(acme) == said


def test_a_walk_that_retention_overtakes_begins_anew(acme, monkeypatch):
    chain.lay_all()
    real, begun, dropped = verification._batch, [], []

    def overtaken(*given):
        if not begun:  # the walk of retention itself comes by here, too
            begun.append(True)
            dropped.extend(at_once(lambda: retention.prune(at=TODAY)))
        return real(*given)

    monkeypatch.setattr(verification, "_batch", overtaken)
    assert why(acme) is None
    assert dropped == [4]


def test_two_who_drop_at_once_drop_once(acme):
    chain.lay_all()
    done = at_once(*(lambda: retention.prune(at=TODAY) for _ in range(2)))
    assert sum(done) == 4
    assert why(acme) is None


def test_a_chain_that_is_laid_anew_is_found(acme):
    """Who owns the tables can compute every digest again; not what the last walk has sealed."""
    chain.lay_all()
    assert verification.check_all(at=TODAY) == 0
    as_owner("UPDATE tenants_historyevent SET action = 'x.undone' WHERE at = %s", TODAY)
    as_owner("DELETE FROM tenants_historylink")
    as_owner("UPDATE tenants_historyperson SET chained = false")
    chain.lay_all()
    assert why(acme) == "the chain was laid anew"
    assert verification.check_all(at=TODAY) == 1
    with tenant_scope(acme.id):
        noted = HistoryCheck.objects.get()
        assert (noted.why, noted.broken_at, noted.position) == ("the chain was laid anew", 6, 5)
    as_owner("UPDATE tenants_historycheck SET position = 2")
    assert why(acme) == "the note of the last verification was altered"


def test_an_end_that_was_taken_away_is_found(acme):
    chain.lay_all()
    assert verification.check_all(at=TODAY) == 0
    as_owner("DELETE FROM tenants_historyevent WHERE at = %s", TODAY)
    as_owner("DELETE FROM tenants_historylink WHERE position > 4")
    assert why(acme) == "the end of the chain is missing"
