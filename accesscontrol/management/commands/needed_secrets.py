"""``needed_secrets``: before an old key of the ring, or an old pepper, is taken out."""

import sys
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from accesscontrol.installation import keyrings
from iam_portal import wall_check


class Command(BaseCommand):
    """Numbers and places, no byte of a secret. Exit 1 while anything needs more than the newest of each."""

    help = "Say how much still needs each of PORTAL_ENCRYPTION_KEYS and of PORTAL_SECRET_PEPPERS."

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        sealed: Counter[int | None] = sum(keyrings.needed(at=at).values(), Counter())
        known = wall_check.knows_newest(connection) is not False
        for place in range(1, len(settings.PORTAL_ENCRYPTION_KEYS) + 1):
            self.stdout.write(
                f"encryption key {place}: {sealed[place]}{_verdict(sealed[place], place == 1, known)}"
            )
        if not known:
            self.stdout.write("the wall does not know encryption key 1: run seal_wall as the owner")
        if sealed[None]:
            self.stdout.write(f"no key of the ring: {sealed[None]}, put back the one that is missing")
        peppers = keyrings.peppers(at=at)
        for pepper in peppers:
            missing = "" if pepper.known else ", put it back"
            verdict = _verdict(pepper.secrets, pepper.newest)
            self.stdout.write(f"pepper {pepper.number}: {pepper.secrets}{missing or verdict}")
        old = sum(pepper.secrets for pepper in peppers if not pepper.newest)
        sys.exit(1 if old or not known or sealed.total() - sealed[1] else 0)


def _verdict(count: int, newest: bool, replaced: bool = True) -> str:
    if newest:
        return ", the newest"
    return ", still needed" if count or not replaced else ", may go"
