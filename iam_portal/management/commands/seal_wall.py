"""``seal_wall``: after an upgrade from a release without seals, and with a new ``PORTAL_ENCRYPTION_KEYS``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections, transaction

from iam_portal import wall_seals
from iam_portal.wall_sql import NO_TEMPORARY_TABLES


class Command(BaseCommand):
    """Idempotent. A process whose ring shares no key with this one sees nothing from then on."""

    help = "Let the second wall believe processes with a key of PORTAL_ENCRYPTION_KEYS, and nobody else."

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in connections:
            raise CommandError("seal_wall needs DATABASE_OWNER_URL: the address of the owner of the tables.")
        keys = list(wall_seals.keys())
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            added = "INSERT INTO iam_wall (key) SELECT unnest(%s::bytea[]) ON CONFLICT DO NOTHING"
            cursor.execute(added, [keys])
            new = cursor.rowcount
            cursor.execute("DELETE FROM iam_wall WHERE key <> ALL (%s::bytea[])", [keys])
            old = cursor.rowcount
            cursor.execute(NO_TEMPORARY_TABLES)
            cursor.execute("SELECT has_database_privilege('iam_web', current_database(), 'TEMPORARY')")
            (temporary,) = cursor.fetchone()
        self.stdout.write(f"The wall believes {len(keys)} keys: {new} new, {old} forgotten.")
        if temporary:
            self.stdout.write("iam_web may make temporary tables: the owner of the database takes that away.")
