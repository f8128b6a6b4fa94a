"""Whom to let in: every role of the portal, held by one person and one service, and a neighbour."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import contracts
from applications.actions.drafts import Offer
from applications.policies import RESOURCES
from tenants.models import Tenant
from tests.applications.sharing import register
from tests.support import town as towns
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant
from tests.support.knocking import House, browser, person, service
from tests.support.once import made_once
from tests.support.town import Town


@pytest.fixture(scope="module")
def house(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Told once for each module, in a transaction that stays open."""
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with django_db_blocker.unblock(), transaction.atomic():
        at = datetime.now(UTC)
        acme, neighbour = make_tenant("acme", at=at), make_tenant("neighbour", at=at)
        people = {key: browser(acme, person(acme, key, key)[1]) for key in ROLE_KEYS}
        services = {key: service(acme, key, key) for key in ROLE_KEYS}
        administrator = browser(acme, person(acme, "administrator", *ROLE_KEYS)[1])
        outsider = service(neighbour, "robot", *ROLE_KEYS)
        _, session = person(neighbour, "administrator", *ROLE_KEYS)
        nobody, board = browser(acme, person(acme, "nobody")[1]), make_group(acme, "Board", at=at)
        yield House(
            acme,
            neighbour,
            people,
            services,
            administrator,
            outsider,
            session,
            nobody,
            contracts=_proposed(neighbour, acme),
            group=board.id,
        )
        transaction.set_rollback(True)
    connection.close()


def _proposed(provider: Tenant, consumer: Tenant) -> dict[str, UUID]:
    """A contract of each type, by the resource of the portal that governs it."""
    make_partners(provider, consumer, at=datetime.now(UTC))
    roles = [(register(provider, "planner", datetime.now(UTC)).id, "viewer")]
    found = {}
    for kind, resource in RESOURCES.items():
        offer = Offer(type=kind, roles=roles)
        act = {"by": SYSTEM, "at": datetime.now(UTC)}
        row = contracts.draft(provider=provider, consumer_id=consumer.id, offer=offer, **act)
        found[resource] = contracts.propose(tenant=provider, contract_id=row.id, **act).id
    return found


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Town]:
    """Fewer people, and something of each kind behind the doors."""
    with made_once(django_db_blocker):
        yield towns.told()
