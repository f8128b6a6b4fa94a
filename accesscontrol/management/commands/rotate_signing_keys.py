"""``rotate_signing_keys [--at MOMENT | --now | --compromised KID… | --list]``."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accesscontrol.actions import keys, rotation
from accesscontrol.models import SigningKey
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from iam_portal.gate import Actor

_ELSEWHERE = keys.MAX_AGE + keys.LOOK_AGAIN
_WITHDRAWN = """\
{one.kid} ({one.algorithm}) is withdrawn.
What it signed is refused here within {here:.0f} s. Who checks by JWKS alone still takes it for up to
{there:.0f} s, or until his copy of the keys is cleared. Services get new tokens by their own credentials,
people's applications by their refresh tokens. ID tokens that it signed are no hint at sign-out any more.
{one.signer} signs now, published"""
_UNKNOWN_YET = """\
 only since {since}.
Who neither looks again for an unknown key nor clears his copy refuses its tokens for up to {there:.0f} s."""


class Command(BaseCommand):
    """Prints key ids and moments only; no private part is ever shown."""

    help = "Publish the next signing key, which takes over by itself; or withdraw one that others may have."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--at", type=_moment, metavar="MOMENT", help="when the next one signs: RFC 3339")
        what.add_argument(
            "--now", action="store_true", help="as soon as every verifier must have seen it: some minutes"
        )
        what.add_argument(
            "--compromised", nargs="+", metavar="KID", help="withdraw these at once: their tokens are refused"
        )
        what.add_argument("--list", action="store_true", help="show the keys, change nothing")
        parser.add_argument("--algorithm", choices=keys.ALGORITHMS, help="of this algorithm only")
        parser.add_argument("--by", default="the command line", help="your name, for history")

    def handle(self, *args: Any, **options: Any) -> None:
        at, by = timezone.now(), Actor.system(options["by"])
        algorithms = [options["algorithm"]] if options["algorithm"] else keys.ALGORITHMS
        try:
            if options["compromised"]:
                self._withdrawn(rotation.withdraw(kids=options["compromised"], by=by, at=at), at)
            elif options["now"]:
                rotation.plan_soonest(algorithms=algorithms, by=by, at=at)
            elif not options["list"]:
                rotation.plan(algorithms=algorithms, by=by, at=at, begins_at=options["at"])
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        self._list(at)

    def _withdrawn(self, replaced: Sequence[rotation.Replaced], at: datetime) -> None:
        """What it breaks, and for how long."""
        if not replaced:
            self.stdout.write("Withdrawn already; nothing was changed.")
        for one in replaced:
            since = rfc3339(one.published_at)
            young = at - one.published_at < rotation.PUBLISHED_FOR
            text = _WITHDRAWN + (_UNKNOWN_YET if young else " since {since}.")
            self.stdout.write(text.format(one=one, since=since, here=keys.LOOK_AGAIN, there=_ELSEWHERE))

    def _list(self, at: datetime) -> None:
        self.stdout.write(f"{'key':<44}{'kind':<7}{'state':<11}{'signs from':<22}{'until':<22}verifies until")
        for row in SigningKey.objects.order_by("algorithm", "active_from", "created_at"):
            moments = "".join(f"{_said(moment):<22}" for moment in (row.active_from, row.retired_at))
            state = f"{row.state(at):<11}"
            self.stdout.write(f"{row.kid:<44}{row.algorithm:<7}{state}{moments}{_said(row.withdrawn_at)}")


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ArgumentTypeError("a moment is written 2027-01-31T06:00:00Z")
    return found


def _said(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "-"
