"""A world as `manage.py generate_load` writes it, in which actions then make contracts."""

from dataclasses import dataclass
from datetime import datetime

from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.models import Application, Contract
from iam_portal.launchers.load import world
from tenants.actions.partners import are_partners
from tenants.models import Tenant
from tests.support.factories import SYSTEM, make_partners


@dataclass(frozen=True, slots=True, kw_only=True)
class World(world.World):
    """How much of everything, and who could make another contract."""

    def strangers(self, application: Application, number: int) -> list[Tenant]:
        """Tenants without any contract for the application, never suspended, as if drawn by lot."""
        parties = Contract.objects.filter(terms__role__application=application)
        rows = Tenant.objects.filter(slug__startswith=f"{self.name}-", suspensions=None)
        rows = rows.exclude(id__in=parties.values("consumer")).exclude(id=application.owner_id)
        return list(rows.order_by("id")[:number])

    def proposed(self, application: Application, consumer: Tenant, *, at: datetime) -> Contract:
        """A proposal of the owner, by the actions; they become partners where they are none."""
        owner = application.owner
        if not are_partners(owner, consumer):
            make_partners(owner, consumer, at=at)
        offer = Offer(type="provision", roles=[(application.id, "viewer")])
        row = contracts.draft(provider=owner, consumer_id=consumer.id, offer=offer, by=SYSTEM, at=at)
        return contracts.propose(tenant=owner, contract_id=row.id, by=SYSTEM, at=at)
