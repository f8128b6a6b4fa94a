"""From the numbers that one asks for to a world in which they are spread as in a market."""

import re
from dataclasses import dataclass
from datetime import datetime

from accesscontrol.portal_roles import ROLE_KEYS
from iam_portal.launchers.load.company import Company
from iam_portal.launchers.load.world import World
from tenants.models import Tenant

WIDE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What `manage.py generate_load` is asked for."""

    name: str
    tenants: int
    applications: int
    contracts: int
    users: int
    assignments: int
    seed: int

    def objections(self) -> list[str]:
        """What is too small, or does not fit together."""
        least = {"tenants": 8, "applications": 8, "contracts": 100, "users": 20, "assignments": 0}
        found = [
            f"--{name} must be {number} or more"
            for name, number in least.items()
            if getattr(self, name) < number
        ]
        if self.users < self.tenants:
            found.append("--users must be as many as --tenants, or more: everybody has an administrator")
        if not re.fullmatch(r"[a-z][a-z0-9]{1,15}", self.name):
            found.append("--name must be 2 to 16 small letters and digits, a letter first")
        return found

    def world(self, *, at: datetime) -> World:
        """A quarter of the organizations at most own applications; a few have nearly all of them."""
        owners = max(WIDE + 1, min(self.tenants // 4, self.applications // 4))
        heavy = min(10, self.tenants - owners)
        people = max(1, (self.users - self._in_company()) // (self.tenants - 1))
        return World(
            name=self.name,
            at=at,
            tenants=self.tenants,
            applications=self.applications,
            contracts=self.contracts,
            owners=owners,
            wide=WIDE,
            wide_consumers=min((self.tenants - owners) * 9 // 10, self.contracts // 20),
            heavy=heavy,
            heavy_contracts=min(self.applications, self.contracts // (20 * heavy)),
            people=people,
            groups=max(1, people // 4),
            assignments=max(0, self.assignments - self._of_company() - self._of_portal()),
            company=self.company_ordinal(),
            seed=self.seed,
        )

    def company_ordinal(self) -> int:
        """The owner of the application that is shared most by chance: it has many partners and contracts."""
        return WIDE + 1

    def company(self, tenant: Tenant, *, at: datetime) -> Company:
        """A tenth of all people, in one organization; ten assignments each, while there are as many."""
        users = self._in_company()
        groups = max(1, users // 10)
        return Company(
            tenant=tenant,
            at=at,
            users=users,
            groups=groups,
            resources=max(40, users * 2),
            of_user=self._of_company() // users,
            of_group=1,
        )

    def _in_company(self) -> int:
        return max(10, self.users // 10)

    def _of_company(self) -> int:
        return min(10 * self._in_company(), self.assignments // 10)

    def _of_portal(self) -> int:
        return self.tenants * (len(ROLE_KEYS) - 1) + self.users
