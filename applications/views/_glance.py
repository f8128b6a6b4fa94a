"""The overview's figures: what is available, how contracts stand, and what a new organization does first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from applications import facts as load
from applications.availability import available
from applications.http import address
from applications.models import Application, Availability, Contract
from applications.models.applications import PORTAL_ID
from applications.views._application import visible
from applications.views._counts import counted_by_state
from applications.views._network import LIVING
from applications.views._reasons import first_sentence
from applications.views.applications import state_of
from tenants.actions import partnerships
from tenants.models import Tenant
from tenants.views.console import ConsolePage

LOOKED_AT, SHOWN = 50, 6
# Of what is not available: what somebody stopped before what has not begun, and that before what is over.
_FIRST = ("suspended", "paused", "not_available", "scheduled", "ended", "retired")


def application_tiles(tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Availability at a glance. One query."""
    held = Availability.objects.at(at).filter(tenant=tenant, application=OuterRef("pk"))
    own = Q(owner=tenant)
    counts: dict[str, int] = (
        _living(tenant)
        .annotate(held=Exists(held))
        .aggregate(
            owned=Count("pk", filter=own),
            shared=Count("pk", filter=~own & Q(held=True)),
            unavailable=Count("pk", filter=Q(held=False)),
        )
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


def states_of(types: Sequence[str], tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """How many contracts stand where, with the way to them. One query."""
    counts = counted_by_state(tenant, types, at)
    url = address("contract-list", tenant.slug)
    return [
        {"state": state, "count": counts.get(state, 0), "url": f"{url}?state={state}"}
        for state in LIVING
        if state == "in_force" or counts.get(state)
    ]


def contract_tile(states: list[dict[str, Any]], tenant: Tenant) -> dict[str, Any]:
    """Contracts in force, and beside them the paused and the planned."""
    found = {row["state"]: row["count"] for row in states}
    known = {state: found.get(state, 0) for state in ("paused", "scheduled")}
    return {
        "label": _("Contracts in force"),
        "value": found.get("in_force", 0),
        "note": _("%(paused)d paused, %(scheduled)d scheduled") % known,
        "url": f"{address('contract-list', tenant.slug)}?state=in_force",
    }


def unavailable(tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Applications that are not available, what somebody stopped first, each with its first reason.

    The reasons come from the rule itself; as many queries as for one.
    """
    held = Availability.objects.at(at).filter(tenant=tenant, application=OuterRef("pk"))
    rows = list(_living(tenant).filter(~Exists(held)).order_by("display_name", "id")[:LOOKED_AT])
    known = load.sharing([row.id for row in rows], tenant_ids=[tenant.id])
    found = []
    for row in rows:
        answer = available(known[row.id], tenant_id=str(tenant.id), at=at)
        if answer:  # it became so between the two questions
            continue
        url = address("application-detail", tenant.slug, application_id=row.id)
        state = state_of(answer)
        found.append({"name": str(row), "url": url, "state": state, "why": first_sentence(answer.decision)})
    return sorted(found, key=lambda row: _FIRST.index(row["state"]))[:SHOWN]


def first_steps(page: ConsolePage, *, owned: int) -> list[dict[str, Any]]:
    """What a new organization does first, as long as it has no contract; only what the person may do.

    Three queries.
    """
    tenant = page.tenant
    done = {
        "people": tenant.users.filter(deleted_at=None)[:2].count() > 1,
        "application": owned > 0,
        "partner": partnerships.of(tenant).filter(state__in=("redeemed", "confirmed")).exists(),
        "contract": Contract.objects.filter(Q(provider=tenant) | Q(consumer=tenant)).exists(),
    }
    if done["contract"]:
        return []
    steps = (
        ("people", _("Invite your colleagues"), "Users:add", page.url("tenants:user-invite")),
        (
            "application",
            _("Register your first application"),
            "Modules:add",
            address("application-register", page.slug),
        ),
        (
            "partner",
            _("Invite a partner"),
            "OrganizationRelations:add",
            page.url("tenants:partner-invite"),
        ),
        (
            "contract",
            _("Share an application by a contract"),
            "ProvisionContracts:add|AccessContracts:add",
            address("contract-new", page.slug),
        ),
    )
    return [
        {"label": label, "url": url, "done": done[key]}
        for key, label, permission, url in steps
        if page.can(permission)
    ]


def _living(tenant: Tenant) -> QuerySet[Application]:
    return visible(tenant).filter(during__endswith__isnull=True).exclude(pk=PORTAL_ID)
