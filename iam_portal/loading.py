"""How moments and spans come out of PostgreSQL: as the framework reads them, without its detours.

Nearly every row has some, and one decision reads a hundred. The framework loads a moment by the driver's
loader in Python where the driver has one in C; the driver loads every range by an expression that also knows
quoted quotes, which no moment has. What comes out is the same, and what does not fit is refused alike.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg import adapters
from psycopg.abc import AdaptContext
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.range import Range, TimestampTZRangeLoader

_DRIVERS: Any = adapters.get_loader(adapters.types["timestamptz"].oid, Format.TEXT)  # the one in C, if any


class Moment(Loader):
    """A ``timestamptz`` in UTC, whatever the zone of the connection."""

    timezone = UTC  # the framework looks at it, and puts its own in the place of a loader of another zone

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._load = _DRIVERS(oid, context).load

    def load(self, data: Any) -> datetime:
        moment: datetime = self._load(data)
        return moment.astimezone(UTC)


class Stretch(TimestampTZRangeLoader):
    """A ``tstzrange``."""

    def load(self, data: Any) -> Range[datetime]:
        text = bytes(data)
        if text == b"empty":
            return Range(empty=True)
        lower, _, upper = text[1:-1].partition(b",")
        return Range(
            self._load(lower.strip(b'"')) if lower else None,
            self._load(upper.strip(b'"')) if upper else None,
            chr(text[0]) + chr(text[-1]),
        )


def install() -> None:
    """For every connection that this process opens from now on."""
    template = get_adapters_template(True, UTC)
    template.register_loader("timestamptz", Moment)
    template.register_loader("tstzrange", Stretch)
