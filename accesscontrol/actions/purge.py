"""The job's act for what signing in and requests leave behind: rows of no use, and of no warning, any more.

Kept past their use, so that a second one is still seen and ends the family: a code for a day, an exchanged
refresh token for two; a sign-in for thirty days past its end, so that impacts know when somebody last used an
application. After that a stolen one is unknown, which gives nothing either. Browsers' sessions go by a
setting, never before what hangs on them; a refused sign-in once it counts no more, and what somebody had
typed when he had to sign in again once it is given out no more. History still says who was there.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from accesscontrol.actions import traces
from accesscontrol.actions.pushed_requests import SIGNING_IN
from accesscontrol.models import (
    Authorization,
    AuthorizationCode,
    PushedRequest,
    RefreshToken,
    RevokedToken,
    UsedProof,
)
from applications.models import UsedAssertion
from iam_portal.walls import cross_tenant
from tenants.actions import tallies
from tenants.actions.attempts import MEMORY
from tenants.actions.guesses import DAY
from tenants.lifetimes import Lifetime, bounds
from tenants.models import (
    IdempotentReply,
    KeptInput,
    ProofFailure,
    ProviderArrival,
    SignInFailure,
    SignInStep,
    SpentChallenge,
    Tally,
    UserSession,
)

BATCH = 1_000  # rows of a transaction: no lock is held for long
CODES_KEPT = timedelta(days=1)
EXCHANGED_KEPT = timedelta(days=2)
ENDED_KEPT = timedelta(days=30)
CLOCKS_DIFFER = timedelta(minutes=5)  # what is refused until its end is so on each machine's clock


def run(*, at: datetime) -> int:
    """Delete what is over, batch by batch, in any number of processes. How many rows.

    Killed at any point it has lost nothing: each batch is a whole transaction, and the next run goes on.
    """
    of_sign_ins = (_codes, _refresh_tokens, _authorizations, _sessions, _failures)
    of_factors = (_steps, _arrivals, _guesses, _challenges)
    others = (_revoked, _assertions, _proofs, _pushed, _replies, _inputs, _tallies)
    gone = sum(_emptied(rows, at) for rows in (*of_sign_ins, *of_factors, *others))
    return gone + traces.fold(at=at)


def _emptied(rows: Callable[[datetime], models.QuerySet[Any]], at: datetime) -> int:
    total = 0
    while (deleted := _batch(rows(at))) == BATCH:
        total += deleted
    return total + deleted


def _batch(rows: models.QuerySet[Any]) -> int:
    """One transaction. A row that somebody holds is left to the next run."""
    with transaction.atomic(), cross_tenant():  # the job keeps house for all tenants
        locked = rows.select_for_update(of=("self",), skip_locked=True)
        keys = list(locked.values_list("pk", flat=True)[:BATCH])
        rows.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)


def _codes(at: datetime) -> models.QuerySet[AuthorizationCode]:
    return AuthorizationCode.objects.filter(expires_at__lt=at - CODES_KEPT)


def _refresh_tokens(at: datetime) -> models.QuerySet[RefreshToken]:
    """Exchanged ones. The last of a family is there as long as the family."""
    before = at - EXCHANGED_KEPT
    return RefreshToken.objects.filter(created_at__lt=before, used_at__lt=before)


def _authorizations(at: datetime) -> models.QuerySet[Authorization]:
    """With their codes and refresh tokens. Idle is judged by the longest limit that a tenant may choose."""
    before = at - ENDED_KEPT
    over = Q(ended_at__lt=before) | Q(session__ended_at__lt=before) | Q(session__expires_at__lt=before)
    online = Q(session__isnull=False, used_at__lt=before - _longest(Lifetime.REFRESH_IDLE))
    offline = Q(session=None, used_at__lt=before - _longest(Lifetime.OFFLINE_IDLE))
    # What has ended before that day was not used since: so the index on ``used_at`` finds them all.
    return Authorization.objects.filter(over | online | offline, used_at__lt=before)


def _sessions(at: datetime) -> models.QuerySet[UserSession]:
    """By the day on which it would have ended anyhow: the longest is of a week."""
    codes = AuthorizationCode.objects.filter(session=OuterRef("pk"))
    families = Authorization.objects.filter(session=OuterRef("pk"))
    over = UserSession.objects.filter(expires_at__lt=at - settings.PORTAL_SESSION_RETENTION)
    return over.filter(~Exists(codes), ~Exists(families))


def _failures(at: datetime) -> models.QuerySet[SignInFailure]:
    return SignInFailure.objects.filter(at__lt=at - MEMORY - CLOCKS_DIFFER)


def _steps(at: datetime) -> models.QuerySet[SignInStep]:
    return SignInStep.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _arrivals(at: datetime) -> models.QuerySet[ProviderArrival]:
    """Whoever came from a provider and went no further."""
    return ProviderArrival.objects.filter(step=None, expires_at__lt=at - CLOCKS_DIFFER)


def _guesses(at: datetime) -> models.QuerySet[ProofFailure]:
    return ProofFailure.objects.filter(at__lt=at - DAY - CLOCKS_DIFFER)


def _challenges(at: datetime) -> models.QuerySet[SpentChallenge]:
    return SpentChallenge.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _revoked(at: datetime) -> models.QuerySet[RevokedToken]:
    return RevokedToken.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _assertions(at: datetime) -> models.QuerySet[UsedAssertion]:
    return UsedAssertion.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _proofs(at: datetime) -> models.QuerySet[UsedProof]:
    return UsedProof.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _pushed(at: datetime) -> models.QuerySet[PushedRequest]:
    """Also those that somebody signs in for."""
    return PushedRequest.objects.filter(expires_at__lt=at - SIGNING_IN - CLOCKS_DIFFER)


def _replies(at: datetime) -> models.QuerySet[IdempotentReply]:
    return IdempotentReply.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _inputs(at: datetime) -> models.QuerySet[KeptInput]:
    return KeptInput.objects.filter(expires_at__lt=at - CLOCKS_DIFFER)


def _tallies(at: datetime) -> models.QuerySet[Tally]:
    return tallies.over(at=at - MEMORY - CLOCKS_DIFFER)


def _longest(of: Lifetime) -> timedelta:
    return timedelta(seconds=bounds(of).most)
