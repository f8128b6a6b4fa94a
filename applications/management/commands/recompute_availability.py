"""``recompute_availability [--dry-run]``: compare grants and read model with the facts, by hand."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from applications import readmodel
from applications.actions import watch


class Command(BaseCommand):
    """Prints every row that differs; heals unless told only to look."""

    help = "Compare grants and availability with the facts, print what differs, and mend it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only print, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        found = readmodel.differences() if options["dry_run"] else watch.heal(at=timezone.now())
        count = 0
        for table, rows in found.items():
            for row in rows:
                count += 1
                self.stdout.write(f"{table}: {row[0]}: " + ", ".join(str(value) for value in row[1:]))
        word = "differ" if options["dry_run"] else "mended"
        self.stdout.write(f"{count} rows {word}.")
