"""The moment that a page is about: typed, or moved along a slider; and where something changes around it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from applications.forms import MomentField

EPOCH = date(1970, 1, 1)
MINUTE = timedelta(minutes=1)
FURTHEST = timedelta(days=3 * 365)  # the slider; by the field one can go further
AIR = timedelta(days=30)


class MomentForm(forms.Form):
    """``day``: the slider, in days since 1970; ``was``: where it stood. Moved, it wins over the field."""

    at = MomentField(
        label=_("At"),
        required=False,
        help_text=_("Empty: now."),
        validators=[
            MinValueValidator(datetime(1970, 1, 2, tzinfo=UTC), _("That is too long ago.")),
            MaxValueValidator(datetime(9000, 1, 1, tzinfo=UTC), _("That is too far away.")),
        ],
    )
    day = forms.IntegerField(required=False, min_value=1, max_value=2_500_000)
    was = forms.IntegerField(required=False, min_value=1, max_value=2_500_000)

    def moment(self, now: datetime) -> datetime:
        """What is asked for; what cannot be read asks for now."""
        self.full_clean()
        at: datetime | None = self.cleaned_data.get("at")
        day, was = self.cleaned_data.get("day"), self.cleaned_data.get("was")
        if day is None or day == was:
            return at or now
        hour = timezone.localtime(at or now)
        there = EPOCH + timedelta(days=day)
        moved = hour.replace(year=there.year, month=there.month, day=there.day, second=0, microsecond=0)
        return now if there == timezone.localtime(now).date() else moved

    def shown(self, moment: datetime, now: datetime) -> "MomentForm":
        """The form with the moment that it led to, or with what was wrong in the field."""
        if self.errors.get("at"):
            return self
        return MomentForm({"at": "" if moment == now else written(moment)})


class Slider(NamedTuple):
    """The range of days, and the one that is shown."""

    least: int
    most: int
    day: int
    first: datetime
    last: datetime


class Around(NamedTuple):
    """What lies around a moment: the range of days, and where the nearest changes are."""

    slider: Slider
    turns: dict[str, datetime | None]


# Pages tell moments by the minute: what happened within it is shown at its end.
_NEAR = """
WITH mine AS MATERIALIZED (
    SELECT id, state, starts_at, ends_at, answer_by, proposed_at, answered_at FROM applications_contract
    WHERE provider_id = %(tenant)s AND type = ANY(%(types)s)
    UNION ALL
    SELECT id, state, starts_at, ends_at, answer_by, proposed_at, answered_at FROM applications_contract
    WHERE consumer_id = %(tenant)s AND type = ANY(%(types)s) AND proposed_at IS NOT NULL
), of_pauses AS (
    SELECT max(edge) FILTER (WHERE edge <= %(before)s) AS past,
        min(edge) FILTER (WHERE edge > %(at)s) AS ahead
    FROM applications_contractpause
    CROSS JOIN LATERAL (VALUES (lower(during)), (upper(during))) AS edges(edge)
    WHERE contract_id = ANY(ARRAY(SELECT id FROM mine)) AND NOT isempty(during)
)
SELECT min(proposed_at), max(starts_at), max(ends_at), greatest((SELECT past FROM of_pauses), {past}),
    least((SELECT ahead FROM of_pauses), {ahead})
FROM mine
"""


# Where a date counts as a change.
_TURNS = {
    "proposed_at": "TRUE",
    "answered_at": "TRUE",
    "starts_at": "state = 'accepted'",
    "ends_at": "(state = 'accepted' OR state = 'proposed' AND answered_at IS NULL)",
    "answer_by": "state = 'proposed'",
}
_STATEMENT = _NEAR.format(
    past=", ".join(
        f"max({column}) FILTER (WHERE {counts} AND {column} <= %(before)s)"
        for column, counts in _TURNS.items()
    ),
    ahead=", ".join(
        f"min({column}) FILTER (WHERE {counts} AND {column} > %(at)s)" for column, counts in _TURNS.items()
    ),
)


def around(tenant_id: UUID, types: Sequence[str], *, at: datetime, now: datetime) -> Around:
    """Of the tenant's contracts of these types, by side, and of their pauses, by contract. One statement."""
    values: dict[str, Any] = {"tenant": tenant_id, "types": list(types), "at": at, "before": at - MINUTE}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        first, start, end, previous, following = cursor.fetchone()
    turns = {"previous": previous, "next": following}
    return Around(
        _slider(first, (start, end), at=at, now=now),
        {name: _at_the_minute(turn) if turn else None for name, turn in turns.items()},
    )


def _slider(
    first: datetime | None, ends: Sequence[datetime | None], *, at: datetime, now: datetime
) -> Slider:
    """From the first proposal to the last date that is agreed, with some air.

    Not from the first draft: when a partner began to write is its own affair.
    """
    first = max(first or now, now - FURTHEST)
    last = max(min(moment, now + FURTHEST) for moment in (now, *ends) if moment) + AIR
    least, most = day_of(first), day_of(last)
    return Slider(least, most, min(max(day_of(at), least), most), first, last)


def written(moment: datetime) -> str:
    """As the field takes it, in the page's zone."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def day_of(moment: datetime) -> int:
    """Days since 1970 in the page's zone."""
    return (timezone.localtime(moment).date() - EPOCH).days


def _at_the_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + MINUTE
