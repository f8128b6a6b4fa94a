"""Two at once at the resources of one tenant, on real connections: they take turns, and no loop closes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRolePermission
from applications.actions import resources
from applications.actions.resource_rows import Place
from applications.actions.resources import Wanted
from applications.models import Application, Resource, ResourcePlace
from iam_portal.errors import DomainError
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Tenant, still_open
from tests.applications.sharing import accepted, make_pair, register
from tests.support.factories import SYSTEM, make_resource
from tests.tenants.conftest import Racers

KIND = "urn:test"


@dataclass
class Yard:
    """Where Beta's resources stand."""

    meter: Application
    beta: Tenant
    at: datetime

    def place(self, at: datetime | None = None) -> Place:
        return Place(application=self.meter, tenant=self.beta, by=SYSTEM, at=at or self.at)

    def put(self, key: str, parent: str | None = None, at: datetime | None = None) -> Any:
        above = (KIND, parent) if parent else None
        wanted = Wanted(address=(KIND, key), name=key, privileges=("read",), parent=above)
        with tenant_scope(self.beta.id):
            return resources.put(self.place(at), wanted)

    def end(self, key: str) -> None:
        with tenant_scope(self.beta.id):
            resources.end(self.place(), (KIND, key))

    def role(self, key: str) -> None:
        permissions = [(self.meter.id, KIND, key, "read")]
        made = Definition(key="night", name="Night", description="", permissions=permissions)
        tenant_roles.define(tenant=self.beta, definition=made, by=SYSTEM, at=self.at)

    def under(self, key: str, parent: str) -> None:
        """Past every check of the code."""
        with transaction.atomic(), cross_tenant():
            own = Resource.objects.filter(owner_tenant=self.beta)
            placed = ResourcePlace.objects.filter(still_open(), resource__key=key, owner_tenant=self.beta)
            placed.update(parent=own.get(key=parent))


def test_two_at_once(committed_db: None) -> None:
    at = datetime.now(UTC)
    acme, beta = make_pair()
    yard = Yard(register(acme, "press", at), beta, at)
    accepted(acme, beta, yard.meter.id, at=at)
    for key in ("a", "b", "c", "d"):
        yard.put(key)
    with Racers(2) as racers:
        found = racers.at_once(said(yard.put, "a", "b"), said(yard.put, "b", "a"))
        assert found.count("resource_loop") == 1

        for key, parent in (("a", None), ("b", None), ("b", "a"), ("d", "c")):
            yard.put(key, parent)
        found = racers.at_once(lambda: yard.under("a", "d"), lambda: yard.under("c", "b"))
        assert sorted(type(each).__name__ for each in found) == ["IntegrityError", "NoneType"]

        # The one that began later came first: the other finds what it has made.
        late = at + timedelta(seconds=1)
        found = racers.at_once(said(yard.put, "new", at=late), said(yard.put, "new", at=at))
        assert sorted(outcome.made for outcome in found) == [False, True]

        racers.at_once(said(yard.end, "new"), said(yard.role, "new"))
        with cross_tenant():
            over = Resource.objects.get(application=yard.meter, key="new").during
            assert over.isempty or over.upper is not None
            assert not TenantRolePermission.objects.not_over(late).exists()


def said(act: Callable[..., Any], *words: Any, **given: Any) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return act(*words, **given)
        except DomainError as refused:
            return refused.code

    return run


def test_the_database_refuses_what_cannot_contain(db: None) -> None:
    """Where a check was forgotten: what is another tenant's or application's, a tenant's own above all."""
    at = datetime.now(UTC)
    acme, beta = make_pair()
    meter, other = register(acme, "press", at), register(acme, "other", at)
    with cross_tenant():
        machines, theirs = (Resource.objects.get(application=app, key="machines") for app in (meter, other))

        def own(tenant: Any, key: str) -> Resource:
            return make_resource(meter.id, key, owner=tenant, during=machines.during)

        mine, foreign = own(beta, "mine"), own(acme, "foreign")
        for row, parent in ((mine, foreign), (mine, theirs), (machines, mine)):
            with pytest.raises(IntegrityError, match="of its application"), transaction.atomic():
                row.places.update(parent=parent)
        mine.places.update(parent=machines)
        with pytest.raises(IntegrityError, match="the tenant of its resource"), transaction.atomic():
            mine.places.update(owner_tenant=acme)
        with pytest.raises(IntegrityError, match="stays with its application"), transaction.atomic():
            Resource.objects.filter(id=mine.id).update(owner_tenant=acme)
    with (
        tenant_scope(beta.id),
        pytest.raises(IntegrityError, match="of its application"),
        transaction.atomic(),
    ):
        mine.places.update(parent=foreign)
