"""A world of so many organizations, applications, contracts and people, written straight into the tables.

No action writes it, so that a million contracts take minutes. What follows from the facts (grants, read
model) is computed by the portal's own statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from applications import readmodel
from applications.models import Application
from iam_portal.launchers.load import peopling, populating
from iam_portal.launchers.load.lending import temporary_tables
from iam_portal.walls import cross_tenant
from tenants.models import Tenant

# What the portal's own statements ask: nothing narrows them.
_EVERYTHING: Mapping[str, Any] = {"contracts": None, "applications": None, "tenants": None}


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
    people: int = 2  # users of each tenant
    groups: int = 0  # and its groups; none: nobody administers, nothing was used
    assignments: int = 0  # in all of them together, about
    company: int = 0  # this tenant's people are written apart
    seed: int = 7

    def build(self) -> None:
        """Write the facts, and let everything else follow."""
        self.write_facts()
        self.derive()

    def write_facts(self) -> None:
        """What people agreed, and the people."""
        with temporary_tables(), transaction.atomic(), cross_tenant():
            self._run(populating.FACTS)
            self._run(peopling.FEW)
            if self.groups:
                self._run(peopling.MANY)
                self._assign()
                self._run((peopling.USAGE,))
            self._run(("DROP TABLE sharing",))

    def derive(self) -> None:
        """Grants, read model, what was told of it, and the events: as after any act."""
        readmodel.rebuild_grants(None)
        readmodel.rebuild_availability(applications=None, tenants=None)
        with transaction.atomic(), cross_tenant():
            self._run((populating.ANNOUNCED, populating.EVENTS))

    def derive_grants(self) -> None:
        """In bulk: no row comes out of the database. It must have looked at the facts (``ANALYZE``)."""
        with transaction.atomic(), cross_tenant():
            self._run((populating.GRANTS,), _EVERYTHING)

    def derive_rest(self) -> None:
        """Of the grants, when it has looked at these."""
        with transaction.atomic(), cross_tenant():
            self._run((populating.AVAILABILITY,), _EVERYTHING)
            self._run((populating.ANNOUNCED, populating.EVENTS))

    def administer(self) -> None:
        """The first of each organization administers it, when everybody is there."""
        with transaction.atomic(), cross_tenant():
            self._run((peopling.PORTAL_ROLES,))

    def tenant(self, ordinal: int) -> Tenant:
        """The tenant of this ordinal; they count from 1."""
        return Tenant.objects.get(slug=f"{self.name}-{ordinal}")

    def application(self, ordinal: int) -> Application:
        """The application of this ordinal; the first are the most shared."""
        owner = 1 + (ordinal - 1) % self.owners
        return Application.objects.get(id=f"{self.name}-{owner}.app{ordinal}")

    def _assign(self) -> None:
        values = self._values()
        with connection.cursor() as cursor:
            cursor.execute(peopling.PLACES, values)
            (values["places"],) = cursor.fetchone()
            cursor.execute("SELECT count(*) FROM accesscontrol_assignment")
            (had,) = cursor.fetchone()
            values["lacking"] = max(0, self.assignments - had)
            cursor.execute(peopling.MORE_ROLES, values)

    def _run(self, statements: Sequence[str], values: Mapping[str, Any] | None = None) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values or self._values())

    def _values(self) -> dict[str, Any]:
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
            "people": self.people,
            "groups": self.groups,
            "company": self.company,
            "seed": self.seed,
            # Both are set where they are known.
            "places": 0,
            "lacking": 0,
        }
