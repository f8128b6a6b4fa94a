"""A world of so many organizations, applications and contracts, written straight into the tables.

No action writes it, so that 50,000 contracts take seconds. What follows from the facts (grants, read model)
is computed by the portal's own statements.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from applications import readmodel
from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.models import Application, Contract
from iam_portal.walls import cross_tenant
from tenants.actions.partners import are_partners
from tenants.models import Tenant
from tests.benchmarks import populating
from tests.support.factories import SYSTEM, make_partners


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How much of everything. ``name`` sets worlds apart: several fit into one database."""

    name: str
    at: datetime
    tenants: int
    applications: int
    contracts: int
    owners: int  # these tenants own the applications
    wide: int  # the first applications are shared with ``wide_consumers`` each
    wide_consumers: int
    heavy: int  # the last tenants have ``heavy_contracts`` contracts each, and more by chance
    heavy_contracts: int

    def build(self) -> None:
        """Write the facts, and let everything else follow."""
        self.write_facts()
        self.derive()

    def write_facts(self) -> None:
        """What people agreed."""
        with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:
            for statement in populating.FACTS:
                cursor.execute(statement, self._values())

    def derive(self) -> None:
        """Grants, read model, what was told of it, and the events."""
        readmodel.rebuild_grants(None)
        readmodel.rebuild_availability(applications=None, tenants=None)
        with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:
            cursor.execute(populating.ANNOUNCED, self._values())
            cursor.execute(populating.EVENTS, self._values())

    def tenant(self, ordinal: int) -> Tenant:
        """The tenant of this ordinal; they count from 1."""
        return Tenant.objects.get(slug=f"{self.name}-{ordinal}")

    def application(self, ordinal: int) -> Application:
        """The application of this ordinal; the first are the most shared."""
        owner = 1 + (ordinal - 1) % self.owners
        return Application.objects.get(id=f"{self.name}-{owner}.app{ordinal}")

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

    def _values(self) -> dict[str, object]:
        access = self.contracts // 10
        shared = self.wide * self.wide_consumers + self.heavy * self.heavy_contracts
        return {
            "world": self.name,
            "at": self.at,
            "born": self.at - timedelta(days=700),
            "tenants": self.tenants,
            "applications": self.applications,
            "owners": self.owners,
            "wide": self.wide,
            "wide_consumers": self.wide_consumers,
            "heavy": self.heavy,
            "heavy_contracts": self.heavy_contracts,
            "access": access,
            "ordinary": self.contracts - access - shared,
        }
