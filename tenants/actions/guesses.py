"""Codes and passwords that somebody guesses who knows half already: counted for the person, and ended.

Only who gave the right password, or is signed in, comes here; so nobody else can use up a person's attempts.
Passkeys and recovery codes cannot be guessed and are not counted: by them the person himself always gets in.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants import emails, policies
from tenants.actions.attempts import network
from tenants.history import record
from tenants.models import ProofFailure, User

FAILURES, WINDOW = 10, timedelta(minutes=5)
# Of a million codes three are good at a time: this many a day find one in eighteen years, on average.
FAILURES_A_DAY, DAY = 50, timedelta(days=1)


class TooManyGuesses(DomainError):
    """Refused, however right this one may be."""

    code = "too_many_attempts"
    kind = Kind.THROTTLED


def count(*, user: User, by: Actor, at: datetime) -> None:
    """Note an attempt as refused, before it is known to be; :func:`forget` takes it back.

    In a transaction of its own, which must commit. The person is locked: parallel guesses are all counted.
    """
    with tenant_scope(user.tenant_id):
        policies.held_user(tenant=user.tenant, user_id=user.pk)
        rows = ProofFailure.objects.filter(tenant_id=user.tenant_id, user=user)
        lately = rows.filter(at__gt=at - WINDOW).count()
        today = rows.filter(at__gt=at - DAY).count()
        if lately >= FAILURES or today >= FAILURES_A_DAY:
            wait = WINDOW if today < FAILURES_A_DAY else DAY
            raise TooManyGuesses(_sentence(wait), data={"retryAfter": int(wait.total_seconds())})
        rows.filter(at__lte=at - DAY).delete()
        counted = {"tenant_id": user.tenant_id, "user": user, "source_address": _from(by)}
        ProofFailure.objects.create(at=at, **counted)
        # Also who guesses slowly is noticed, and when the day is used up.
        if lately == FAILURES - 1 or today in (FAILURES - 1, FAILURES_A_DAY - 1):
            _warn(user, by, at, today + 1)


def forget(*, user: User, by: Actor, at: datetime) -> None:
    """This one was right, and so were those that were mistyped just before it, in the same place.

    What others tried from elsewhere, or before, stays counted: whoever guesses must not begin anew each time
    that the person himself comes in.
    """
    rows = ProofFailure.objects.filter(user=user, at__gt=at - WINDOW)
    rows.filter(source_address=_from(by)).delete()


def _from(by: Actor) -> str:
    return network(by.source_address)[:64]


def _sentence(wait: timedelta) -> str:
    if wait == DAY:
        return _("Too many attempts today. Use a passkey or a recovery code, or come back tomorrow.")
    return _("Too many attempts. Wait 5 minutes.")


def _warn(user: User, by: Actor, at: datetime, number: int) -> None:
    """Whoever guesses here knows the password, or has the browser: its owner should know."""
    after = {"attempts": number}
    subject = ("user", user.id, str(user))
    record(action="factor.guessed", tenants=[user.tenant_id], by=by, at=at, subject=subject, after=after)
    text = said(
        "somebody who knows your password, or uses your browser, gave a wrong code or password %(count)d"
        " times. If it was not you, set a new password and end your other sessions.",
        {"count": number},
    )
    emails.tell(user=user, subject=said("Attempts to sign in as you"), text=text)
