"""How long until the next attempt, and when it is enough."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GIVE_UP = timedelta(days=3)
FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=4)
SPREAD = 0.2  # of the wait, so that those who failed together do not come back together


def wait(*, attempts: int, retry_after: str, at: datetime) -> timedelta:
    """After so many failed attempts: doubling, at most four hours; longer when the receiver asks for it."""
    usual = min(FIRST * 2 ** min(attempts - 1, 20), LONGEST)
    spread = usual * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311  (no secret)
    return min(max(spread, asked(retry_after, at=at)), LONGEST)


def asked(retry_after: str, *, at: datetime) -> timedelta:
    """What ``Retry-After`` asks for (RFC 9110 §10.2.3: seconds or a date); nothing where it is neither."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:6]))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment - at
