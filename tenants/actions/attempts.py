"""Guessing passwords: what was refused is counted in the database, by all processes together, and forgotten.

Nobody is shut out by others for long. What counts is one name from one network; where a name or the whole
organization is tried from many networks, each of them has fewer tries, but always some. A browser in which a
person has signed in before has tries of its own: whoever shares a network with a guesser needs no other one.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant
from tenants import hashers
from tenants.history import record
from tenants.models import SignInFailure, Tenant, User

FAILURES = 10  # refused attempts on one name from one network …
ADDRESS_FAILURES = 50  # … or on all names of an organization …
NETWORK_FAILURES = 200  # … or of all organizations …
WINDOW = timedelta(minutes=5)  # … in this time
NAME_FAILURES = 40  # on one name from all networks, after which each of them …
ORGANIZATION_FAILURES = 400  # … or on all names from all networks, after which each of them …
FEW = 3  # … has so many tries of a name
MEMORY = timedelta(hours=1)  # of one hour, history keeps …
NAME_RECORDED = 10  # … so many refusals of one name …
RECORDED = 100  # … and of one organization


class TooManyAttempts(DomainError):
    """This name, or names of this organization, were tried too often from here, known or not."""

    code = "too_many_attempts"
    kind = Kind.THROTTLED


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was sent to the sign-in page. ``slug`` matters where it named no tenant.

    ``browser`` is what one known to the person is counted by; empty for any other. ``names`` are all by which
    this person signs in; of nobody, just as many.
    """

    slug: str
    username: str
    source_address: str
    at: datetime
    browser: str = ""
    names: tuple[str, str] = ("", "")

    @property
    def organization(self) -> str:
        """What digests of attempts on the same organization, real or not, begin with."""
        return hashers.digest(self.slug)[:16]

    @property
    def digest(self) -> str:
        return self._of(self.username)

    @property
    def digests(self) -> list[str]:
        """Of this and of every name of the same person."""
        return [self.digest, *(self._of(name) for name in self.names)]

    @property
    def origin(self) -> str:
        """What counts: a known browser, else the network it comes from."""
        return self.browser or network(self.source_address)

    def _of(self, name: str) -> str:
        return self.organization + hashers.digest(f"{self.slug}:{name}")[16:]


@dataclass(frozen=True, slots=True)
class Counted:
    """Whether a refusal of this attempt is written into history, and whether it is the last for now.

    ``hopeless``: the person's tries are used up under his names together. It is refused as if the password
    were wrong: said aloud, it would tell a stranger that two names are one person's, and that there is one.
    """

    recorded: bool
    last: bool
    hopeless: bool


def network(source_address: str) -> str:
    """The address that counts. Of IPv6 it is the /64: whoever has one of its addresses has them all."""
    try:
        address = ipaddress.ip_address(source_address)
    except ValueError:
        return source_address
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def count(*, tenant: Tenant, attempt: Attempt) -> Counted:
    """Note the attempt as refused, before it is known to be; a success takes it back (:func:`forgive`).

    One at a time for an organization and an origin: parallel guesses are all counted before they compare.
    """
    with connection.cursor() as cursor:
        lock = f"sign-in:{tenant.id}:{attempt.organization}:{attempt.origin}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    recent = _failures(tenant, attempt).filter(at__gt=attempt.at - WINDOW)
    here = recent.filter(source_address=attempt.origin)
    named, person = models.Q(attempt=attempt.digest), models.Q(attempt__in=attempt.digests)
    flood = _reached(recent, ORGANIZATION_FAILURES)
    closed = [_nth(here.filter(named), _most(recent.filter(named), attempt, flood))]
    # An unknown address would be everybody's: there one guesser could shut all the others out.
    if attempt.origin:
        closed += [_nth(here, ADDRESS_FAILURES), _anywhere(attempt)]
    if since := max((moment for moment in closed if moment), default=None):
        raise _too_many(attempt, since + WINDOW - attempt.at)
    most = _most(recent.filter(person), attempt, flood)
    hopeless = _reached(here.filter(person), most)
    lately = _beside(tenant, attempt).filter(at__gt=attempt.at - MEMORY)
    of_name = lately.filter(named).order_by()[:NAME_RECORDED].count()
    recorded = of_name < NAME_RECORDED and not _reached(lately, RECORDED)
    SignInFailure.objects.filter(tenant=tenant, at__lte=attempt.at - MEMORY).delete()
    SignInFailure.objects.create(
        tenant=tenant, attempt=attempt.digest, source_address=attempt.origin, at=attempt.at
    )
    return Counted(recorded, of_name == NAME_RECORDED - 1, hopeless)


