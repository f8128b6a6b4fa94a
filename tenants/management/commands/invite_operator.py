"""``invite_operator``: the first person of the platform organization, who makes all others."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from tenants.actions import founding
from tenants.models import Tenant


class Command(BaseCommand):
    """The link goes to the mailbox; it is printed nowhere."""

    help = "Invite the platform's first administrator. Once somebody has come in, people invite people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="where the link goes")
        parser.add_argument("--name", help="as colleagues know the person")
        parser.add_argument("--username", help="for signing in; without it, the e-mail address")
        parser.add_argument(
            "--again", action="store_true", help="send it once more, or to another mailbox: nobody came in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        platform, at = Tenant.objects.get(is_platform=True), timezone.now()
        by, email = Actor.system("the command line"), options["email"]
        try:
            if options["again"]:
                founding.invite_again(tenant=platform, email=email, by=by, at=at)
            else:
                founding.hand_over(
                    tenant=platform,
                    display_name=options["name"] or email,
                    email=email,
                    username=options["username"] or email,
                    by=by,
                    at=at,
                )
        except DomainError as refusal:
            raise CommandError(refusal.detail) from refusal
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from refusal
        except ValueError as refusal:  # the portal's roles are held there already
            raise CommandError(f"{refusal}; use --again if nobody has come in.") from refusal
        self.stdout.write(f"An invitation to {platform.name} is on its way to {email}.")
