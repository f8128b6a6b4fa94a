"""Moments and spans in words: the reader's zone in the text, UTC in the title."""

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, npgettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from iam_portal.sentences import Said
from iam_portal.spans import Span
from iam_portal.translating import translated

Bounds = tuple[datetime | None, datetime | None]
MINUTE, HOUR, DAY = 60, 3600, 86400
# Zones whose usual letters differ between languages; those of all others are shown as they are.
_ZONES = {"CET": pgettext_lazy("zone", "CET"), "CEST": pgettext_lazy("zone", "CEST")}
# How the sentences of reasons name a moment, for people and programs alike.
_WRITTEN = re.compile(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d{2}:\d{2} UTC")


def bounds(during: Any) -> Bounds:
    """Both ends of a ``Span``, a ``tstzrange`` or a pair; None is open."""
    if hasattr(during, "lower"):
        during = Span.of(during)
    if isinstance(during, Span):
        return during.start, during.end
    start, end = during
    return start, end


def plain(moment: datetime) -> str:
    """``3 Mar 2027, 14:00 CET`` in the active time zone."""
    return _whole(timezone.localtime(moment))


def plain_utc(moment: datetime) -> str:
    """The same in UTC, where the reader's zone is not known: in mails."""
    return _whole(moment.astimezone(UTC))


def _whole(local: datetime) -> str:
    return _minute(
        local.replace(second=0, microsecond=0, tzinfo=None), date_format(local, "T"), get_language()
    )


# A page names the same few days and minutes again and again; what they are called in a language stays so.
@lru_cache(maxsize=4096)
def _minute(naive: datetime, zone: str, _language: str | None) -> str:
    # Translators: a day with its time, in the letters of Django's "date" filter; the zone follows.
    words = date_format(naive, pgettext("format", "j M Y, H:i"))
    return f"{words} {_ZONES.get(zone, zone)}"


def on_day(day: date) -> str:
    """``3 Mar 2027``, as it stands there: no zone is applied."""
    return _day(day.year, day.month, day.day, get_language())


@lru_cache(maxsize=4096)
def _day(year: int, month: int, number: int, _language: str | None) -> str:
    return date_format(date(year, month, number), pgettext("format", "j M Y"))


def in_year(day: date) -> str:
    """``3 Mar``, where the year is clear."""
    return date_format(day, pgettext("format", "j M"))


def element(moment: datetime, text: str, css: str = "") -> SafeString:
    """The <time> element: machine-readable in UTC, and UTC to the second in the title."""
    utc = moment.astimezone(UTC)
    day, hour = utc.date().isoformat(), utc.time().isoformat("seconds")
    mark = f' class="{escape(css)}"' if css else ""
    shown = f'<time{mark} datetime="{day}T{hour}Z" title="{day} {hour} UTC">{conditional_escape(text)}</time>'
    return SafeString(shown)


def dated(text: str) -> SafeString:
    """A sentence in the reader's language; its moments in UTC are shown in the active time zone."""
    safe = conditional_escape(translated(text) if isinstance(text, Said) else text)
    return mark_safe(_WRITTEN.sub(_in_zone, safe))  # noqa: S308  # escaped above; element() escapes its own


def says_when(text: str) -> bool:
    """Whether the sentence names a moment itself."""
    return _WRITTEN.search(text) is not None


def _in_zone(found: re.Match[str]) -> str:
    try:
        moment = datetime.strptime(found[0], "%d %b %Y, %H:%M UTC").replace(tzinfo=UTC)
    except ValueError:  # looks like a date and is none
        return found[0]
    return element(moment, plain(moment))


def distance(moment: datetime, at: datetime) -> str:
    """``in 5 days``, ``3 hours ago``, ``now``; whole units, rounded to the nearest."""
    seconds = (moment - at).total_seconds()
    if abs(seconds) < MINUTE / 2:
        return _("now")
    return _away(*_amount(abs(seconds)), seconds > 0, get_language())


def _amount(seconds: float) -> tuple[int, str]:
    if seconds < 59.5 * MINUTE:
        return max(1, round(seconds / MINUTE)), "minute"
    if seconds < 23.5 * HOUR:
        return round(seconds / HOUR), "hour"
    if seconds < 60 * DAY:
        return round(seconds / DAY), "day"
    if seconds < 700 * DAY:
        return round(seconds / DAY / 30.44), "month"
    return round(seconds / DAY / 365.25), "year"


@lru_cache(maxsize=4096)
def _away(count: int, unit: str, ahead: bool, _language: str | None) -> str:
    amount = _counted(count, unit) % {"count": count}
    return (_("in %(amount)s") if ahead else _("%(amount)s ago")) % {"amount": amount}


def _counted(count: int, unit: str) -> str:
    if unit == "minute":
        return npgettext("distance", "%(count)d minute", "%(count)d minutes", count)
    if unit == "hour":
        return npgettext("distance", "%(count)d hour", "%(count)d hours", count)
    if unit == "day":
        return npgettext("distance", "%(count)d day", "%(count)d days", count)
    if unit == "month":
        return npgettext("distance", "%(count)d month", "%(count)d months", count)
    return npgettext("distance", "%(count)d year", "%(count)d years", count)


def in_words(during: Any) -> SafeString:
    """A half-open span: from … until …, with an open end said in words."""
    start, end = bounds(during)
    if start and end:
        return format_html(_("from {} until {}"), element(start, plain(start)), element(end, plain(end)))
    if start:
        return format_html(_("from {}, no end"), element(start, plain(start)))
    if end:
        return format_html(_("until {}"), element(end, plain(end)))
    return format_html("{}", _("always"))
