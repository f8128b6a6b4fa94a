"""``manage.py doctor``: what is wrong with this installation, and what to do about it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accesscontrol.installation.doctor import Finding, State, examine


class Command(BaseCommand):
    """Exit 1 where something is wrong, 0 where there are doubts at most. Changes nothing."""

    help = "Examine this installation and say what to mend. Works when half of it is down."
    requires_system_checks: list[str] = []  # they are among what is examined

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        found: list[Finding] = []
        for finding in examine(timezone.now):
            found.append(finding)
            if not options["json"]:
                self._say(finding)
        wrong = sum(finding.state is State.ERROR for finding in found)
        doubts = sum(finding.state in (State.WARNING, State.UNKNOWN) for finding in found)
        if options["json"]:
            shown = [
                {"name": one.name, "state": one.state, "text": one.text, "mend": one.mend} for one in found
            ]
            self.stdout.write(json.dumps({"ok": not wrong, "findings": shown}, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(f"{wrong} to mend, {doubts} in doubt, {len(found)} looked at.")
        if wrong:
            sys.exit(1)

    def _say(self, finding: Finding) -> None:
        colours = {State.OK: self.style.SUCCESS, State.ERROR: self.style.ERROR}
        word = colours.get(finding.state, self.style.WARNING)(f"{finding.state:<8}")
        self.stdout.write(f"{word} {finding.name:<16} {finding.text}")
        if finding.mend:
            self.stdout.write(f"{'':<26}→ {finding.mend}")
