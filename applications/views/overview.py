"""The first page: what needs this person, what is shared, what happened."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications import policies
from applications.http import address
from applications.models import Availability, Contract, ContractState, ContractType
from applications.views import _contract as shapes
from applications.views._application import visible
from applications.views._standing import is_provider, resource_of, standing, standing_in
from tenants.models import HistoryEvent
from tenants.views import record
from tenants.views.console import ConsolePage

SOON = timedelta(days=30)
TASKS = 8
RECENT = 8


class Task(NamedTuple):
    """What waits, as ``_tasks.html`` draws it; a lower rank stands first."""

    rank: int
    icon: str
    text: str
    note: str
    at: datetime | None
    action: dict[str, str]


class Overview(ConsolePage):
    """Everything here is narrowed to what the person may see."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        types = [kind for kind in ContractType.values if self.can(f"{resource_of(kind)}:read")]
        contracts = policies.contracts_of(self.tenant).filter(type__in=types)
        context = {
            "page": {"title": _("Overview")},
            "contracts": bool(types),
            "tasks": self._tasks(contracts) if types else [],
            "tiles": [*self._application_tiles(), *(self._contract_tiles(contracts) if types else [])],
            "history": self._history() if self.can("ActivityLog:read") else None,
            "all_url": f"/t/{self.slug}/activity",
        }
        return self.render("applications/overview.html", context)

    def _tasks(self, contracts: QuerySet[Contract]) -> list[Task]:
        soon = self.at + SOON
        mine = Q(provider=self.tenant, state=ContractState.DRAFT)
        asked = Q(consumer=self.tenant, state=ContractState.PROPOSED)
        ending = Q(state=ContractState.ACCEPTED, ends_at__gt=self.at, ends_at__lte=soon)
        starting = Q(state=ContractState.ACCEPTED, starts_at__gt=self.at, starts_at__lte=soon)
        rows = shapes.with_terms(
            contracts.filter(mine | asked | ending | starting).order_by("-created_at", "id")
        )
        tasks = [task for row in rows[:100] if (task := self._task(row))]
        tasks.sort(key=lambda task: task.rank)
        return tasks[:TASKS]

    def _task(self, row: Contract) -> Task | None:
        state, title = standing(row, self.at), shapes.title(row, self.tenant)
        url = address("contract-detail", self.slug, contract_id=row.id)
        if state == "proposed" and not is_provider(row, self.tenant):
            note = _("Proposed by %(partner)s") % {"partner": row.provider.name}
            return Task(0, "contract", title, note, row.proposed_at, {"label": _("Answer"), "url": url})
        if state == "draft":
            return _shape(
                1, "edit", title, _("A draft, not proposed yet"), row.created_at, _("Continue"), url
            )
        if state in ("in_force", "paused", "scheduled") and row.ends_at and row.ends_at <= self.at + SOON:
            return Task(2, "clock", title, _("Ends"), row.ends_at, {"label": _("Look"), "url": url})
        if state == "scheduled":
            return Task(3, "calendar", title, _("Starts"), row.starts_at, {"label": _("Look"), "url": url})
        return None

    def _application_tiles(self) -> list[dict[str, Any]]:
        if not self.can("Modules:read"):
            return []
        held = Availability.objects.at(self.at).filter(tenant=self.tenant, application=OuterRef("pk"))
        living = visible(self.tenant).filter(during__endswith__isnull=True)
        own = Q(owner=self.tenant)
        counts: dict[str, int] = living.annotate(held=Exists(held)).aggregate(
            owned=Count("pk", filter=own),
            shared=Count("pk", filter=~own & Q(held=True)),
            unavailable=Count("pk", filter=Q(held=False) & ~Q(pk="iam-portal")),
        )
        url = address("application-list", self.slug)
        return [
            {"label": _("Applications owned"), "value": counts["owned"], "url": f"{url}?relation=owned"},
            {
                "label": _("Shared with us"),
                "value": counts["shared"],
                "note": _("available now"),
                "url": f"{url}?relation=shared&state=available",
            },
            {
                "label": _("Not available"),
                "value": counts["unavailable"],
                "note": _("suspended, paused, ended or not begun"),
                "url": f"{url}?state=unavailable",
            },
        ]

    def _contract_tiles(self, contracts: QuerySet[Contract]) -> list[dict[str, Any]]:
        def count(state: str) -> int:
            return standing_in(contracts, state, self.at).count()

        in_force, paused, scheduled = count("in_force"), count("paused"), count("scheduled")
        note = ngettext("%(count)d paused", "%(count)d paused", paused) % {"count": paused}
        note += ", " + _("%(count)d scheduled") % {"count": scheduled}
        url = address("contract-list", self.slug)
        label = _("Contracts in force")
        return [{"label": label, "value": in_force, "note": note, "url": f"{url}?state=in_force"}]

    def _history(self) -> list[dict[str, Any]]:
        rows = HistoryEvent.objects.filter(tenant=self.tenant).exclude(action__startswith="session.")
        return [
            {
                "at": line.event.at,
                "actor": line.actor,
                "text": line.text,
                "url": line.subject_url,
                "icon": line.icon,
            }
            for line in record.lines(rows.order_by("-id")[:RECENT], tenant=self.tenant)
        ]
