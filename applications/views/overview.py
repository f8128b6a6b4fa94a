"""The first page: what needs this person, what is shared, what happened."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications import policies
from applications.http import address
from applications.models import Availability, Contract, ContractType
from applications.models.applications import PORTAL_ID
from applications.policies import RESOURCES
from applications.views._application import visible
from applications.views._standing import standing_in
from applications.views._tasks import tasks
from tenants.models import HistoryEvent, Tenant
from tenants.views import record
from tenants.views.console import ConsolePage

RECENT = 8


class Overview(ConsolePage):
    """Everything here is narrowed to what the person may see."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        types = [kind for kind in ContractType.values if self.can(f"{RESOURCES[kind]}:read")]
        contracts = policies.contracts_of(self.tenant).filter(type__in=types)
        tiles = application_tiles(self.tenant, self.at) if self.can("Modules:read") else []
        tiles += contract_tiles(contracts, self.tenant, self.at) if types else []
        context = {
            "page": {"title": _("Overview")},
            "contracts": bool(types),
            "tasks": tasks(contracts, self.tenant, self.at) if types else [],
            "tiles": tiles,
            "history": recent(self.tenant) if self.can("ActivityLog:read") else None,
            "all_url": self.url("tenants:activity-list"),
            "first_step": {"label": _("Your account"), "url": self.url("tenants:account-detail")},
        }
        return self.render("applications/overview.html", context)


def application_tiles(tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Availability at a glance. One query."""
    held = Availability.objects.at(at).filter(tenant=tenant, application=OuterRef("pk"))
    living = visible(tenant).filter(during__endswith__isnull=True).annotate(held=Exists(held))
    own = Q(owner=tenant)
    counts: dict[str, int] = living.exclude(pk=PORTAL_ID).aggregate(
        owned=Count("pk", filter=own),
        shared=Count("pk", filter=~own & Q(held=True)),
        unavailable=Count("pk", filter=Q(held=False)),
    )
    url = address("application-list", tenant.slug)
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
            "note": _("suspended, paused, ended, not begun"),
            "url": f"{url}?state=unavailable",
        },
    ]


def contract_tiles(contracts: QuerySet[Contract], tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Contracts in force, and beside them the paused and the planned. Three queries."""
    found = {
        state: standing_in(contracts, state, at).count() for state in ("in_force", "paused", "scheduled")
    }
    url = address("contract-list", tenant.slug)
    note = _("%(paused)d paused, %(scheduled)d scheduled") % found
    label = _("Contracts in force")
    return [{"label": label, "value": found["in_force"], "note": note, "url": f"{url}?state=in_force"}]


def recent(tenant: Tenant) -> list[dict[str, Any]]:
    """The newest rows of the record, without sign-ins."""
    rows = HistoryEvent.objects.filter(tenant=tenant).exclude(action__startswith="session.")
    return [record.shown(line) for line in record.lines(list(rows.order_by("-id")[:RECENT]), tenant=tenant)]
