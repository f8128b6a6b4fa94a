"""Questions to the database that answers: what it is, what its rows say of keys, jobs, queues and history."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from accesscontrol.installation import health, jobs, keyrings, queues, readiness
from accesscontrol.installation.doctor.findings import Finding, bad, doubtful, good, spoken
from accesscontrol.models.keys import KeyState
from iam_portal import wall_check
from iam_portal.walls import tenant_scope

Clock = Callable[[], datetime]
OLDEST_SERVER = 15
NEEDED_EXTENSIONS = {"btree_gist"}
LAG = timedelta(minutes=1)
MANY_TASKS = 1_000
CHECKED_WITHIN = timedelta(days=2)
_EXTENSIONS = "SELECT extname FROM pg_extension"
_MONTHS = """
SELECT count(*) FROM generate_series(0, 1) ahead
WHERE to_regclass(format('tenants_historyevent_%%s',
    to_char(%s::timestamptz AT TIME ZONE 'UTC' + ahead * interval '1 month', 'YYYYMM'))) IS NULL
"""


def server(clock: Clock) -> Iterator[Finding]:
    found = health.database(clock)
    if int(found.version.partition(".")[0]) < OLDEST_SERVER:
        yield bad("server", f"PostgreSQL {found.version} is too old.", "Move to PostgreSQL 15 or newer.")
    else:
        yield good("server", f"PostgreSQL {found.version}, {found.size // 1_000_000} MB.")
    ahead = round(found.ahead.total_seconds() * 1000)
    if found.clocks_agree:
        yield good("clock", f"The database's is {ahead:+d} ms before ours.")
    else:
        mend = "Set both machines by NTP: planned moments would be early or late."
        yield bad("clock", f"The database's is {ahead:+d} ms before ours.", mend)


def extensions(clock: Clock) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_EXTENSIONS)
        lacking = NEEDED_EXTENSIONS - {name for (name,) in cursor.fetchall()}
    if lacking:
        mend = "CREATE EXTENSION …, as the owner of the database or a superuser."
        yield bad("extensions", f"Missing: {', '.join(sorted(lacking))}.", mend)
    else:
        yield good("extensions", "All are there.")


def migrations(clock: Clock) -> Iterator[Finding]:
    pending = health.database(clock).pending
    if pending:
        some = ", ".join(pending[:5]) + (" …" if len(pending) > 5 else "")
        mend = "Run manage.py migrate with DATABASE_OWNER_URL."
        yield bad("migrations", f"{len(pending)} are not applied: {some}.", mend)
    else:
        yield good("migrations", "All are applied.")


def wall(clock: Clock) -> Iterator[Finding]:
    with tenant_scope(""):
        gaps = wall_check.gaps(connection)
    for code, text in gaps.items():
        yield bad("wall", f"{code}: {text}", "docs/operations.md, Database roles.")
    if not gaps:
        yield good("wall", "The login is held by row-level security.")


def signing_keys(clock: Clock) -> Iterator[Finding]:
    at = clock()
    found = keyrings.signing_keys(at=at)
    missing = keyrings.without_signer(at=at)
    for algorithm in missing:
        mend = "Run manage.py rotate_signing_keys --list; docs/operations.md, Signing keys."
        yield bad("signing keys", f"Nothing signs {algorithm}.", mend)
    unreadable = [key for key in found if not key.readable and key.state in (KeyState.ACTIVE, KeyState.NEXT)]
    if unreadable:
        mend = "Put the key that sealed them back into PORTAL_ENCRYPTION_KEYS of every process."
        yield bad("signing keys", f"{len(unreadable)} cannot be read with our ring.", mend)
    late = settings.SIGNING_KEY_LIFE + settings.SIGNING_KEY_AHEAD + timedelta(days=1)
    if any(key.state is KeyState.ACTIVE and at - key.active_from > late for key in found):
        mend = "The job accesscontrol.rotate_signing_keys does not run: start worker and beat."
        yield doubtful("signing keys", "One signs for longer than it should.", mend)
    if not missing and not unreadable:
        yield good("signing keys", f"{sum(key.state is KeyState.ACTIVE for key in found)} sign.")


def encryption_keys(clock: Clock) -> Iterator[Finding]:
    """Of what must be read again, whether our ring reads it, and which of its keys are still needed."""
    found = keyrings.needed(at=clock())
    for kind, places in found.items():
        if kind != "signing keys" and places[None]:  # those have a question of their own
            mend = "Put the key that sealed them back into PORTAL_ENCRYPTION_KEYS."
            yield bad("encryption keys", f"{places[None]} {kind} cannot be read with our ring.", mend)
    lost = sum(places[None] for places in found.values())
    older = sum(places.total() - places[1] for places in found.values()) - lost
    if older:
        mend = "Run manage.py reseal_secrets before an older key leaves PORTAL_ENCRYPTION_KEYS."
        yield doubtful("encryption keys", f"{older} secrets are sealed by an older key.", mend)
    known = wall_check.knows_newest(connection) is not False
    if not known:
        mend = "Run manage.py seal_wall as the owner before an older key leaves PORTAL_ENCRYPTION_KEYS."
        yield doubtful("encryption keys", "The wall between organizations does not know the newest.", mend)
    if known and not older and not lost:
        yield good("encryption keys", "The newest seals everything; the others may go.")


def peppers(clock: Clock) -> Iterator[Finding]:
    found = keyrings.peppers(at=clock())
    for pepper in found:
        if not pepper.known and pepper.secrets:
            text = f"{pepper.secrets} living secrets of clients need pepper {pepper.number}, which is gone."
            mend = (
                f"Put pepper {pepper.number} back into PORTAL_SECRET_PEPPERS: these clients cannot sign in."
            )
            yield bad("peppers", text, mend)
    idle = [str(pepper.number) for pepper in found if not pepper.newest and not pepper.secrets]
    spare = f" Needed by nothing: {', '.join(idle)}." if idle else ""
    if all(pepper.known for pepper in found):
        yield good("peppers", f"Every living secret of a client has its pepper.{spare}")


def jobs_run(clock: Clock) -> Iterator[Finding]:
    at = clock()
    found = jobs.scheduled()
    last = jobs.latest(found)
    if last is None or at - last > readiness.STILL:
        since = "ever" if last is None else f"for {spoken(at - last)}"
        mend = "Start one celery beat and a worker, with the same CELERY_BROKER_URL as web."
        yield bad("jobs", f"None has run {since}: worker or beat is not there.", mend)
        return
    for job in found:
        state = job.state(at)
        if state == "failed":
            mend = "Its error stands in the worker's log; the next run tries again."
            yield bad("jobs", f"{job.task} failed {job.failures} times in a row: {job.error}.", mend)
        elif state == "late":
            yield doubtful("jobs", f"{job.task} is late.", "Is a worker free, and beat of this version?")
    if all(job.state(at) in ("on_time", "new") for job in found):
        yield good("jobs", f"They run, the last {spoken(at - last)} ago.")


def partitions(clock: Clock) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, [clock()])
        (lacking,) = cursor.fetchone()
    if lacking:
        mend = "Let the job tenants.prepare_partitions run; rows of a month without one slow retention down."
        yield doubtful("partitions", "History has no partition for this month or the next.", mend)
    else:
        yield good("partitions", "History has those of this month and the next.")


def queues_flow(clock: Clock) -> Iterator[Finding]:
    at = clock()
    found = queues.queues(at=at)
    if found.outbox.since and at - found.outbox.since > LAG:
        mend = "Let the job applications.sequence run; look for transactions left open in the database."
        text = f"{found.outbox.count} events wait for {spoken(at - found.outbox.since)}."
        yield bad("outbox", text, mend)
    else:
        yield good("outbox", f"{found.outbox.count} events wait, none for long.")
    hooks = found.webhooks
    for count, text in (
        (hooks.stopped, "were paused by the portal"),
        (hooks.failing, "fail"),
        (hooks.behind, "are behind although their receiver answers"),
    ):
        if count:
            yield doubtful("webhooks", f"{count} {text}.", "docs/operations.md, Webhooks.")
    if not (hooks.stopped or hooks.failing or hooks.behind):
        yield good("webhooks", f"{hooks.subscriptions} subscriptions, all well.")
    if found.tasks is not None and found.tasks > MANY_TASKS:
        yield doubtful("tasks", f"{found.tasks} wait at the broker.", "Start more workers.")
    if settings.PORTAL_EVENTS_URL and not found.services:
        mend = "Start manage.py serve_events, or leave PORTAL_EVENTS_URL empty."
        yield bad("event service", "None was heard of in the last minute.", mend)


def history(clock: Clock) -> Iterator[Finding]:
    at = clock()
    chains = queues.queues(at=at).chains
    if chains.broken:
        mend = "manage.py verify_history names the rows; docs/history.md."
        yield bad("history", f"The chain of {chains.broken} organizations does not hold.", mend)
    elif chains.checked_since is None:
        yield doubtful("history", "No chain was checked yet.", "manage.py verify_history, or wait a day.")
    elif at - chains.checked_since > CHECKED_WITHIN:
        mend = "Let the job tenants.verify_history run to its end."
        text = f"A chain was last checked {spoken(at - chains.checked_since)} ago."
        yield doubtful("history", text, mend)
    else:
        yield good("history", "Every chain was checked in the last two days, and holds.")
