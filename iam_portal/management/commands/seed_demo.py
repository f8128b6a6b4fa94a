"""`manage.py seed_demo`: the companies, applications and contracts of the demo, and its story."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from iam_portal.launchers import story
from iam_portal.launchers.seed.engine import seed
from iam_portal.launchers.seed.world import WORLD


class Command(BaseCommand):
    """Idempotent. Prints the story: the address, two logins and the lines of curl."""

    help = "Fill the portal with a believable group of companies and write story.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dir", type=Path, default=Path(".demo"), help="where story.json stays")

    def handle(self, *_arguments: object, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Demo data has known passwords. It does not belong in production.")
        seed(WORLD, at=timezone.now())
        told = story.written(options["dir"], at=timezone.now())
        self.stdout.write(story.text(told))
