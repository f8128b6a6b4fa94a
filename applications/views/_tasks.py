"""What contracts ask of this organization: answers, drafts, roles that grew, near ends and starts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from applications.http import address
from applications.models import Amendment, AmendmentState, Contract, ContractState, ContractType
from applications.rolechanges import waiting
from applications.shapes import state as state_of
from applications.views import _contract as shapes
from applications.views._task import ANSWER, ENDS, OPEN, SOON, STARTS, Task
from tenants.models import Tenant
from tenants.models.lookups import among

MOST = 100  # rows that are looked through
# What a row is asked for its task; of those that are shown, the rest is read.
_ASKED = (
    "id",
    "provider_id",
    "state",
    "starts_at",
    "ends_at",
    "answer_by",
    "created_at",
    "proposed_at",
    "answering",
)


def tasks(types: Sequence[str], tenant: Tenant, at: datetime) -> list[Task]:
    """Everything that the contracts of these types ask for, without words. Two queries."""
    grown = _grown(tenant, at) if ContractType.ACCESS in types else {}
    answering = Exists(_open_amendments(tenant).filter(contract=OuterRef("pk")))
    wanted = among("pk", *_asking(types, tenant, at, list(grown)))
    rows = Contract.objects.filter(wanted).annotate(answering=answering).order_by("-created_at", "id")
    found = []
    for row in rows.values_list(*_ASKED, named=True)[:MOST]:
        task = _task(row, tenant, at)
        found += [task] if task else []
        found += [_confirming(row.id, grown[row.id])] if row.id in grown else []
    return found


def titled(shown: Sequence[Task], tenant: Tenant) -> list[Task]:
    """Those that are shown, with words and addresses of their contracts. Four queries at most."""
    ids = {task.contract_id for task in shown if task.contract_id is not None}
    rows = Contract.objects.filter(pk__in=ids).select_related("provider", "consumer")
    contracts = rows.prefetch_related("terms__role__application").in_bulk() if ids else {}
    return [
        _worded(task, contracts[task.contract_id], tenant) if task.contract_id in contracts else task
        for task in shown
    ]


def _asking(
    types: Sequence[str], tenant: Tenant, at: datetime, grown: Sequence[UUID]
) -> list[QuerySet[Contract]]:
    """Where something may be asked, each part the newest, found by the index of its side."""
    readable = Contract.objects.filter(type__in=types)
    sides = (readable.filter(provider=tenant), readable.filter(consumer=tenant, proposed_at__isnull=False))
    mine, received = sides
    agreed = [side.filter(state=ContractState.ACCEPTED) for side in sides]
    amended = _open_amendments(tenant).filter(among("contract", *agreed))
    parts = [
        mine.filter(state=ContractState.DRAFT),
        received.filter(state=ContractState.PROPOSED),
        readable.filter(pk__in=amended.values("contract")),
        *([readable.filter(pk__in=grown)] if grown else []),
        *(side.filter(ends_at__gt=at, ends_at__lte=at + SOON) for side in agreed),
        *(side.filter(starts_at__gt=at, starts_at__lte=at + SOON) for side in agreed),
    ]
    return [part.order_by("-created_at", "id")[:MOST] for part in parts]


def _open_amendments(tenant: Tenant) -> QuerySet[Amendment]:
    """What others propose."""
    return Amendment.objects.filter(state=AmendmentState.PROPOSED).exclude(proposed_by_tenant=tenant)


def _grown(tenant: Tenant, at: datetime) -> dict[Any, int]:
    """Contracts whose roles hold more than this side has confirmed, and how many roles each. One query."""
    rows = Contract.objects.filter(provider=tenant, type=ContractType.ACCESS, state=ContractState.ACCEPTED)
    living = rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    terms = waiting(at).filter(among("contract", living)).order_by()
    return dict(terms.values_list("contract").annotate(number=Count("role", distinct=True)))


def _confirming(contract_id: UUID, count: int) -> Task:
    words = ngettext(
        "%(count)d role holds more than you confirmed", "%(count)d roles hold more than you confirmed", count
    )
    action = {"label": _("Look"), "page": "contract-confirm"}
    return Task(OPEN, "role", "", words % {"count": count}, None, action, contract_id)


def _task(row: Any, tenant: Tenant, at: datetime) -> Task | None:
    """What one row asks; whether it is paused does not matter."""
    state, received = state_of(row, at), row.provider_id != tenant.id

    def leading(rank: int, icon: str, note: str, moment: datetime | None, label: str) -> Task:
        return Task(rank, icon, "", note, moment, {"label": label, "page": "contract-detail"}, row.id)

    if state == "proposed" and received:
        return leading(ANSWER, "contract", "", row.proposed_at, pgettext("act", "Answer"))
    if state == "accepted" and row.answering:
        return leading(ANSWER, "edit", _("An amendment is proposed"), None, pgettext("act", "Answer"))
    if state == "draft":
        return leading(OPEN, "edit", _("Drafted"), row.created_at, _("Continue"))
    if state == "accepted" and row.ends_at and row.ends_at <= at + SOON:
        return leading(ENDS, "clock", _("Ends"), row.ends_at, _("Open"))
    if state == "accepted" and at < row.starts_at <= at + SOON:
        return leading(STARTS, "calendar", _("Starts"), row.starts_at, _("Open"))
    return None


def _worded(task: Task, contract: Contract, tenant: Tenant) -> Task:
    url = address(task.action["page"], tenant.slug, contract_id=contract.id)
    note = task.note or _("Proposed by %(partner)s") % {"partner": contract.provider.name}
    action = {"label": task.action["label"], "url": url}
    return task._replace(text=shapes.title(contract, tenant), note=note, action=action)
