"""``reseal_secrets``: after a new key stands first in ``PORTAL_ENCRYPTION_KEYS``."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from accesscontrol.actions import rotation
from applications.actions import webhook_secrets
from iam_portal import wall_check
from tenants.actions import resealing


class Command(BaseCommand):
    """Idempotent; killed, it goes on where it stopped. Exit 1 where something can be read by no key."""

    help = "Encrypt what is sealed at rest with the newest key of PORTAL_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for name, done in (
            ("private signing keys", rotation.reseal()),
            ("webhook secrets", webhook_secrets.reseal()),
            ("secrets of authenticator apps", resealing.reseal()),
            ("identity providers", resealing.reseal_providers()),
            ("notes and anchors of history", resealing.reseal_history()),
        ):
            self.stdout.write(f"{name}: {done.changed} sealed anew, {done.unreadable} unreadable")
            unreadable += done.unreadable
        if unreadable:
            self.stdout.write(
                "Some were sealed by a key that is not in the ring: keep or put back the old keys."
            )
            sys.exit(1)
        if wall_check.knows_newest(connection) is False:
            self.stdout.write("Everything is sealed by the newest key, which the wall does not know yet:")
            self.stdout.write("run seal_wall as the owner before the older ones go.")
        else:
            self.stdout.write("Everything is sealed by the newest key: the older ones may go.")
