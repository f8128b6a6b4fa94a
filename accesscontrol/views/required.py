"""Required roles on the pages of contracts and applications: those pages ask by signal."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accesscontrol import drift
from accesscontrol.drift import Required
from applications import signals
from applications.models import Application, ApplicationRole, Contract, ContractType
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision, Reason
from tenants.models import Tenant

WORDS = {"held": "in_force", "open": "proposed", "not_available": "not_available"}


@receiver(signals.acceptance_shown)
def roles_to_tick(
    *, page: Any, tenant: Tenant, contract: Contract, at: datetime, ticked: Collection[str], **kwargs: Any
) -> dict[str, Any] | None:
    """What the applications of a proposal require, to be ticked one by one by who may give it."""
    if contract.type != ContractType.PROVISION:
        return None
    lines = drift.report(tenant=tenant, actor=page.actor, at=at, now=at, contract=contract)
    known = bool(page.can("Roles:read"))
    names = _names(lines)
    rows = [_box(line, names, ticked, known=known) for line in lines]
    return {"template": "accesscontrol/_required_ticks.html", "groups": _grouped(rows)} if rows else None


@receiver(signals.application_shown)
def drift_of_application(
    *, page: Any, tenant: Tenant, application: Application, at: datetime, **kwargs: Any
) -> dict[str, Any] | None:
    """What the application requires in this organization, for who may read roles."""
    if application.pk == PORTAL_ID or not page.can("Roles:read"):
        return None
    lines = drift.of_application(application, tenant=tenant, actor=page.actor, at=at)
    if not lines:
        return None
    names = _names(lines)
    rows = [_row(line, names) for line in lines]
    giving = any(row["open"] for row in rows) and page.can("Roles:modify").allowed
    adding = f"{page.url('accesscontrol:assignment-add')}?application={application.pk}"
    return {
        "template": "accesscontrol/_required.html",
        "title": _("Required roles"),
        "rows": rows,
        "adding_url": adding if giving else "",
    }


def _names(lines: Iterable[Required]) -> dict[tuple[str, str], str]:
    """What the wanted roles are called, of applications that the tenant knows by name. One query."""
    known = {line.requirement.wanted_application for line in lines if line.named}
    rows = ApplicationRole.objects.filter(application__in=known).order_by("during")
    return {(of, key): name for of, key, name in rows.values_list("application_id", "key", "name")}


def _called(line: Required, names: Mapping[tuple[str, str], str]) -> str:
    asked = line.requirement
    return names.get((asked.wanted_application, asked.wanted_role), asked.wanted_role)


def _row(line: Required, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "role": _called(line, names),
        "application": line.wanted,
        "state": WORDS[line.met.state],
        "word": _word(line.met.state),
        "open": line.met.state == "open",
        "decision": line.met.decision,
        "since": line.since,
    }


def _word(state: str) -> str:
    return {"held": _("Held"), "open": pgettext("role", "Open"), "not_available": _("Not available")}[state]


def _box(
    line: Required, names: Mapping[tuple[str, str], str], ticked: Collection[str], *, known: bool
) -> dict[str, Any]:
    """A box to tick, or one that is off with its reason. Who may not read roles sees none that are held."""
    value = "|".join(line.key)
    held = known and line.met.state == "held"
    decision = line.may_grant if line.met.state != "not_available" else line.met.decision
    if held:
        decision = Decision.no(Reason("held", _("It holds this role already.")))
    return {
        "group": line.application,
        "value": value,
        "name": _called(line, names),
        "application": line.wanted,
        "decision": decision,
        "checked": held or (value in ticked and decision.allowed),
    }


def _grouped(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    return [{"name": name, "rows": found} for name, found in groups.items()]
