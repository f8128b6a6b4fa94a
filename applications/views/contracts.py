"""Contracts: the list, and one contract as its two sides see it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications import policies, usage
from applications.http import address
from applications.models import Contract, ContractState, ContractType
from applications.policies import RESOURCES, agreed_at, either
from applications.views import _contract as shapes
from applications.views._acts import menu, permission_for
from applications.views._ahead import ahead
from applications.views._amendments import card
from applications.views._filters import Chip, chosen, filters, footer
from applications.views._offer import offer
from applications.views._reasons import holding, of_contract, why
from applications.views._standing import (
    STANDINGS,
    is_provider,
    partner_of,
    standing,
    standing_in,
    type_words,
)
from applications.views._task import SOON
from applications.views._usage import LONG, used
from applications.views._widened import notice
from iam_portal.decision import Decision
from iam_portal.errors import Forbidden, NotFound
from iam_portal.gate import Privilege
from tenants.http.paging import page_of, searched, with_query
from tenants.models import Tenant
from tenants.views.console import ConsolePage

SIDE = Chip(
    "side",
    gettext_lazy("Side"),
    [
        ("", gettext_lazy("Both")),
        ("provided", gettext_lazy("Provided")),
        ("received", gettext_lazy("Received")),
    ],
)
STATE = Chip("state", gettext_lazy("State"), [("", gettext_lazy("Any")), *STANDINGS])
TYPE = Chip(
    "type",
    gettext_lazy("Type"),
    [
        ("", gettext_lazy("Any")),
        ("provision", gettext_lazy("Provision")),
        ("access", gettext_lazy("Access")),
    ],
)

SHOW = Chip(
    "show",
    gettext_lazy("Show"),
    [
        ("", gettext_lazy("All")),
        ("ending", gettext_lazy("Ends within 30 days")),
        ("unused", gettext_lazy("Unused for 90 days")),
    ],
)


class ContractPage(ConsolePage):
    """A page about contracts; each type of contract has a permission of its own.

    The door opens to who holds it for either type; :meth:`contract` asks for the row's own.
    """

    permission = either(Privilege.READ)

    def readable(self) -> list[str]:
        """The types that the person may read; refused when there is none."""
        decisions = {kind: self.can(f"{RESOURCES[kind]}:read") for kind in ContractType.values}
        if not any(decisions.values()):
            reasons = tuple(reason for decision in decisions.values() for reason in decision.reasons)
            raise Forbidden(_("This needs a role for contracts."), reasons=reasons)
        return [kind for kind, decision in decisions.items() if decision]

    def contract(self, contract_id: UUID) -> Contract:
        """A contract of this tenant with its terms and pauses, or 404."""
        rows = shapes.with_terms(policies.contracts_of(self.tenant))
        contract = rows.filter(id=contract_id).first()
        if contract is None:
            raise NotFound
        self.require(f"{RESOURCES[contract.type]}:read")
        return contract

    def crumbs(self) -> list[dict[str, str]]:
        """The way to a page about one contract."""
        return [{"label": _("Contracts"), "url": address("contract-list", self.slug)}]

    def drafting(self) -> Decision:
        """Whether the person may write a contract of either type."""
        return self.can("ProvisionContracts:add") or self.can("AccessContracts:add")


class ContractList(ContractPage):
    """Every contract that the tenant takes part in, newest first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        types = self.readable()
        sides = [
            narrowed(side.filter(type__in=types), request, self.tenant, self.at)
            for side in policies.sides_of(self.tenant.id)
        ]
        # Partners of the page's contracts alone: joined, they are looked up for thousands before the order.
        rows = shapes.with_terms(Contract.objects.prefetch_related("provider", "consumer"))
        page = page_of(rows, request=request, key="created_at", descending=True, size=25, parts=sides)
        new = {"label": _("New contract"), "url": address("contract-new", self.slug), "icon": "plus"}
        labels = (_("Contract"), _("State"), _("Type"), _("Roles"), _("Starts"), _("Ends"))
        count = len(page.rows)
        words = ngettext("%(count)d contract", "%(count)d contracts", count) % {"count": count}
        context = {
            "page": {
                "title": _("Contracts"),
                "lead": _("What your organization shares with partners, and what partners share with it."),
                "primary": {**new, "decision": self.drafting()},
            },
            "filters": self._filters(request),
            "table": {
                "caption": _("Contracts"),
                "columns": [{"label": label, "numeric": label == _("Roles")} for label in labels],
                "rows": [{"cells": cells(row, self.tenant, self.at)} for row in page.rows],
                **footer(page, words),
            },
            "first_step": new if self.drafting() else None,
        }
        return self.render("applications/contract_list.html", context)

    def _filters(self, request: HttpRequest) -> dict[str, Any]:
        """The chips; one more where the address names a partner, to take it out again."""
        drawn = filters(request, _("Search contracts"), [SIDE, STATE, TYPE, SHOW])
        partner_id = partner_in(request)
        if partner_id is None:
            return drawn
        rows = policies.contracts_of(self.tenant).filter(type__in=self.readable())
        row = rows.filter(Q(provider=partner_id) | Q(consumer=partner_id)).first()
        options = [{"label": _("Any"), "url": with_query(request, partner=None), "active": False}]
        name = partner_of(row, self.tenant).name if row else _("nobody")
        drawn["chips"].append({"label": _("Partner"), "value": name, "options": options})
        drawn["hidden"].append(("partner", str(partner_id)))
        drawn["clear_url"] = request.path
        return drawn


