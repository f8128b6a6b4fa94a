"""Rows that are true for a span of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Func, Q, Value

from iam_portal.decision import rfc3339


class Spanned(models.QuerySet[Any]):
    """Queries over rows with a ``during``."""

    def at(self, at: datetime) -> "Spanned":
        """Rows that are true at the moment."""
        return self.filter(during__contains=at)

    def not_over(self, at: datetime) -> "Spanned":
        """Rows that are true at the moment or become true later."""
        return self.filter(
            Q(during__endswith__gt=at) | Q(during__endswith__isnull=True), during__isempty=False
        )

    def close(self, at: datetime) -> int:
        """End these rows at the moment; what has not begun yet becomes empty, what is over stays."""
        return self.not_over(at).update(during=clipped(at))


def clipped(at: datetime) -> Func:
    """The row's span cut at the moment: ``during * (,at)``."""
    before = Func(
        Value(None, output_field=models.DateTimeField()),
        Value(at, output_field=models.DateTimeField()),
        function="tstzrange",
    )
    return Func(F("during"), before, template="(%(expressions)s)", arg_joiner=" * ")


def since(at: datetime, until: datetime | None = None) -> DateTimeTZRange:
    """The half-open span from the moment on."""
    return DateTimeTZRange(at, until, "[)")


def told_span(during: DateTimeTZRange) -> dict[str, str | None]:
    """As documents tell it; null is before everything, or for good."""
    return {"from": rfc3339(during.lower), "until": rfc3339(during.upper)}


def still_open() -> Q:
    """Rows without an end."""
    return Q(during__endswith__isnull=True) & Q(during__isempty=False)


def no_overlap(name: str, columns: Sequence[str], message: str, condition: Q | None = None) -> Any:
    """An exclusion constraint: at each moment at most one row of the same columns."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            *((column, RangeOperators.EQUAL) for column in columns),
            ("during", RangeOperators.OVERLAPS),
        ],
        condition=condition,
        violation_error_message=message,
    )


__all__ = ["Spanned", "clipped", "no_overlap", "since", "still_open"]
