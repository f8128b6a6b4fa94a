"""Two at once at the resources of one tenant, on real connections: they take turns, and no loop closes."""

from collections.abc import Callable
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
from applications.models import Resource
from iam_portal.errors import DomainError
from iam_portal.walls import cross_tenant, tenant_scope
from tests.applications.sharing import accepted, make_pair, register
from tests.support.factories import SYSTEM
from tests.tenants.conftest import Racers

KIND = "urn:test"


def test_two_at_once(committed_db: None) -> None:
    at = datetime.now(UTC)
    acme, beta = make_pair()
    meter = register(acme, "press", at)
    accepted(acme, beta, meter.id, at=at)

    def put(key: str, *privileges: str, parent: str | None = None, at: datetime = at) -> Any:
        wanted = Wanted(
            address=(KIND, key),
            name=key,
            privileges=privileges or ("read",),
            parent=(KIND, parent) if parent else None,
        )
        place = Place(application=meter, tenant=beta, by=SYSTEM, at=at)
        with tenant_scope(beta.id):
            return resources.put(place, wanted)

    def end(key: str) -> None:
        with tenant_scope(beta.id):
            resources.end(Place(application=meter, tenant=beta, by=SYSTEM, at=at), (KIND, key))

    def role(key: str) -> None:
        permissions = [(meter.id, KIND, key, "read")]
        made = Definition(key="night", name="Night", description="", permissions=permissions)
        tenant_roles.define(tenant=beta, definition=made, by=SYSTEM, at=at)

    def under(row: Resource, parent: Resource) -> Callable[[], Any]:
        """Past every check of the code."""

        def run() -> None:
            with transaction.atomic(), cross_tenant():
                Resource.objects.filter(id=row.id).update(parent=parent)

        return run

    for key in ("a", "b", "c", "d"):
        put(key)
    with Racers(2) as racers:
        found = racers.at_once(said(put, "a", parent="b"), said(put, "b", parent="a"))
        assert found.count("resource_loop") == 1
        put("a")
        put("b")

        put("b", parent="a")
        put("d", parent="c")
        with cross_tenant():
            rows = {row.key: row for row in Resource.objects.filter(owner_tenant=beta)}
        found = racers.at_once(under(rows["a"], rows["d"]), under(rows["c"], rows["b"]))
        assert sorted(type(each).__name__ for each in found) == ["IntegrityError", "NoneType"]

        # The one that began later came first: the other finds what it has made.
        late = at + timedelta(seconds=1)
        found = racers.at_once(said(put, "new", at=late), said(put, "new", at=at))
        assert sorted(outcome.made for outcome in found) == [False, True]

        racers.at_once(said(end, "new"), said(role, "new"))
        with cross_tenant():
            over = Resource.objects.get(application=meter, key="new").during
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
            columns = {"name": key, "privileges": ["read"], "during": machines.during}
            return Resource.objects.create(
                application=meter, type=KIND, key=key, owner_tenant=tenant, **columns
            )

        mine, foreign = own(beta, "mine"), own(acme, "foreign")
        for row, parent in ((mine, foreign), (mine, theirs), (machines, mine)):
            with pytest.raises(IntegrityError, match="of its application"), transaction.atomic():
                Resource.objects.filter(id=row.id).update(parent=parent)
        Resource.objects.filter(id=mine.id).update(parent=machines)
    with (
        tenant_scope(beta.id),
        pytest.raises(IntegrityError, match="of its application"),
        transaction.atomic(),
    ):
        Resource.objects.filter(id=mine.id).update(parent=foreign)
