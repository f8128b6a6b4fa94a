"""Writes the table of doors, and that of the roles that open them."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iam_portal.launchers import doors, role_doors


class Command(BaseCommand):
    """Needs no database."""

    help = "Write every address, with what it asks for and which role opens it, as Markdown."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        (options["folder"] / "doors.md").write_text(doors.document())
        (options["folder"] / "roles.md").write_text(role_doors.document())