def forgive(*, tenant: Tenant, attempt: Attempt) -> None:
    """The right password takes back what counted against this person from here, and nobody else's."""
    _failures(tenant, attempt).filter(attempt__in=attempt.digests, source_address=attempt.origin).delete()


def note(
    counted: Counted, *, tenant: Tenant, user: User | None, attempt: Attempt, because: str, request_id: str
) -> None:
    """Write the refusal into history, as much of it as is kept.

    For a name that nobody has, as for one that somebody has: else the time it takes would tell them apart.
    What was typed is not written: people type passwords there.
    """
    if not counted.recorded:
        return
    by = Actor("system", "sign-in", "somebody", None, request_id, attempt.source_address)
    record(
        action="session.refused" if user else "session.unknown",
        tenants=[tenant],
        by=by,
        at=attempt.at,
        subject=("user", user.id, str(user)) if user else ("tenant", tenant.id, tenant.name),
        after={"because": because, **({"furtherNotRecorded": True} if counted.last else {})},
    )


def _most(named: models.QuerySet[SignInFailure], attempt: Attempt, flood: bool) -> int:
    """How many tries an origin has: few where all of them tried too often together; a known browser all."""
    tried = _reached(named, NAME_FAILURES) or flood
    return FEW if tried and not attempt.browser else FAILURES


def _failures(tenant: Tenant, attempt: Attempt) -> models.QuerySet[SignInFailure]:
    """Of this organization, from anywhere."""
    return SignInFailure.objects.filter(tenant=tenant, attempt__startswith=attempt.organization)


def _beside(tenant: Tenant, attempt: Attempt) -> models.QuerySet[SignInFailure]:
    """Those that fill the same part of the record: of a tenant, or of all organizations that there are not.

    Who makes up organizations must neither fill the platform's record nor hide there who tries the operators.
    """
    own = models.Q(attempt__startswith=hashers.digest(tenant.slug)[:16])
    here = attempt.organization == hashers.digest(tenant.slug)[:16]
    return SignInFailure.objects.filter(own if here else ~own, tenant=tenant)


def _anywhere(attempt: Attempt) -> datetime | None:
    """Since when its network is too busy, over all organizations, also those that somebody makes up."""
    with cross_tenant():
        rows = SignInFailure.objects.filter(source_address=attempt.origin, at__gt=attempt.at - WINDOW)
        return _nth(rows, NETWORK_FAILURES)


def _nth(rows: models.QuerySet[SignInFailure], number: int) -> datetime | None:
    """When the so many latest was: until it is forgotten there is none more."""
    return rows.order_by("-at").values_list("at", flat=True)[number - 1 : number].first()


def _reached(rows: models.QuerySet[SignInFailure], number: int) -> bool:
    """Looks at no more than so many rows: a flood must not make the look longer."""
    return bool(rows.order_by()[:number].count() >= number)


def _too_many(attempt: Attempt, left: timedelta) -> TooManyAttempts:
    seconds = max(1, math.ceil(left.total_seconds()))
    minutes = math.ceil(seconds / 60)
    said = ngettext(
        "Too many attempts. Try again in about %(minutes)d minute.",
        "Too many attempts. Try again in about %(minutes)d minutes.",
        minutes,
    ) % {"minutes": minutes}
    if not attempt.browser:
        elsewhere = _("It works now from another network, and in a browser that you have signed in with.")
        said = f"{said} {elsewhere}"
    return TooManyAttempts(said, data={"retryAfter": seconds})
