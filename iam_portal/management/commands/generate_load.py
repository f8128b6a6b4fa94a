"""`manage.py generate_load`: a world of any size, for measuring."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from iam_portal.launchers.load.loading import Refused, load
from iam_portal.launchers.load.sizes import Sizes


class Command(BaseCommand):
    """The same numbers, seed and moment give the same rows on every machine."""

    help = "Fill an empty portal with organizations, applications, contracts and people, in bulk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenants", type=int, default=10_000)
        parser.add_argument("--applications", type=int, default=2_000)
        parser.add_argument("--contracts", type=int, default=1_000_000)
        parser.add_argument("--users", type=int, default=100_000)
        parser.add_argument("--assignments", type=int, default=1_000_000, help="in all, about")
        parser.add_argument("--name", default="load", help="slugs begin with it")
        parser.add_argument("--seed", type=int, default=7, help="what is drawn by lot")
        parser.add_argument("--at", type=_moment, help="when the world is as it is; today's beginning if not")
        parser.add_argument("--into", default="", help="the database, where organizations are there already")

    def handle(self, *_arguments: object, **options: Any) -> None:
        names = ("name", "tenants", "applications", "contracts", "users", "assignments", "seed")
        at = options["at"] or timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            sizes = Sizes(**{name: options[name] for name in names})
            load(sizes, at=at, into=options["into"], tell=self.stdout.write)
        except Refused as refused:
            raise CommandError(str(refused)) from refused


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ValueError(text)
    return found
