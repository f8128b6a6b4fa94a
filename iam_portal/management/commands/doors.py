"""Writes the table of doors."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iam_portal.launchers import doors


class Command(BaseCommand):
    """Needs no database."""

    help = "Write every address, with what it asks for, as Markdown."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        options["file"].write_text(doors.document())
