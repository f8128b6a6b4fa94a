"""The first page: what needs this person, what is shared, what happened."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from applications.http import address
from applications.models import ContractType
from applications.policies import RESOURCES
from applications.signals import overview_shown, tasks_asked
from applications.views import _glance as glance
from applications.views import _tasks_own as own
from applications.views._task import Task, in_order
from applications.views._tasks import tasks, titled
from tenants.signals import user_shown
from tenants.views import record
from tenants.views.console import ConsolePage

FIRST, MOST = 8, 200  # tasks on the page, and when all are asked for
ASKING = ("Modules:read", "Webhooks:read", "OrganizationRelations:read", "Roles:read", "Users:read")


class Overview(ConsolePage):
    """Everything here is narrowed to what the person may see."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        assert self.session is not None
        types = [kind for kind in ContractType.values if self.can(f"{RESOURCES[kind]}:read")]
        waiting = self._waiting(types)
        shown = titled(waiting[: MOST if request.GET.get("tasks") == "all" else FIRST], self.tenant)
        known = glance.known_applications(self.tenant, self.at) if self.can("Modules:read") else None
        shared = glance.Shared(self.tenant, known.lacking if known else ())
        manages = bool(types) or any(self.can(permission) for permission in ASKING)
        context = {
            "page": {"title": _("Overview")},
            "manages": manages,
            "tasks": shown,
            "further": len(waiting) - len(shown),
            "all_tasks_url": f"{request.path}?tasks=all",
            "panels": self._own_things(shared, alone=not manages),
            **self._figures(types, known, shared),
            "history": record.newest(tenant=self.tenant) if self.can("ActivityLog:read") else None,
            "all_url": self.url("tenants:activity-list"),
        }
        return self.render("applications/overview.html", context)

    def _waiting(self, types: list[str]) -> list[Task]:
        """Everything that waits for this person, the most urgent first."""
        found = tasks(types, self.tenant, self.at) if types else []
        found += own.credentials(self.tenant, self.at) if self.can("Modules:read") else []
        found += own.webhooks(self.tenant) if self.can("Webhooks:read") else []
        found += own.partners(self) if self.can("OrganizationRelations:read") else []
        found += own.people(self) if self.can("Users:read") else []
        answers: list[Any] = self.panels(tasks_asked)
        found += [Task(**fields) for told in answers for fields in told]
        return in_order(found)

    def _figures(self, types: list[str], known: glance.Known | None, shared: glance.Shared) -> dict[str, Any]:
        """Tiles, what is not available, where contracts stand; the first steps of a new organization."""
        tiles = glance.application_tiles(known, self.tenant) if known else []
        states = glance.states_of(types, self.tenant, self.at) if types else []
        agreed = sum(row["count"] for row in states)
        return {
            "tiles": [*tiles, *([glance.contract_tile(states, self.tenant)] if states else [])],
            "states": states if agreed else [],
            "network_url": address("network", self.slug),
            "unavailable": glance.unavailable(known, shared, self.tenant, self.at) if known else [],
            "unavailable_url": f"{address('application-list', self.slug)}?state=unavailable",
            "steps": [] if agreed else glance.first_steps(self, owned=known.owned if known else 0),
        }

    def _own_things(self, shared: glance.Shared, *, alone: bool) -> list[dict[str, Any]]:
        """The applications of the person; for who has nothing else here also roles and sign-ins."""
        assert self.session is not None
        user = self.session.user
        found = self.panels(overview_shown, user=user, alone=alone, shared=shared)
        return [*found, *(self.panels(user_shown, user=user, acting=False) if alone else [])]
