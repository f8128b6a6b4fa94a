"""One application as a tenant sees it: which may be seen, the frame of its tabs, its spans."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import facts as load
from applications.availability import Answer, SharingFacts, available
from applications.http import address
from applications.models import Application, Availability, Contract
from applications.models.applications import PORTAL_ID
from applications.opened import open_to
from iam_portal.decision import Decision, Reason
from iam_portal.errors import NotFound
from iam_portal.spans import Span
from tenants.models import Tenant
from tenants.views.console import ConsolePage

RELATIONS = {
    "owned": gettext_lazy("Owned"),
    "provision": gettext_lazy("Provision contract"),
    "access": gettext_lazy("Access contract"),
    "builtin": gettext_lazy("Part of the portal"),
}


def visible(tenant: Tenant | UUID) -> QuerySet[Application]:
    """What the tenant owns, and what was, is or will be shared with it."""
    held = Availability.objects.filter(tenant=tenant, application=OuterRef("pk"))
    own = Application.objects.filter(owner=tenant)
    shared = Application.objects.filter(Exists(held))
    return (own | shared).select_related("owner")


class ApplicationPage(ConsolePage):
    """A page about one application."""

    permission = "Modules:read"
    owner_only = False

    def application(self, application_id: str) -> Application:
        """A visible application, or 404; for pages of the owner only his own."""
        found = visible(self.tenant).filter(id=application_id).first()
        if found is None or (self.owner_only and found.owner_id != self.tenant.id):
            raise NotFound
        return found

    def owns(self, application: Application) -> bool:
        """Whether it belongs to this tenant."""
        return application.owner_id == self.tenant.id

    def is_open(self, application: Application) -> bool:
        """Whether its roles and resources may be read here: not any more where the share is over."""
        return self.owns(application) or open_to(self.tenant, at=self.at).filter(pk=application.pk).exists()

    def retired(self, application: Application) -> bool:
        """Whether it is out of operation for good."""
        return Span.of(application.during).is_past(self.at)

    def back(self, application: Application) -> str:
        """The application's first tab."""
        return address("application-detail", self.slug, application_id=application.id)

    def crumbs(self, application: Application | None = None) -> list[dict[str, Any]]:
        """The way to a page below the application."""
        found = [{"label": _("Applications"), "url": address("application-list", self.slug)}]
        return found + ([{"label": str(application), "url": self.back(application)}] if application else [])

    def changeable(self, application: Application, permission: str) -> Decision:
        """Whether the person may change it: by permission, and as long as there is something to change."""
        if application.id == PORTAL_ID:
            text = _("The portal itself cannot be changed here.")
            return Decision.no(Reason("application_is_portal", text))
        if self.retired(application):
            return Decision.no(Reason("application_retired", _("It is retired.")))
        return self.can(permission)


class TabPage(ApplicationPage):
    """A tab; the badge beside the title is the answer of the rule."""

    def answer(self, application: Application, facts: SharingFacts | None = None) -> Answer:
        """Is it available here, now; by these facts, where they are read."""
        facts = facts or load.of_application(application.id, tenant_id=self.tenant.id)
        assert facts is not None, "an application that was just read"
        return available(facts, tenant_id=str(self.tenant.id), at=self.at)

    def frame(self, application: Application, tab: str, state: str) -> dict[str, Any]:
        """``page`` of a tab: title, state, tabs, acts."""
        page: dict[str, Any] = {
            "title": str(application),
            "breadcrumb": self.crumbs(),
            "state": state,
            "copy_id": application.id,
            "tabs": _tabs(self, application, tab),
        }
        if self.owns(application):
            page |= _acts(self, application, state)
        return page


def _tabs(page: ApplicationPage, application: Application, active: str) -> list[dict[str, Any]]:
    tabs = [("detail", _("Overview"))]
    if page.is_open(application):
        tabs.append(("access", _("Access")))
    if page.owns(application):
        tabs.append(("credentials", _("Credentials")))
    return [
        {
            "label": label,
            "url": address(f"application-{name}", page.slug, application_id=application.id),
            "active": name == active,
        }
        for name, label in tabs
    ]


def _acts(page: ApplicationPage, application: Application, state: str) -> dict[str, Any]:
    def act(name: str, label: str, icon: str) -> dict[str, Any]:
        url = address(f"application-{name}", page.slug, application_id=application.id)
        return {"label": label, "url": url, "icon": icon}

    modify = page.changeable(application, "Modules:modify")
    more = []
    if modify and state == "suspended":
        more.append({**act("resume", _("Resume"), "play"), "dialog": True})
    elif modify:
        more.append({**act("suspend", _("Suspend"), "pause"), "dialog": True, "danger": True})
    if page.changeable(application, "Modules:delete"):
        more.append({**act("retire", _("Retire"), "stop"), "dialog": True, "danger": True})
    return {"primary": {**act("edit", _("Edit"), "edit"), "decision": modify}, "more": more}


def lanes(application: Application, tenant: Tenant, slug: str, at: datetime) -> list[dict[str, Any]]:
    """The time line of availability in the tenant: one lane for each relation and contract. Two queries."""
    rows = Availability.objects.filter(application=application, tenant=tenant)
    rows = rows.select_related("contract__provider").prefetch_related("contract__pauses")
    rows = rows.order_by("relation", "contract", "during")
    groups: dict[tuple[str, Any], list[Availability]] = defaultdict(list)
    for row in rows:
        groups[row.relation, row.contract_id].append(row)
    found = []
    for (relation, contract_id), spans in groups.items():
        contract = spans[0].contract
        lane: dict[str, Any] = {
            "label": RELATIONS[relation],
            "spans": _pieces(spans, contract, at),
        }
        if contract is not None:
            lane["note"] = _("with %(partner)s") % {"partner": contract.provider.name}
            lane["url"] = address("contract-detail", slug, contract_id=contract_id)
        found.append(lane)
    return found


def _pieces(rows: list[Availability], contract: Contract | None, at: datetime) -> list[dict[str, Any]]:
    """When it was, is and will be available, and the contract's pauses between."""
    held = [Span.of(row.during) for row in rows]
    pauses = [Span.of(pause.during) for pause in contract.pauses.all()] if contract else []
    over = all(span.is_past(at) for span in held) and not any(span.covers(at) for span in pauses)
    shown = [{"during": span, "state": _state(span, at, over=over)} for span in held]
    if contract:
        whole = Span(contract.starts_at, contract.ends_at)
        for pause in pauses:
            shown += [{"during": part, "state": "paused"} for part in whole.minus(whole.minus([pause]))]
    return shown


def _state(span: Span, at: datetime, *, over: bool) -> str:
    if span.is_future(at):
        return "scheduled"
    return "ended" if over else "available"
