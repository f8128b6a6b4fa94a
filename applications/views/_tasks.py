"""What needs this organization: proposals to answer, drafts to propose, ends and starts that are near."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from applications.http import address
from applications.models import Amendment, AmendmentState, Contract, ContractState
from applications.views import _contract as shapes
from applications.views._standing import is_provider, standing
from tenants.models import Tenant

SOON = timedelta(days=30)
MOST = 8
LIVING = ("scheduled", "in_force", "paused")


class Task(NamedTuple):
    """What waits, as ``_tasks.html`` draws it; a lower rank stands first."""

    rank: int
    icon: str
    text: str
    note: str
    at: datetime | None
    action: dict[str, str]


def tasks(contracts: QuerySet[Contract], tenant: Tenant, at: datetime) -> list[Task]:
    """The most urgent ones, answers first. Four queries."""
    mine = Q(provider=tenant, state=ContractState.DRAFT)
    asked = Q(consumer=tenant, state=ContractState.PROPOSED)
    answering = Exists(
        Amendment.objects.filter(contract=OuterRef("pk"), state=AmendmentState.PROPOSED).exclude(
            proposed_by_tenant=tenant
        )
    )
    ending = Q(state=ContractState.ACCEPTED, ends_at__gt=at, ends_at__lte=at + SOON)
    starting = Q(state=ContractState.ACCEPTED, starts_at__gt=at, starts_at__lte=at + SOON)
    contracts = contracts.annotate(answering=answering)
    near = ending | starting
    rows = contracts.filter(mine | asked | near | Q(answering=True)).order_by("-created_at", "id")
    found = [task for row in shapes.with_terms(rows)[:100] if (task := _task(row, tenant, at))]
    return sorted(found, key=lambda task: task.rank)[:MOST]


def _task(row: Contract, tenant: Tenant, at: datetime) -> Task | None:
    state, title = standing(row, at), shapes.title(row, tenant)

    def leading(label: str) -> dict[str, str]:
        return {"label": label, "url": address("contract-detail", tenant.slug, contract_id=row.id)}

    if state == "proposed" and not is_provider(row, tenant):
        note = _("Proposed by %(partner)s") % {"partner": row.provider.name}
        return Task(0, "contract", title, note, row.proposed_at, leading(_("Answer")))
    if state in LIVING and getattr(row, "answering", False):
        note = _("An amendment is proposed")
        return Task(0, "edit", title, note, None, leading(_("Answer")))
    if state == "draft":
        note = _("Drafted")
        return Task(1, "edit", title, note, row.created_at, leading(_("Continue")))
    if state in LIVING and row.ends_at and row.ends_at <= at + SOON:
        return Task(2, "clock", title, _("Ends"), row.ends_at, leading(_("Open")))
    if state == "scheduled":
        return Task(3, "calendar", title, _("Starts"), row.starts_at, leading(_("Open")))
    return None
