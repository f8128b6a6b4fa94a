"""What a tenant can put into a contract."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from applications import facts as load
from applications.forms import Offered
from applications.models import Application, ApplicationRole, Availability, ContractType
from applications.models.applications import PORTAL_ID
from applications.policies import shareable
from iam_portal.decision import Decision
from tenants.models import Tenant


class Offers(NamedTuple):
    """What can be offered now, and which applications cannot, with the reason."""

    offered: list[Offered]
    refused: list[tuple[str, Decision]]


def offers(tenant: Tenant, contract_type: str, at: datetime) -> Offers:
    """Roles that the tenant may share by a contract of the type, by application. Ten queries at most."""
    applications = _candidates(tenant, contract_type, at)
    roles: dict[str, list[ApplicationRole]] = defaultdict(list)
    for role in ApplicationRole.objects.at(at).filter(application__in=applications):
        roles[role.application_id].append(role)
    known = load.sharing([row.id for row in applications], tenant_ids=[tenant.id])
    offered, refused = [], []
    for application in applications:
        facts, own = known[application.id], roles[application.id]
        decisions = [
            (role, shareable(facts, provider_id=tenant.id, role=role.key, type=contract_type, at=at))
            for role in own
        ]
        good = tuple((role.key, role.name, role.description) for role, decision in decisions if decision)
        if good:
            offered.append(Offered(application.id, str(application), good))
        elif decisions:
            refused.append((str(application), decisions[0][1]))
    return Offers(offered, refused)


def _candidates(tenant: Tenant, contract_type: str, at: datetime) -> list[Application]:
    living = Application.objects.at(at).exclude(id=PORTAL_ID).order_by("display_name", "id")
    owned = living.filter(owner=tenant)
    if contract_type == ContractType.PROVISION:
        return list(owned)
    held = Availability.objects.at(at).filter(tenant=tenant, contract__onward_access=True)
    return list(owned | living.filter(id__in=held.values("application_id")))
