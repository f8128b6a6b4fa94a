"""The moment that a page is about: typed, or moved along a slider; and where something changes around it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import F, Max, Min, Q, QuerySet
from django.db.models.functions import Lower, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from applications.forms import MomentField
from applications.models import Contract, ContractPause
from tenants.models.lookups import among

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


def around(rows: QuerySet[Contract], *, at: datetime, now: datetime) -> Around:
    """Of the contracts, which are read once, and their pauses. Two queries."""
    asked, of_pauses = _changes(at)
    ends = {"first": Min("proposed_at"), "start": Max("starts_at"), "end": Max("ends_at")}
    found = rows.order_by().aggregate(**asked, **ends)
    slider = _slider({name: found.pop(name) for name in ends}, at=at, now=now)
    # By contract: joined, the pauses of everybody would be read.
    pauses = ContractPause.objects.filter(among("contract", rows.order_by()), during__isempty=False)
    found |= pauses.annotate(begins=Lower("during"), over=Upper("during")).aggregate(**of_pauses)
    return Around(slider, _nearest(found))


def _slider(ends: dict[str, datetime | None], *, at: datetime, now: datetime) -> Slider:
    """From the first proposal to the last date that is agreed, with some air.

    Not from the first draft: when a partner began to write is its own affair.
    """
    first = max(ends["first"] or now, now - FURTHEST)
    last = max(min(moment, now + FURTHEST) for moment in (now, ends["start"], ends["end"]) if moment) + AIR
    least, most = day_of(first), day_of(last)
    return Slider(least, most, min(max(day_of(at), least), most), first, last)


def _changes(at: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """The nearest moments at which a contract changes, of contracts and of pauses.

    Pages tell moments by the minute: what happened within it is shown at its end.
    """
    agreed = Q(state="accepted")
    columns: dict[str, Q] = {
        "proposed_at": Q(),
        "answered_at": Q(),
        "starts_at": agreed,
        "ends_at": agreed | Q(state="proposed", answered_at=None),
        "answer_by": Q(state="proposed"),
    }
    asked: dict[str, Any] = {}
    for column, counts in columns.items():
        asked[f"next_{column}"] = Min(column, filter=counts & Q(**{f"{column}__gt": at}))
        asked[f"last_{column}"] = Max(column, filter=counts & Q(**{f"{column}__lte": at - MINUTE}))
    parts: dict[str, Any] = {}
    for column in ("begins", "over"):
        parts[f"next_{column}"] = Min(F(column), filter=Q(**{f"{column}__gt": at}))
        parts[f"last_{column}"] = Max(F(column), filter=Q(**{f"{column}__lte": at - MINUTE}))
    return asked, parts


def _nearest(found: dict[str, datetime | None]) -> dict[str, datetime | None]:
    ahead = [moment for name, moment in found.items() if name.startswith("next_") and moment]
    behind = [moment for name, moment in found.items() if name.startswith("last_") and moment]
    return {
        "previous": _at_the_minute(max(behind)) if behind else None,
        "next": _at_the_minute(min(ahead)) if ahead else None,
    }


def written(moment: datetime) -> str:
    """As the field takes it, in the page's zone."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def day_of(moment: datetime) -> int:
    """Days since 1970 in the page's zone."""
    return (timezone.localtime(moment).date() - EPOCH).days


def _at_the_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + MINUTE
