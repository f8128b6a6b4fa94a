"""Impact before action: the act itself, between two looks at the facts, in a transaction that can go back.

One mechanism for every act that takes something away. Who knows what an act can move (the apps above) looks
before and after it: the decision on today's facts against the decision on the changed facts. What is shown
is therefore what happens. To foresee, the act is taken back; to carry it out, what would happen now is
compared with the revision of what was shown.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor, Answers
from tenants.history import unrecorded
from tenants.models import Tenant, User
from tenants.signals import act_weighed

LONGEST_WAIT, LONGEST_WORK = "4s", "20s"  # of a look: for each lock, for each statement
_PATIENCE = "SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s"

Done = TypeVar("Done")
Subject = TypeVar("Subject")
# Called after the act: the parts of the impact, and what of them the revision stands for.
Look = Callable[[], "Part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is about to be done, by whom: the impact is told as far as ``tenant`` may know it.

    ``name`` is the act's (end, pause, narrow, suspend, retire, declare, define, delete, deactivate, move);
    ``subject`` is what it is done to: a contract, an application, a tenant, a partnership, a role of a
    tenant, a user or a group. ``when`` is the planned moment, if it is planned. ``asked`` is whatever else
    the act was told (ready for JSON): another wish is another impact. ``also`` are applications that it will
    lock besides those of its subject, to be locked together with them. ``renamed``: what it only gives
    another name, former → new; what is held under the new name is not lost. ``by`` is who looks: of acts on
    people and groups, it is told of roles only as far as he may read them. ``named``: so many people are told
    by name; counted are all. ``answers``: what the page has read of him already; only a look that is taken
    back goes by it, whoever carries the act out is asked anew.
    """

    name: str
    tenant: Tenant
    subject: Any
    at: datetime
    when: datetime | None = None
    asked: Any = None
    also: frozenset[str] = frozenset()
    by: Actor | None = None
    renamed: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    named: int = 500
    answers: Answers | None = None

    @property
    def moment(self) -> datetime:
        """From when on it takes something away."""
        return max(self.when or self.at, self.at)


@dataclass(frozen=True, slots=True)
class Part:
    """``shown`` are members of the wire form; ``weighed`` is what the revision is made of, ready for JSON.

    ``ours``: how many people of the acting organization lose something.
    """

    shown: Mapping[str, Any] = field(default_factory=dict)
    weighed: Any = None
    harmless: bool = True  # nobody loses anything, as far as this part knows
    ours: int = 0


@dataclass(frozen=True, slots=True)
class Impact:
    """What the act takes away. ``revision`` changes when the world moves in a way that changes the answer."""

    action: str
    at: datetime
    revision: str
    parts: Mapping[str, Any]
    takes_nothing: bool
    ours: int = 0

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {"action": self.action, "at": rfc3339(self.at), "revision": self.revision, **self.parts}


class ImpactRequired(DomainError):
    """The act cannot be taken back: it takes the revision of an impact that was shown. ``data`` holds it."""

    code = "impact_required"
    kind = Kind.PRECONDITION


class ImpactChanged(DomainError):
    """The world moved since the impact was shown. ``data`` holds the impact as it is now."""

    code = "impact_changed"
    kind = Kind.STALE


class ImpactBusy(DomainError):
    """Somebody else acts on the same things just now, or the look took too long. Asked again, it goes."""

    code = "impact_busy"


_foreseen: ContextVar[Act | None] = ContextVar("foreseen", default=None)


def is_foreseen(name: str, subject: Any) -> bool:
    """Whether this very act is only foreseen: what it would write is taken back in any case.

    It must refuse as ever. Where its end is known without it, it may write nothing, and the look after it
    says what would be so; carried out, it is done and looked at, and has to come to the same revision.
    """
    act = _foreseen.get()
    return act is not None and act.name == name and bool(act.subject == subject)


def answers_of_looker(name: str, subject: Any) -> Answers | None:
    """What the page has read of who looks, while this very act is only foreseen; of a real one, nothing.

    Only for what the act asks before it writes anything: what it moves may be what the actor holds.
    """
    act = _foreseen.get()
    return act.answers if act is not None and is_foreseen(name, subject) else None


