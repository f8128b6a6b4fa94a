"""Makers of shared applications at moments that the test chooses, and what the events of a pair said."""

from datetime import UTC, datetime, timedelta
from typing import Any

from applications import events
from applications.actions import applications, contracts, manifests
from applications.actions.drafts import Offer
from applications.models import Application, Contract, Event
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.universe import manifest_of

T0 = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
VIEWER = "viewer"


def register(owner: Tenant, name: str, at: datetime) -> Application:
    details = applications.Details(name=name, display_name=name.capitalize())
    row = applications.register(
        owner=owner, details=details, by=SYSTEM, at=at, application_id=f"{owner.slug}.{name}"
    )
    manifests.declare(application=row, manifest=manifest_of(("viewer", "editor")), by=SYSTEM, at=at)
    return row


def proposal(
    provider: Tenant,
    consumer: Tenant,
    *application_ids: str,
    at: datetime,
    type: str = "provision",
    **dates: datetime,
) -> Contract:
    roles = [(application_id, VIEWER) for application_id in application_ids]
    offer = Offer(type=type, roles=roles, onward_access=type == "provision", **dates)
    row = contracts.draft(provider=provider, consumer_id=consumer.id, offer=offer, by=SYSTEM, at=at)
    return contracts.propose(tenant=provider, contract_id=row.id, by=SYSTEM, at=at)


def accepted(
    provider: Tenant, consumer: Tenant, *application_ids: str, at: datetime, **more: Any
) -> Contract:
    row = proposal(provider, consumer, *application_ids, at=at, **more)
    return contracts.accept(tenant=consumer, contract_id=row.id, by=SYSTEM, at=at)


def told(tenant: Tenant, application_id: str) -> list[bool]:
    """What the events of the pair said, in order of their positions."""
    events.sequence()
    rows = Event.objects.filter(
        tenant=tenant, application_id=application_id, type__endswith="available.v1"
    ).order_by("position")
    with tenant_scope(tenant.id):
        return [kind == "iam.application.available.v1" for kind in rows.values_list("type", flat=True)]


def make_pair() -> tuple[Tenant, Tenant]:
    """Partners, and the first one's application."""
    acme, beta = make_tenant("acme", at=T0), make_tenant("beta", at=T0)
    make_partners(acme, beta, at=T0)
    register(acme, "meter", T0)
    return acme, beta


def moments(tenant: Tenant, application_id: str = "acme.meter") -> list[tuple[datetime, bool]]:
    """What was told of the pair: when it turned, and to what, in the order of positions."""
    events.sequence()
    rows = Event.objects.filter(tenant=tenant, application_id=application_id, type__endswith="available.v1")
    found = rows.order_by("position").values_list("at", "type")
    with tenant_scope(tenant.id):
        return [(at, kind == "iam.application.available.v1") for at, kind in found]
