"""`manage.py demo`: the whole portal with demo data, on this machine only."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from iam_portal.launchers import demo, example, story_check


class Command(BaseCommand):
    """Needs no settings: it makes them for the processes that it starts."""

    help = "Start the database, the broker, the web server, a worker and the schedule, with demo data."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the loopback address")
        parser.add_argument("--dir", type=Path, default=Path(".demo"), help="where its data stays")
        parser.add_argument("--check", action="store_true", help="try the story, stop all, exit 0 or 1")

        parser.add_argument("--example", action="store_true", help="start an application behind it, too")

    def handle(self, *_arguments: object, **options: Any) -> None:
        self.stdout.ending = ""  # steps are said in two parts on one line
        check = story_check.run if options["check"] else None
        beside = example.begin if options["example"] else None
        where = {"port": options["port"], "directory": options["dir"]}
        sys.exit(demo.run(**where, output=self.stdout, check=check, beside=beside))
