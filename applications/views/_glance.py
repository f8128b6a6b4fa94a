"""The overview's figures: what is available, how contracts stand, and what a new organization does first."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from applications import facts as load
from applications.availability import SharingFacts, available
from applications.http import address
from applications.models import Contract
from applications.models.applications import PORTAL_ID
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


# Those that live, the tenant's own and what it had by a contract; none of the portal. Found by what it has
# had: asked of each application, everybody's are gone through.
_KNOWN = """
WITH known AS MATERIALIZED (
    SELECT a.id, coalesce(nullif(a.display_name, ''), a.name) AS title, a.display_name,
        a.owner_id = %(tenant)s AS own,
        EXISTS (SELECT FROM applications_availability v WHERE v.tenant_id = %(tenant)s
            AND v.application_id = a.id AND v.during @> %(at)s::timestamptz) AS held
    FROM applications_application a
    WHERE a.id <> %(portal)s AND upper(a.during) IS NULL AND (a.owner_id = %(tenant)s OR a.id = ANY(ARRAY(
        SELECT application_id FROM applications_availability WHERE tenant_id = %(tenant)s)))
), lacking AS MATERIALIZED (
    SELECT id, title FROM known WHERE NOT held ORDER BY display_name, id LIMIT %(most)s
)
SELECT count(*) FILTER (WHERE own), count(*) FILTER (WHERE NOT own AND held),
    count(*) FILTER (WHERE NOT held), ARRAY(SELECT id FROM lacking), ARRAY(SELECT title FROM lacking)
FROM known
"""


class Known(NamedTuple):
    """How many applications there are, and of those that are not available the first: their names by id."""

    owned: int
    shared: int
    unavailable: int
    lacking: Mapping[str, str]


def known_applications(tenant: Tenant, at: datetime) -> Known:
    """Availability at a glance. One query."""
    values: dict[str, Any] = {"tenant": tenant.id, "at": at, "portal": PORTAL_ID, "most": LOOKED_AT}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, values)
        owned, shared, unavailable, ids, titles = cursor.fetchone()
    return Known(owned, shared, unavailable, dict(zip(ids, titles, strict=True)))


class Shared:
    """Facts of sharing for several questions of one page: with the first, what the others need is read."""

    def __init__(self, tenant: Tenant, also: Collection[str]) -> None:
        self._tenant, self._also = tenant, also
        self._read: dict[str, SharingFacts] = {}
        self._asked: set[str] = set()

    def __call__(self, application_ids: Collection[str]) -> dict[str, SharingFacts]:
        if missing := set(application_ids) - self._asked:
            missing |= set(self._also) - self._asked
            self._read |= load.sharing(missing, tenant_ids=[self._tenant.id])
            self._asked |= missing
        return {pk: self._read[pk] for pk in application_ids if pk in self._read}


def application_tiles(known: Known, tenant: Tenant) -> list[dict[str, Any]]:
    """The counts, with the way to them."""
    url = address("application-list", tenant.slug)
    return [
        {"label": _("Applications owned"), "value": known.owned, "url": f"{url}?relation=owned"},
        {
            "label": _("Shared with us"),
            "value": known.shared,
            "note": _("available now"),
            "url": f"{url}?relation=shared&state=available",
        },
        {
            "label": _("Not available"),
            "value": known.unavailable,
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


def unavailable(known: Known, shared: Shared, tenant: Tenant, at: datetime) -> list[dict[str, Any]]:
    """Applications that are not available, what somebody stopped first, each with its first reason.

    The reasons come from the rule itself; as many queries as for one.
    """
    facts = shared(known.lacking)
    found = []
    for application_id, name in known.lacking.items():
        answer = available(facts[application_id], tenant_id=str(tenant.id), at=at)
        if answer:  # it became so between the two questions
            continue
        url = address("application-detail", tenant.slug, application_id=application_id)
        state = state_of(answer)
        found.append({"name": name, "url": url, "state": state, "why": first_sentence(answer.decision)})
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
