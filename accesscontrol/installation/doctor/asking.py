"""All questions in their order, each kept from breaking the others."""

from collections.abc import Callable, Iterator
from datetime import datetime

from accesscontrol.installation.doctor import machine, reached, stored
from accesscontrol.installation.doctor.findings import Finding, State, why

Clock = Callable[[], datetime]
Question = Callable[[Clock], Iterator[Finding]]
BEFORE: tuple[tuple[str, Question], ...] = (
    ("settings", machine.settings_are_safe),
    ("static files", machine.static_files),
    ("counts", machine.counts),
)
# They read rows: without a database none of them is asked.
OF_ROWS: tuple[tuple[str, Question], ...] = (
    ("server", stored.server),
    ("extensions", stored.extensions),
    ("migrations", stored.migrations),
    ("wall", stored.wall),
    ("signing keys", stored.signing_keys),
    ("encryption keys", stored.encryption_keys),
    ("peppers", stored.peppers),
    ("jobs", stored.jobs_run),
    ("partitions", stored.partitions),
    ("queues", stored.queues_flow),
    ("history", stored.history),
)
AFTER: tuple[tuple[str, Question], ...] = (
    ("broker", reached.broker),
    ("mail", reached.mail),
    ("replica", reached.replica),
    ("event service", reached.event_service),
    ("address", reached.address),
)


def examine(clock: Clock) -> Iterator[Finding]:
    """Ask everything; each answer as soon as it is there."""
    yield from _asked(BEFORE, clock)
    database = list(_one("database", reached.database, clock))
    yield from database
    if any(finding.state is State.ERROR for finding in database):
        for name, _ in OF_ROWS:
            yield Finding(name, State.UNKNOWN, "Not asked: the database does not answer.")
    else:
        yield from _asked(OF_ROWS, clock)
    yield from _asked(AFTER, clock)


def _asked(questions: tuple[tuple[str, Question], ...], clock: Clock) -> Iterator[Finding]:
    for name, question in questions:
        yield from _one(name, question, clock)


def _one(name: str, question: Question, clock: Clock) -> Iterator[Finding]:
    try:
        yield from question(clock)
    except Exception as fault:  # whatever it is, the next question is asked
        mend = "Mend what stands above first; else look into the log of web under the same moment."
        yield Finding(name, State.UNKNOWN, f"Could not be asked: {why(fault)}.", mend)
