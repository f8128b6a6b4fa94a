"""``migrate`` as the owner of the tables, then the installation's own rows (platform tenant, portal, key)."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.utils import timezone

from accesscontrol.actions import portal


class Command(migrate.Command):
    """The web role owns nothing, so migrations run on the connection ``owner``."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Before anything connects: web and worker processes are not given the owner's address."""
        if options["database"] not in connections:
            raise CommandError("migrate needs DATABASE_OWNER_URL: the address of the owner of the tables.")
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> str | None:
        result = super().handle(*args, **options)
        if not options["app_label"] and not options["plan"] and not options["check_unapplied"]:
            portal.install(at=timezone.now())
        return result
