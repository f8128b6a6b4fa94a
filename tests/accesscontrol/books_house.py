"""Somebody in an organization, and what a process that goes on says that applications' roles hold."""

from datetime import UTC, datetime
from typing import Any

from accesscontrol import books, kept
from accesscontrol.decide import RoleBook
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.accesscontrol.portal_house import House
from tests.applications.sharing import register
from tests.benchmarks.measuring import counting

READER = "user-reader"


def book_of(tenant: Tenant, application_id: str = PORTAL_ID) -> RoleBook:
    with tenant_scope(tenant.id):
        return books.of_tenant([application_id], tenant_id=tenant.id)[application_id]


def reads(house: House) -> set[str]:
    """What the role of the portal may read, as a process says that goes on."""
    facts = book_of(house.tenant).application.get(READER, ())
    return {each.permission[1] for each in facts if each.span.covers(datetime.now(UTC))}


def sent(house: House, *application_ids: str) -> int:
    asked = application_ids or (PORTAL_ID,)
    with tenant_scope(house.tenant.id), counting() as found:
        books.of_tenant(asked, tenant_id=house.tenant.id)
    return len(found)


def same(house: House) -> None:
    """A process that begins now says what this one says."""
    ours = book_of(house.tenant).roles()
    kept.books.clear()
    assert ours == book_of(house.tenant).roles()


def told(house: House, *application_ids: str) -> dict[str, dict[str, set[Any]]]:
    """What their roles hold at all, in no order."""
    with tenant_scope(house.tenant.id):
        found = books.of_tenant(application_ids, tenant_id=house.tenant.id)
    return {each: {key: set(held) for key, held in book.application.items()} for each, book in found.items()}


def declared(name: str, owner: Tenant) -> str:
    """An application with two roles, by its id."""
    return register(owner, name, datetime.now(UTC)).pk
