"""The table of traces stays small, and nobody forges one by emptying a table."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from accesscontrol.actions import traces
from accesscontrol.migrations._changes_sql import TABLES
from accesscontrol.models import FactChange
from accesscontrol.models.changes import LOST, number
from accesscontrol.oauth.short import versions
from accesscontrol.oauth.short.versions import SharedReader
from iam_portal.walls import tenant_scope
from tests.accesscontrol.oauth.conftest import World

ON_ALL = number(LOST)
FOLDED = "iam_fold_traces(now(), 5, 3000, 20000, 0, 1000)"
CROWD = traces.CROWDED + 1


def leave(key: int, count: int) -> None:
    FactChange.objects.bulk_create(FactChange(key=key, nonce=number) for number in range(count))


def left(keys: Sequence[int]) -> list[int]:
    return [FactChange.objects.filter(key=key).count() for key in keys]


def test_a_crowd_is_found_by_its_newest_traces(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "SLICE", 0)
    monkeypatch.setattr(traces, "NEWEST", 3)
    for key, count in ((1, CROWD), (2, CROWD), (3, CROWD - 1), (4, 1)):
        leave(key, count)
    assert traces.fold(at=shared.clock.at) == 0  # the newest are of 3 and 4
    leave(1, 1)
    assert traces.fold(at=shared.clock.at) == 1
    assert left([1, 2, 3, 4]) == [1, CROWD, CROWD - 1, 1]


def test_a_crowd_that_nobody_adds_to_is_found_by_lot(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "NEWEST", 0)
    monkeypatch.setattr(traces, "SLICE", 3 * CROWD)
    keys = [2**61 + number for number in range(8)]
    for key in keys:
        leave(key, CROWD)
    for lot in keys:  # wherever it falls
        monkeypatch.setattr(traces, "_drawn", lambda lot=lot: lot)
        assert traces.fold(at=shared.clock.at) <= 3
    assert left(keys) == [1] * 8


def test_lots_are_drawn_from_all_keys() -> None:
    drawn = [traces._drawn() for _ in range(200)]
    assert min(drawn) < -(2**61) < 2**61 < max(drawn)
    assert all(-(2**63) <= lot < 2**63 for lot in drawn)


def test_a_revoked_token_keeps_its_trace(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are of one key."""
    monkeypatch.setattr(traces, "_drawn", lambda: 5)
    FactChange.objects.bulk_create(
        FactChange(key=5, nonce=number, until=shared.clock.at) for number in range(CROWD)
    )
    traces.fold(at=shared.clock.at)
    assert left([5]) == [CROWD]


def test_a_revoked_token_is_forgotten_by_no_clock_that_goes_ahead(shared: World) -> None:
    """It is over by the caller's clock and by the database's."""
    now = datetime.now(UTC)
    rows = (FactChange(key=5, nonce=0, until=now + timedelta(hours=hours)) for hours in (-2, -1, 1))
    FactChange.objects.bulk_create(rows)
    assert traces.fold(at=now - timedelta(minutes=90)) == 1
    assert traces.fold(at=now + timedelta(days=1)) == 1
    assert left([5]) == [1]


PLANTED = [
    "DELETE FROM accesscontrol_factchange",
    "UPDATE accesscontrol_factchange SET nonce = 0",
    "SET ROLE iam_cross; DELETE FROM accesscontrol_factchange",
    f"SELECT {FOLDED}",
    f"SET ROLE iam_cross; SELECT {FOLDED}",
    f"SET ROLE iam_cross; SELECT set_config('iam.pass', current_setting('iam.seal'), true); SELECT {FOLDED}",
    "ALTER TABLE accesscontrol_factchange DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("planted", PLANTED)
def test_no_planted_statement_takes_a_trace_away(shared: World, planted: str) -> None:
    leave(5, CROWD)
    with (
        tenant_scope(shared.acme.id),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(planted)
    assert left([5]) == [CROWD]


def test_nobody_says_what_a_trace_is(shared: World) -> None:
    """Else a version could be put together that somebody has seen before."""
    leave(5, 3)
    assert not {0, 1, 2} & set(FactChange.objects.filter(key=5).values_list("nonce", flat=True))


def test_no_process_of_the_portal_may_empty_a_table_of_facts(shared: World) -> None:
    with connection.cursor() as cursor:
        for table in (*TABLES, "accesscontrol_factchange"):
            for role in ("iam_web", "iam_cross"):
                cursor.execute("SELECT has_table_privilege(%s, %s, 'TRUNCATE')", [role, table])
                assert cursor.fetchone() == (False,), table


def test_what_is_read_is_what_the_triggers_write(shared: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT iam_fact_key(%s)", [LOST])
        assert cursor.fetchone() == (ON_ALL,)
    assert SharedReader().read(versions.array([LOST])).version.rows == 0
