"""What contracts ask of this organization: answers, drafts, roles that grew, near ends and starts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from applications.http import address
from applications.models import Amendment, AmendmentState, Contract, ContractState, ContractType
from applications.rolechanges import waiting
from applications.views import _contract as shapes
from applications.views._standing import is_provider, standing
from applications.views._task import ANSWER, ENDS, OPEN, SOON, STARTS, Task
from tenants.models import Tenant

MOST = 100  # rows that are looked through
LIVING = ("scheduled", "in_force", "paused")


def tasks(contracts: QuerySet[Contract], tenant: Tenant, at: datetime) -> list[Task]:
    """Everything that the contracts ask for, without titles. Three queries."""
    mine = Q(provider=tenant, state=ContractState.DRAFT)
    asked = Q(consumer=tenant, state=ContractState.PROPOSED)
    answering = Exists(
        Amendment.objects.filter(contract=OuterRef("pk"), state=AmendmentState.PROPOSED).exclude(
            proposed_by_tenant=tenant
        )
    )
    ending = Q(state=ContractState.ACCEPTED, ends_at__gt=at, ends_at__lte=at + SOON)
    starting = Q(state=ContractState.ACCEPTED, starts_at__gt=at, starts_at__lte=at + SOON)
    grown = _grown(contracts, tenant, at)
    contracts = contracts.annotate(answering=answering)
    wanted = mine | asked | ending | starting | Q(answering=True) | Q(id__in=list(grown))
    rows = contracts.filter(wanted).order_by("-created_at", "id")
    found = []
    for row in rows.prefetch_related("pauses")[:MOST]:
        task = _task(row, tenant, at)
        found += [task] if task else []
        found += [_confirming(row, tenant, grown[row.id])] if row.id in grown else []
    return found


def titled(shown: Sequence[Task], tenant: Tenant) -> list[Task]:
    """Those that are shown, with the titles of their contracts. Three queries at most."""
    contracts = [task.contract for task in shown if task.contract is not None]
    prefetch_related_objects(contracts, "terms__role__application")
    return [
        task._replace(text=shapes.title(task.contract, tenant)) if task.contract is not None else task
        for task in shown
    ]


def _grown(contracts: QuerySet[Contract], tenant: Tenant, at: datetime) -> dict[Any, int]:
    """Contracts whose roles hold more than this side has confirmed, and how many roles each. One query."""
    rows = contracts.filter(provider=tenant, type=ContractType.ACCESS, state=ContractState.ACCEPTED)
    living = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    terms = waiting(at).filter(contract__in=living.order_by()).order_by()
    return dict(terms.values_list("contract").annotate(number=Count("role", distinct=True)))


def _confirming(row: Contract, tenant: Tenant, count: int) -> Task:
    words = ngettext(
        "%(count)d role holds more than you confirmed", "%(count)d roles hold more than you confirmed", count
    )
    url = address("contract-confirm", tenant.slug, contract_id=row.id)
    action = {"label": _("Look"), "url": url}
    return Task(OPEN, "role", "", words % {"count": count}, None, action, row)


def _task(row: Contract, tenant: Tenant, at: datetime) -> Task | None:
    state = standing(row, at)

    def leading(label: str) -> dict[str, str]:
        return {"label": label, "url": address("contract-detail", tenant.slug, contract_id=row.id)}

    if state == "proposed" and not is_provider(row, tenant):
        note = _("Proposed by %(partner)s") % {"partner": row.provider.name}
        return Task(ANSWER, "contract", "", note, row.proposed_at, leading(pgettext("act", "Answer")), row)
    if state in LIVING and getattr(row, "answering", False):
        note = _("An amendment is proposed")
        return Task(ANSWER, "edit", "", note, None, leading(pgettext("act", "Answer")), row)
    if state == "draft":
        note = _("Drafted")
        return Task(OPEN, "edit", "", note, row.created_at, leading(_("Continue")), row)
    if state in LIVING and row.ends_at and row.ends_at <= at + SOON:
        return Task(ENDS, "clock", "", _("Ends"), row.ends_at, leading(_("Open")), row)
    if state == "scheduled" and row.starts_at and row.starts_at <= at + SOON:
        return Task(STARTS, "calendar", "", _("Starts"), row.starts_at, leading(_("Open")), row)
    return None
