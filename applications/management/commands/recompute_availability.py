"""``recompute_availability [--dry-run]``: compare grants and read model with the facts, by hand."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from applications import readmodel
from applications.actions import healing


class Command(BaseCommand):
    """Prints every row that differs; heals unless told only to look."""

    help = "Compare grants and availability with the facts, print what differs, and mend it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only print, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for found in [readmodel.differences()] if options["dry_run"] else self._mended():
            for table, rows in found.items():
                for row in rows:
                    count += 1
                    self.stdout.write(f"{table}: {row[0]}: " + ", ".join(str(value) for value in row[1:]))
        word = "differ" if options["dry_run"] else "mended"
        self.stdout.write(f"{count} rows {word}.")

    def _mended(self) -> Iterator[healing.Healed]:
        """Run after run, until nothing differs."""
        while found := healing.heal(at=timezone.now()):
            yield found
