"""`manage.py serve_tokens`: the processes in front of the doors where clients come for tokens."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from iam_portal.token_service import server


class Command(BaseCommand):
    """Any number may run, at one port or at several; each confirms its answers by itself."""

    help = "Serve token requests beside the web servers, to a proxy that hands them on by their address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to bind")
        parser.add_argument("--port", type=int, default=8002, help="port to bind")
        parser.add_argument("--workers", type=int, default=1, help="processes that share the port")

    def handle(self, *_arguments: object, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if options["workers"] == 1:
            server.run(host, port)
            return
        command = [sys.executable, sys.argv[0], "serve_tokens", "--host", host, "--port", str(port)]
        sys.exit(server.run_many(command, options["workers"]))
