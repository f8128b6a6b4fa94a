"""Writes the table of refusals."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iam_portal.launchers import errors


class Command(BaseCommand):
    """Needs no database."""

    help = "Write every code of a refusal, with what to do about it, as Markdown."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        options["file"].write_text(errors.document())