def foreseen_user(name: str, user_id: UUID) -> User | None:
    """The person of this very act, as whoever asked has just read him, where his end is only foreseen.

    What refuses the act is asked as ever; nothing is written, and his row is not asked for again.
    """
    act = _foreseen.get()
    subject = act.subject if act is not None and act.name == name else None
    return subject if isinstance(subject, User) and subject.pk == user_id else None


class _TakenBack(Exception):
    """Rolls the savepoint back once both looks were taken."""


def foresee(act: Act, do: Callable[[], object]) -> Impact:
    """What ``do`` would take away; afterwards nothing has happened. Refusals of the act are raised.

    Looking takes the locks of the act for as long as it takes: one look at a time for each tenant, and none
    that waits or works for long (:class:`ImpactBusy`), so that nobody keeps others from acting by looking.
    """
    found: list[Impact] = []
    token = _foreseen.set(act)
    try:
        with looking(act.tenant), unrecorded():  # one act may have thousands of rows of history
            found.append(weigh(act, do)[0])
            raise _TakenBack
    except _TakenBack:
        return found[0]
    finally:
        _foreseen.reset(token)


def carry_out(
    act: Act,
    do: Callable[[], Done],
    *,
    expected: str | None,
    required: bool,
    unless_nothing: bool = False,
) -> Done:
    """Do it if what it takes away is what was shown (``expected``, an impact's revision).

    Without a revision: :class:`ImpactRequired` where one is ``required`` (with ``unless_nothing``: and it
    takes something), otherwise it is simply done.
    """
    if expected is None and not required:
        return do()
    with transaction.atomic():
        impact, done = weigh(act, do)
        if expected is None and unless_nothing and impact.takes_nothing:
            return done
        if expected is None:
            text = "Look at the impact first, then send its revision in If-Match. Nothing was changed."
            raise ImpactRequired(text, data={"impact": impact.as_json()})
        if expected != impact.revision:
            text = "What this takes away has changed since it was shown. Nothing was changed by you."
            raise ImpactChanged(text, data={"impact": impact.as_json()})
    return done


def weigh(act: Act, do: Callable[[], Done]) -> tuple[Impact, Done]:
    """The act between its two looks, in the caller's transaction: what it took away, and what it answered."""
    answers: list[tuple[Any, Any]] = act_weighed.send(sender=Act, act=act)
    looks: list[Look] = [look for _, look in answers if look is not None]
    done = do()
    shown: dict[str, Any] = {}
    weighed: list[Any] = [act.name, rfc3339(act.when), act.asked]
    harmless, ours = True, 0
    for look in looks:
        part = look()
        shown |= part.shown
        weighed.append(part.weighed)
        harmless, ours = harmless and part.harmless, ours + part.ours
    return Impact(act.name, act.moment, revision_of(weighed), shown, harmless, ours), done


@contextmanager
def looking(tenant: Tenant) -> Iterator[None]:
    """:func:`patient`, and one at a time for each tenant."""
    with patient():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"impact:{tenant.id}"])
        yield


@contextmanager
def patient() -> Iterator[None]:
    """All or nothing; what waits or works for long, or would wait for ever, is :class:`ImpactBusy`.

    The limits are local to the savepoint, and taken back with it.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_PATIENCE, [LONGEST_WAIT, LONGEST_WORK])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable | QueryCanceled | DeadlockDetected):
            raise ImpactBusy("Others are at work on this at the moment. Nothing was changed.") from error
        raise


def foreseen_subject(name: str, kind: type[Subject]) -> Subject | None:
    """What this very act is done to, as whoever asked has just read it, where it is only foreseen.

    What refuses the act is asked as ever; nothing is written, and the look at it holds the tenant.
    """
    act = _foreseen.get()
    subject = act.subject if act is not None and act.name == name else None
    return subject if isinstance(subject, kind) else None


def revision_of(weighed: Any) -> str:
    """Stands for what was shown: ``i-`` and 32 hexadecimal digits. ``weighed`` is ready for JSON."""
    canonical = json.dumps(weighed, separators=(",", ":"), sort_keys=True, default=str)
    return "i-" + hashlib.sha256(canonical.encode()).hexdigest()[:32]
