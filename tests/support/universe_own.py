"""The part of the universe that tells of resources and roles of a tenant's own."""

from collections.abc import Sequence
from datetime import datetime

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import resources
from applications.actions.resource_rows import Place
from applications.actions.resources import Wanted
from applications.models import Application
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.naive_own import STATIC

KIND = "urn:test"


class Keeping:
    """Each act is told to the portal first, which may refuse it."""

    tenants: dict[str, Tenant]
    applications: dict[str, Application]
    model: naive.Naive

    def keep(
        self,
        application: str,
        tenant: str,
        name: str,
        offered: Sequence[str],
        parent: str | None,
        at: datetime,
    ) -> None:
        wanted = Wanted(
            address=(KIND, name),
            name=name,
            privileges=tuple(offered),
            parent=(KIND, parent) if parent is not None else None,
        )
        with tenant_scope(self.tenants[tenant].id):
            made = resources.put(self._place(application, tenant, at), wanted).made
        here = self.model.kept_at(application, tenant, at)
        above = here[parent] if parent is not None and parent != STATIC else parent
        known = here.get(name)
        assert made == (known is None)
        if known is None:
            known = naive.Kept(application, tenant, name, [at, None])
            self.model.kept.append(known)
        self.model.place(known, frozenset(offered), above, at)

    def let_go(self, application: str, tenant: str, name: str, at: datetime) -> None:
        with tenant_scope(self.tenants[tenant].id):
            resources.end(self._place(application, tenant, at), (KIND, name))
        known = self.model.kept_at(application, tenant, at).get(name)
        if known is not None:
            self.model.let_go(known, at)

    def define(self, tenant: str, wanted: Sequence[tuple[str, str, str]], at: datetime) -> None:
        """The tenant's role of the night, exactly with these: (application, resource, privilege)."""
        key = f"{tenant}-night"
        permissions = [(application, KIND, name, privilege) for application, name, privilege in wanted]
        made = Definition(key=key, name=key, description="", permissions=permissions)
        tenant_roles.define(tenant=self.tenants[tenant], definition=made, by=SYSTEM, at=at)
        known = self.model.made.setdefault(key, naive.Made(tenant, key))
        named = [
            (app, None if name == STATIC else self.model.kept_at(app, tenant, at)[name], privilege)
            for app, name, privilege in wanted
        ]
        self.model.define(known, named, at)

    def _place(self, application: str, tenant: str, at: datetime) -> Place:
        return Place(
            application=self.applications[application], tenant=self.tenants[tenant], by=SYSTEM, at=at
        )
