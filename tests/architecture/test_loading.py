"""What the portal's own loaders make of rows is what the framework and the driver would have made."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.range import Range

from tests.support.database import PARAMETERS

MOMENTS = st.datetimes(timezones=st.just(UTC))
EDGES = [
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
]


@pytest.fixture
def drivers(db: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the driver alone, without anything of ours or of the framework."""
    known = connection.get_connection_params()
    plain = psycopg.connect(**{name: known[name] for name in PARAMETERS if name in known})
    with plain:
        plain.execute("SET TimeZone TO 'UTC'")
        yield plain


def both(drivers: psycopg.Connection[Any], expression: str, *values: Any) -> tuple[Any, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}", values)
        ours = cursor.fetchone()[0]
    return ours, drivers.execute(f"SELECT {expression}", values).fetchone()[0]


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MOMENTS, min_size=2, max_size=2).map(sorted), st.sampled_from(["[)", "[]", "()", "(]"]))
def test_moments_and_spans(drivers: psycopg.Connection[Any], pair: list[datetime], bounds: str) -> None:
    lower, upper = pair
    for value in (lower, *EDGES):
        ours, theirs = both(drivers, "%s::timestamptz", value)
        assert ours == theirs == value
        assert ours.tzinfo is UTC
    for start, end in ((lower, upper), (lower, None), (None, upper), (None, None), (lower, lower)):
        ours, theirs = both(drivers, "tstzrange(%s, %s, %s)", start, end, bounds)
        assert ours == theirs
        assert isinstance(ours, Range)
        assert (ours.isempty, ours.bounds) == (theirs.isempty, theirs.bounds)
        many, others = both(drivers, "ARRAY[tstzrange(%s, %s, %s), 'empty', NULL]", start, end, bounds)
        assert many == others


@pytest.mark.parametrize(
    "value", ["'infinity'::timestamptz", "tstzrange(now(), 'infinity')", "'0044-03-15 BC'::timestamptz"]
)
def test_what_no_moment_can_say_is_refused(drivers: psycopg.Connection[Any], value: str) -> None:
    with pytest.raises(psycopg.DataError), connection.cursor() as cursor:
        cursor.execute(f"SELECT {value}").fetchone()
    with pytest.raises(psycopg.DataError):
        drivers.execute(f"SELECT {value}").fetchone()


def test_another_zone_of_a_session_moves_no_moment(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TimeZone TO 'Asia/Kolkata'")
        cursor.execute("SELECT '2026-11-26 12:00+00'::timestamptz")
        assert cursor.fetchone()[0] == datetime(2026, 11, 26, 12, tzinfo=UTC)
