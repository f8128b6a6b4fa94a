"""Questions to other servers, each in some seconds at most."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import urllib3
from django.conf import settings
from django.core import mail as mailing
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accesscontrol.installation import queues
from accesscontrol.installation.doctor.findings import Finding, bad, doubtful, good, spoken, why

Clock = Callable[[], datetime]
PATIENCE = 3.0
FAR_BEHIND = timedelta(seconds=10)
SOON_OVER = timedelta(days=14)
_OURS = {"context", "cursor_factory", "prepare_threshold", "pool"}  # Django's own, not of a plain connection
_REPLAYED = "SELECT pg_is_in_recovery(), coalesce(now() - pg_last_xact_replay_timestamp(), interval '0')"


def database(clock: Clock) -> Iterator[Finding]:
    """By a connection of its own: a pool would wait and try again."""
    try:
        with _connected(connections["default"]):
            pass
    except Exception as fault:  # whatever the driver raises
        mend = "Look at the server, the network between, and DATABASE_URL."
        yield bad("database", f"It is not reached: {why(fault)}.", mend)
        return
    yield good("database", "It answers.")
    if settings.DATABASE_DIRECT:
        direct = {**connections["default"].settings_dict, "OPTIONS": {}, **settings.DATABASE_DIRECT}
        try:
            with _connected(type(connections["default"])(direct)) as line:
                line.execute("LISTEN iam_doctor")
        except Exception as fault:
            mend = "DATABASE_DIRECT_URL must lead past every pooler, with the same login."
            yield bad("database", f"The direct line is not reached: {why(fault)}.", mend)


def broker(clock: Clock) -> Iterator[Finding]:
    tasks = queues.tasks_waiting()
    if tasks is None:
        mend = "Look at the broker and CELERY_BROKER_URL. Nothing is lost: it is made up for."
        yield bad("broker", "It does not answer.", mend)
    else:
        yield good("broker", f"{tasks} tasks wait.")


def mail(clock: Clock) -> Iterator[Finding]:
    """As far as a login; nothing is sent."""
    if not settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend"):
        yield doubtful("mail", "No mail leaves this installation.", "Set EMAIL_URL to a mail server.")
        return
    line: Any = mailing.get_connection(timeout=PATIENCE)
    try:
        line.open()
    except Exception as fault:  # of sockets, TLS, SMTP
        mend = "Look at the mail server and EMAIL_URL: invitations and reset links do not arrive."
        yield bad("mail", f"Its server is not reached: {why(fault)}.", mend)
    else:
        yield good(
            "mail", "Its server takes our login." if settings.EMAIL_HOST_USER else "Its server answers."
        )
    finally:
        line.close()


def replica(clock: Clock) -> Iterator[Finding]:
    if "replica" not in settings.DATABASES:
        return
    try:
        with _connected(connections["replica"]) as line:
            recovering, behind = line.execute(_REPLAYED).fetchone() or (False, timedelta(0))
    except Exception as fault:
        mend = "The primary answers meanwhile. Look at the replica and DATABASE_REPLICA_URL."
        yield doubtful("replica", f"It is not reached: {why(fault)}.", mend)
        return
    if not recovering:
        mend = "It was promoted, or never followed: let DATABASE_REPLICA_URL name one that does."
        yield bad("replica", "It follows no primary.", mend)
    elif behind > FAR_BEHIND:  # or nothing was written for so long
        yield good("replica", f"It follows; the last it replayed is {spoken(behind)} old.")
    else:
        yield good("replica", "It follows closely.")


def event_service(clock: Clock) -> Iterator[Finding]:
    if settings.PORTAL_EVENTS_URL:
        yield from _answers("event service", settings.PORTAL_EVENTS_URL, "PORTAL_EVENTS_URL", clock())


def address(clock: Clock) -> Iterator[Finding]:
    """As callers reach it, through every proxy."""
    yield from _answers("address", settings.PORTAL_BASE_URL, "PORTAL_BASE_URL", clock())


def _answers(name: str, base: str, setting: str, at: datetime) -> Iterator[Finding]:
    try:
        timeout = urllib3.Timeout(PATIENCE)
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            reply = pool.request("GET", f"{base}/livez", redirect=False)
            right = reply.status == 200 and reply.json() == {"status": "ok"}
    except Exception as fault:  # of names, sockets, TLS, JSON
        mend = f"Look at the proxy, and whether {setting} is reached from here (from outside it may be)."
        yield doubtful(name, f"{setting} is not reached: {why(fault)}.", mend)
        return
    if right:
        yield good(name, f"{setting} is answered by a portal.")
    else:
        mend = f"Let the proxy hand all below {setting} on, with its Host and X-Forwarded-Proto."
        yield bad(name, f"{setting} is answered by something else, with {reply.status}.", mend)
    yield from _certificate(name, base, setting, at)


def _certificate(name: str, base: str, setting: str, at: datetime) -> Iterator[Finding]:
    parts = urlsplit(base)
    if parts.scheme != "https":
        return
    ends = _ends_at(parts.hostname or "", parts.port or 443)
    if ends - at < SOON_OVER:
        mend = "Renew it, and let that happen by itself."
        yield doubtful(name, f"The certificate of {setting} ends in {spoken(ends - at)}.", mend)


def _ends_at(host: str, port: int) -> datetime:
    context = ssl.create_default_context()
    with (
        urllib3.util.connection.create_connection((host, port), timeout=PATIENCE) as line,
        context.wrap_socket(line, server_hostname=host) as secured,
    ):
        until = (secured.getpeercert() or {}).get("notAfter", "")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(until)), UTC)


def _connected(wrapper: BaseDatabaseWrapper) -> psycopg.Connection[Any]:
    given = {name: value for name, value in wrapper.get_connection_params().items() if name not in _OURS}
    limits = {"connect_timeout": int(PATIENCE), "application_name": "iam-doctor"}
    return psycopg.connect(**{**given, **limits}, autocommit=True)
