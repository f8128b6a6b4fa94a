"""Where does a person have an account? Asked by e-mail address at the entry, answered to that mailbox alone.

Whoever asks is told the same whether anybody has the address, after the same work: a row is written. Later
a job looks who has it, in all tenants, and writes to it; so neither time nor answer tells anything.
"""

import math
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils.translation import ngettext

from iam_portal.errors import DomainError, Kind
from iam_portal.sealing import InvalidToken, seal, unseal
from iam_portal.walls import cross_tenant
from tenants import emails, hashers
from tenants.actions.attempts import network
from tenants.models import OrganizationsAsked, TenantSuspension, User, UserActivity

MEMORY = timedelta(hours=1)
ADDRESS_ASKED = 3  # mails to one address in that time; what is asked more often is silently left out
ASKED = 20  # questions from one network in that time; whoever asks more often is told so
BATCH = 100
MOST = 50  # organizations that a mail names


class AskedTooOften(DomainError):
    """From this network, for whatever addresses."""

    code = "asked_too_often"
    kind = Kind.THROTTLED


def ask(*, email: str, source_address: str, at: datetime) -> None:
    """Note that somebody asks. Nothing is looked up."""
    digest, source = hashers.digest(email.strip().lower()), network(source_address[:64])
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"finding:{source}"])
        recent = OrganizationsAsked.objects.filter(at__gt=at - MEMORY)
        asked = recent.filter(source_address=source).order_by("-at").values_list("at", flat=True)
        if source and (since := asked[ASKED - 1 : ASKED].first()):
            raise _too_often(since + MEMORY - at)
        sealed = seal(email.strip()) if recent.filter(digest=digest).count() < ADDRESS_ASKED else ""
        OrganizationsAsked.objects.create(digest=digest, source_address=source, sealed=sealed, at=at)


def answer_all(*, at: datetime) -> int:
    """The job's act: write to the addresses that were asked for. How many mails there were.

    Each question is taken before its mail goes: killed in between, the mail is lost and not sent twice.
    """
    OrganizationsAsked.objects.filter(at__lte=at - MEMORY).delete()
    sent = 0
    while taken := _taken():
        sent += sum(_answer(address, at) for address in taken)
    return sent


def _too_often(left: timedelta) -> AskedTooOften:
    seconds = max(1, math.ceil(left.total_seconds()))
    minutes = math.ceil(seconds / 60)
    said = ngettext(
        "Too many addresses were asked for from your network. Try again in about %(minutes)d minute.",
        "Too many addresses were asked for from your network. Try again in about %(minutes)d minutes.",
        minutes,
    )
    return AskedTooOften(said % {"minutes": minutes}, data={"retryAfter": seconds})


def _taken() -> list[str]:
    with transaction.atomic():
        rows = OrganizationsAsked.objects.exclude(sealed="").select_for_update(skip_locked=True)
        found = list(rows.order_by("at")[:BATCH])
        OrganizationsAsked.objects.filter(pk__in=[row.pk for row in found]).update(sealed="")
    return [address for row in found if (address := _read(row.sealed))]


def _read(sealed: str) -> str:
    try:
        return unseal(sealed)
    except InvalidToken:  # the key is gone since; whoever asked will ask again
        return ""


def _answer(address: str, at: datetime) -> bool:
    with cross_tenant():
        active = UserActivity.objects.at(at).filter(user=OuterRef("pk"))
        suspended = TenantSuspension.objects.at(at).filter(tenant=OuterRef("tenant"))
        rows = User.objects.annotate(address=Lower("email")).filter(address=address.lower())
        here = rows.filter(Exists(active), ~Exists(suspended)).select_related("tenant")
        people = list(here.order_by("tenant__name")[:MOST])
    if people:
        emails.organizations_of(people[0].email, people)
    return bool(people)
