"""What was found, and the words for why something does not answer."""

import smtplib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """``unknown``: it could not be asked, because something before it does not answer."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. ``mend`` is what to do, empty where nothing is."""

    name: str
    state: State
    text: str
    mend: str = ""


def good(name: str, text: str) -> Finding:
    return Finding(name, State.OK, text)


def doubtful(name: str, text: str, mend: str) -> Finding:
    return Finding(name, State.WARNING, text, mend)


def bad(name: str, text: str, mend: str) -> Finding:
    return Finding(name, State.ERROR, text, mend)


# What drivers and libraries say → our words. Theirs hold addresses, logins, sometimes more.
_WORDS = (
    ("password authentication failed", "the login is refused"),
    ("no password supplied", "the login is refused"),
    ("pg_hba.conf", "the login is refused"),
    ("certificate", "its certificate is not taken"),
    ("does not support ssl", "it speaks no TLS"),
    ("does not exist", "the database or the role is not there"),
    ("could not translate host name", "its name is not known"),
    ("name or service not known", "its name is not known"),
    ("failed to resolve", "its name is not known"),
    ("refused", "nothing listens there"),
    ("no such file", "nothing listens there"),
    ("timed out", "it does not answer in time"),
    ("timeout", "it does not answer in time"),
)


def why(fault: Exception) -> str:
    """In words of ours, else the class of the fault."""
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return "the login is refused"
    said = str(fault).lower()
    return next((ours for theirs, ours in _WORDS if theirs in said), type(fault).__name__)


def spoken(span: timedelta) -> str:
    """``3 min``: as exact as anybody wants it."""
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
