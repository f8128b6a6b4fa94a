"""Who is who: the seeded tenants and people, looked up by their names in the data."""

from dataclasses import dataclass, field
from datetime import datetime

from iam_portal.gate import Actor
from iam_portal.launchers.seed.shapes import Company, World
from iam_portal.walls import tenant_scope
from tenants.models import Group, Tenant, User

_MANAGER = "provision-contract-manager"


@dataclass(slots=True)
class Directory:
    """Rows by the names that the data uses; each is read once."""

    world: World
    _tenants: dict[str, Tenant] = field(default_factory=dict)
    _people: dict[tuple[str, str], User] = field(default_factory=dict)

    def tenant(self, slug: str) -> Tenant:
        if slug not in self._tenants:
            self._tenants[slug] = Tenant.objects.get(slug=slug)
        return self._tenants[slug]

    def person(self, slug: str, username: str) -> User:
        key = (slug, username)
        if key not in self._people:
            tenant = self.tenant(slug)
            with tenant_scope(tenant.id):
                self._people[key] = User.objects.get(tenant=tenant, username=username)
        return self._people[key]

    def group(self, slug: str, name: str, at: datetime) -> Group:
        tenant = self.tenant(slug)
        with tenant_scope(tenant.id):
            found: Group = Group.objects.at(at).get(tenant=tenant, name=name)
            return found

    def company(self, slug: str) -> Company:
        return next(company for company in self.world.companies if company.slug == slug)

    def administrator(self, slug: str) -> Actor:
        """The first person of the company; he holds every portal role."""
        return self._actor(slug, self.company(slug).people[0].username)

    def manager(self, slug: str) -> Actor:
        """Who deals with contracts there, otherwise the administrator."""
        people = self.company(slug).people
        chosen = next((person for person in people if _MANAGER in person.roles), people[0])
        return self._actor(slug, chosen.username)

    def _actor(self, slug: str, username: str) -> Actor:
        user = self.person(slug, username)
        return Actor("user", str(user.id), user.display_name, self.tenant(slug).id)