class ContractDetail(ContractPage):
    """One contract from this side: state and why, roles, time line, acts, history."""

    def get(self, request: HttpRequest, contract_id: UUID) -> HttpResponse:
        contract = self.contract(contract_id)
        answers = holding(contract, self.tenant, self.at) if contract.state == "accepted" else {}
        sentence, decision = of_contract(contract, self.tenant, answers.values(), self.at)
        context = {
            "page": {
                "title": shapes.title(contract, self.tenant),
                "breadcrumb": self.crumbs(),
                "state": standing(contract, self.at),
                "copy_id": str(contract.id),
                **menu(self, contract),
            },
            "notice": notice(self, contract),
            "sentence": sentence,
            "decision": _elsewhere(why(decision, self.slug), request.path),
            "facts": shapes.facts(contract, self.tenant),
            "usage": used(contract, self.tenant, self.at),
            "applications": shapes.roles_by_application(contract, self.tenant, self.slug, answers, self.at),
            "lanes": shapes.lanes(contract, self.at),
            "ahead": ahead(self, contract),
            "offer": offer(self, contract),
            "amendments": card(contract, self.tenant, self.at, may=bool(self.can(permission_for(contract)))),
            **self.past("contract", contract.id),
        }
        return self.render("applications/contract_detail.html", context)


def narrowed(
    rows: QuerySet[Contract], request: HttpRequest, tenant: Tenant, at: datetime
) -> QuerySet[Contract]:
    """The rows that the filters of the address leave."""
    side, state = chosen(request, SIDE), chosen(request, STATE)
    if side:
        rows = rows.filter(**{"provider" if side == "provided" else "consumer": tenant})
    if kind := chosen(request, TYPE):
        rows = rows.filter(type=kind)
    if state:
        rows = standing_in(rows, state, at)
    if partner_id := partner_in(request):
        rows = rows.filter(Q(provider=partner_id) | Q(consumer=partner_id))
    if (show := chosen(request, SHOW)) == "ending":
        rows = rows.filter(state=ContractState.ACCEPTED, ends_at__gt=at, ends_at__lte=at + SOON)
    elif show == "unused":
        rows = usage.unused(rows, days=LONG, at=at)
    if q := searched(request):
        rows = rows.filter(shapes.matching(q, tenant.id))
    return rows


def partner_in(request: HttpRequest) -> UUID | None:
    """The partner in the address, if it is an id at all."""
    try:
        return UUID(request.GET.get("partner", ""))
    except ValueError:
        return None


def _elsewhere(chain: dict[str, Any], here: str) -> dict[str, Any]:
    """The chain without links to the page that it stands on."""
    reasons = [
        {**reason, "url": "" if reason["url"] == here else reason["url"]} for reason in chain["reasons"]
    ]
    return {**chain, "reasons": reasons}


def cells(row: Contract, tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """One row of the list."""
    roles = len({term.role_id for term in agreed_at(row.terms.all(), at)})
    return [
        {
            "text": shapes.title(row, tenant),
            "url": address("contract-detail", tenant.slug, contract_id=row.id),
            "note": _("Provided") if is_provider(row, tenant) else _("Received"),
        },
        {"state": standing(row, at)},
        {"text": type_words(row.type)},
        {"text": str(roles)},
        {"day": row.starts_at} if row.starts_at else {"text": "–"},
        {"day": row.ends_at} if row.ends_at else {"text": "–"},
    ]
