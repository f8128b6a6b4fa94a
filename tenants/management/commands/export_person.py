"""``export_person``: a copy of all that an organization keeps about one of its people."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from iam_portal.errors import NotFound
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import exporting
from tenants.models import Tenant, User


class Command(BaseCommand):
    """Prints JSON; history has who asked for it."""

    help = "Print all that is kept about a person as JSON, and record it in the organization's history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, help="its short name")
        parser.add_argument("--user", required=True, help="user name, or id (also of a deleted person)")
        parser.add_argument("--by", default="the command line", help="who asked for it, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["organization"]).first()
        if tenant is None:
            raise CommandError("There is no such organization.")
        by, at = Actor.system(options["by"]), timezone.now()
        try:
            told = exporting.export(tenant=tenant, user_id=_id(tenant, options["user"]), by=by, at=at)
        except NotFound as refusal:
            raise CommandError("There is nobody of this name in the organization.") from refusal
        self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))


def _id(tenant: Tenant, named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        pass
    with tenant_scope(tenant.id):
        user = User.objects.filter(tenant=tenant, username__iexact=named).first()
    if user is None:
        raise NotFound
    return user.id
