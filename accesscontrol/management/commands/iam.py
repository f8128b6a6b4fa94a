"""``manage.py iam export|plan|apply``: a tenant's configuration as one document, for shells and pipelines.

The same code as the REST doors, for the same people: ``--as`` names one of the tenant, who may do what he may
do there. ``--system`` is the installation itself, which may everything; history says so.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rest_framework import exceptions as rest

from accesscontrol.configuration import json_text, plans, shape, yaml_text
from accesscontrol.configuration.locking import lock
from accesscontrol.configuration.parsing import parse
from accesscontrol.configuration.plans import Plan
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE
from accesscontrol.serializers.configuration import ConfigurationDocument
from iam_portal import problem
from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.impact import patient
from tenants.models import Tenant
from tenants.policies import is_active

CHANGES = 2  # exit code of a plan with steps, as pipelines know it; 1 is a refusal or an objection
_SIGNS = {ADD: "+", CHANGE: "~", REMOVE: "-"}


class Command(BaseCommand):
    """Export, plan and apply."""

    help = "Export, plan or apply the configuration of an organization as one document."

    def run_from_argv(self, argv: list[str]) -> None:
        """A misspelt option is no plan with changes, though argparse ends with 2 as well."""
        self._called_from_command_line = True
        try:
            self.create_parser(argv[0], argv[1]).parse_args(argv[2:])
        except SystemExit as ended:
            sys.exit(1 if ended.code else 0)
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["export", "plan", "apply"])
        parser.add_argument("file", nargs="?", default="-", help="YAML or JSON; - is standard input")
        parser.add_argument("--tenant", required=True, metavar="SLUG", help="its short name or id")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--as", dest="username", help="act as this user of the organization")
        who.add_argument(
            "--system", action="store_true", help="act as the installation, which may everything"
        )
        parser.add_argument("--format", choices=["yaml", "json"], default="yaml", help="of an export")
        parser.add_argument("--prune", default="", help=f"what may go for good: {','.join(plans.PRUNABLE)}")
        sure = parser.add_mutually_exclusive_group()
        sure.add_argument("--revision", help="apply if the plan is still the one of this revision")
        sure.add_argument("--yes", action="store_true", help="apply whatever the plan is now")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        tenant = _tenant(options["tenant"])
        asked: dict[str, Any] = {"tenant": tenant, "by": _actor(tenant, options["username"], at), "at": at}
        asked["prune"] = [name for name in options["prune"].split(",") if name]
        if not set(asked["prune"]) <= set(plans.PRUNABLE):
            raise CommandError(f"--prune takes {' and '.join(plans.PRUNABLE)}.")
        if options["act"] == "apply" and not (options["revision"] or options["yes"]):
            raise CommandError("Say --revision (of a plan that you saw), or --yes.")
        try:
            self._act(options["act"], asked, options)
        except (DomainError, ValidationError, rest.APIException) as refused:
            for tried in getattr(refused, "refused", ()):
                history.record_refusal(tried)
            raise CommandError("\n".join(_told(refused))) from None

    def _act(self, act: str, asked: dict[str, Any], options: dict[str, Any]) -> None:
        if act == "export":
            self._export(asked, options["format"])
            return
        asked["wanted"] = _wanted(asked["tenant"], options["file"])
        if act == "plan":
            self._plan(asked)
        else:
            self._apply(asked, options["revision"])

    def _export(self, asked: dict[str, Any], form: str) -> None:
        found = plans.export(tenant=asked["tenant"], by=asked["by"], at=asked["at"])
        body = shape.document(found, Names(asked["tenant"].slug))
        text = yaml_text.write(body) if form == "yaml" else json.dumps(body, indent=2, ensure_ascii=False)
        self.stdout.write(text.rstrip("\n"))

    def _plan(self, asked: dict[str, Any]) -> None:
        plan = plans.plan(**asked, most=None)
        for tried in plan.refused:
            history.record_refusal(tried)
        self._show(plan)
        if plan.objections:
            sys.exit(1)
        if plan.steps:
            sys.exit(CHANGES)

    def _apply(self, asked: dict[str, Any], revision: str | None) -> None:
        expected = revision or plans.plan(**asked, most=None).revision
        with patient(), tenant_scope(asked["tenant"].id):
            lock(asked["tenant"], asked["wanted"], at=asked["at"])
            asked["at"] = timezone.now()  # as of when all others were through
            done = plans.apply(**asked, expected=expected, most=None)
        self._show(done)
        self.stdout.write("Applied.")

    def _show(self, plan: Plan) -> None:
        """The steps in colour, what they take from whom, what speaks against them, and the revision."""
        colours = {ADD: self.style.SUCCESS, CHANGE: self.style.WARNING, REMOVE: self.style.ERROR}
        for step in plan.steps:
            final = "  (cannot be taken back)" if step.final else ""
            self.stdout.write(
                colours[step.verb](f"{_SIGNS[step.verb]} {step.section}: {_plain(step.name)}{final}")
            )
            for line in step.lines:
                self.stdout.write(f"    {_plain(line)}")
        shown = plan.as_json()
        for line in _lost(shown["impact"] or {}):
            self.stdout.write(self.style.WARNING(_plain(line)))
        for one in plan.objections:
            self.stdout.write(self.style.ERROR(_plain(f"! {one['pointer']} {one['code']}: {one['detail']}")))
        counts = ", ".join(f"{count} to {verb}" for verb, count in shown["summary"].items())
        self.stdout.write(f"Plan: {counts}. Revision {plan.revision}" if plan.steps else "Nothing to do.")


def _tenant(name: str) -> Tenant:
    rows = Tenant.objects.filter(slug=name)
    with suppress(ValueError):
        rows = rows | Tenant.objects.filter(id=UUID(name))
    found = rows.first()
    if found is None:
        raise CommandError("There is no such organization.")
    return found


def _actor(tenant: Tenant, username: str | None, at: datetime) -> Actor:
    if username is None:
        return Actor.system("manage.py iam")
    with tenant_scope(tenant.id):
        user = tenant.users.filter(username__iexact=username).first()
        if user is None or not is_active(user=user, at=at):
            raise CommandError("There is no such active user in this organization.")
        return Actor("user", str(user.id), str(user), tenant.id, "manage.py iam")


def _wanted(tenant: Tenant, name: str) -> Configuration:
    """JSON where it begins like an object of JSON, else YAML."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from None
    value = (json_text if text.lstrip().startswith("{") else yaml_text).read(text)
    read = ConfigurationDocument(data=value)
    read.is_valid(raise_exception=True)
    return parse(read.validated_data, Names(tenant.slug))


def _told(refused: Exception) -> Iterator[str]:
    document = problem.of(refused)
    yield document["detail"]
    for one in document.get("errors", []):
        yield _plain(f"  {one['pointer']} {one['code']}: {one['detail']}")


def _lost(impact: dict[str, Any]) -> Iterator[str]:
    for pair in impact.get("pairs", []):
        yield f"! {pair['tenantName']} loses {pair['applicationName']}: {pair['becomes']}"
    for user in impact.get("users", {}).get("items", []):
        yield f"! {user['name']} loses {', '.join(user['roles'])}"
    for call in impact.get("services", {}).get("items", []):
        yield f"! {call['name']} loses calls of {call['callsName']}"


def _plain(text: str) -> str:
    """Names are other people's words: none of them steers the terminal."""
    return "".join(char if char.isprintable() else "·" for char in text)
