"""What lies between an organization and a partner, on the page of the partner."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications import policies
from applications.http import address
from applications.models import ContractType
from applications.policies import RESOURCES
from applications.views import _network as network
from applications.views._contract import with_terms
from applications.views._standing import type_words
from applications.views.contracts import cells
from iam_portal.templatetags.states import look
from tenants.models import Tenant
from tenants.signals import partner_shown

NEWEST, MOST = 8, 12


@receiver(partner_shown)
def contracts_with(
    *, page: Any, tenant: Tenant, partner: Tenant, at: datetime, **kwargs: Any
) -> dict[str, Any] | None:
    """The newest contracts with the partner, of the types that the person may read. Four queries."""
    types = _readable(page)
    if not types:
        return None
    rows = policies.contracts_of(tenant).filter(Q(provider=partner) | Q(consumer=partner), type__in=types)
    count = rows.count()
    newest = with_terms(rows).order_by("-created_at", "-id")[:NEWEST]
    labels = (_("Contract"), _("State"), _("Type"), _("Ends"))
    words = ngettext("%(count)d contract", "%(count)d contracts", count) % {"count": count}
    drafting = page.can("ProvisionContracts:add|AccessContracts:add").allowed
    return {
        "template": "applications/_partner_contracts.html",
        "title": _("Contracts"),
        "table": {
            "caption": _("Contracts"),
            "columns": [{"label": label} for label in labels],
            "rows": [{"cells": _short(cells(row, tenant, at))} for row in newest],
        },
        "all_url": f"{address('contract-list', tenant.slug)}?partner={partner.pk}" if count else "",
        "all_text": words,
        "new_url": f"{address('contract-new', tenant.slug)}?consumer={partner.pk}" if drafting else "",
    }


@receiver(partner_shown)
def applications_with(
    *, page: Any, tenant: Tenant, partner: Tenant, at: datetime, **kwargs: Any
) -> dict[str, Any] | None:
    """Applications that go to the partner and that come from it, as contracts stand now. One query."""
    types = _readable(page)
    if not types:
        return None
    asked = network.Question(tenant=tenant, at=at, types=types, partner_id=partner.pk)
    nodes = network.between(asked)
    if not nodes:
        return None
    ways = [
        {"label": _("To %(name)s") % {"name": partner.name}, "rows": _rows(nodes, provided=True)},
        {"label": _("From %(name)s") % {"name": partner.name}, "rows": _rows(nodes, provided=False)},
    ]
    return {
        "template": "applications/_partner_applications.html",
        "title": _("Applications shared"),
        "ways": [way for way in ways if way["rows"]],
        "further": max(0, len(nodes) - MOST),
        "network_url": address("network-pair", tenant.slug, partner_id=partner.pk),
    }


def _readable(page: Any) -> list[str]:
    return [kind for kind in ContractType.values if page.can(f"{RESOURCES[kind]}:read")]


def _short(line: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row of the list of contracts without roles and start: the page's column is narrow."""
    return [*line[:3], line[-1]]


def _rows(nodes: list[network.Node], *, provided: bool) -> list[dict[str, Any]]:
    """One line for each application and type, with the state that counts first."""
    return [
        {"name": node.name, "type": type_words(edge.type), "state": edge.states[0][0], "word": _word(edge)}
        for node in nodes[:MOST]
        for edge in node.edges
        if edge.provided == provided
    ]


def _word(edge: network.Edge) -> str:
    word = str(look(edge.states[0][0]).word)
    return word if edge.total == 1 else f"{word} ({edge.total})"
