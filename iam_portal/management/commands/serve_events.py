"""`manage.py serve_events`: the small process for those who wait for events."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from iam_portal.live import server


class Command(BaseCommand):
    """Any number may run: each listens for itself, and each place is counted where it is."""

    help = "Serve events to those who wait: pages with wait=, and text/event-stream."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to bind")
        parser.add_argument("--port", type=int, default=8001, help="port to bind")

    def handle(self, *_arguments: object, **options: Any) -> None:
        asyncio.run(server.run(options["host"], options["port"]))
