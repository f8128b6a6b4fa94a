"""``manage.py verify_history``: walk every tenant's chain; exit 1 when one is broken."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from tenants.actions import verification
from tenants.models import Tenant


class Command(BaseCommand):
    """Prints the first broken link of each tenant, and notes the result for its record."""

    help = "Prove that no history row was altered, removed or slipped in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", help="only these organizations")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.order_by("slug")
        if options["slugs"]:
            tenants = tenants.filter(slug__in=options["slugs"])
        broken = 0
        for tenant in tenants:
            if found := verification.check(tenant_id=tenant.id, at=timezone.now()):
                broken += 1
                where = f"position {found.position}" if found.position else "no position"
                row = f"at row {found.event_id} " if found.event_id else ""
                self.stdout.write(f"{tenant.slug}: broken {row}({where}): {found.why}")
            else:
                self.stdout.write(f"{tenant.slug}: whole")
        if broken:
            sys.exit(1)
