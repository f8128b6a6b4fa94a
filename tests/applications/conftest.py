"""The parties of the pages' tests."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from applications import events
from tests.applications.outbox import ROLES, now
from tests.applications.receiving import Clock, Inbox, inbox, loopback_allowed
from tests.applications.sides import Side, make_side
from tests.applications.story import Party, party
from tests.applications.waiting import World
from tests.support import factories
from tests.support.knocking import service
from tests.support.live import running


@pytest.fixture
def acme(db: None) -> Party:
    return party("acme")


@pytest.fixture
def beta(acme: Party) -> Party:
    """A partner of acme."""
    made = party("beta")
    factories.make_partners(acme.tenant, made.tenant, at=made.tenant.created_at)
    return made


@pytest.fixture
def gamma(beta: Party) -> Party:
    """A partner of beta, no party to what acme and beta have, with the same names."""
    made = party("gamma")
    factories.make_partners(beta.tenant, made.tenant, at=made.tenant.created_at)
    return made


@pytest.fixture
def world(committed_db: None) -> Iterator[World]:
    """Really committed, for the threads of the event service."""
    acme, beta = factories.make_tenant("acme", at=now()), factories.make_tenant("beta", at=now())
    reader = service(acme, "reader", *ROLES)
    with running() as live:
        yield World(acme, beta, reader, live)


@pytest.fixture(scope="module")
def told_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Side]:
    """Acme with one of everything, in a transaction that stays open for the module."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = make_side("acme")
        events.sequence()
        yield made
        transaction.set_rollback(True)
    connection.close()


@pytest.fixture(scope="module")
def stranger(told_once: Side) -> Side:
    """Another organization in the same transaction, with the same names."""
    return make_side("zenith")


@pytest.fixture
def side(told_once: Side) -> Iterator[Side]:
    """The same for each test: what it does is taken back. Not together with ``db``."""
    with transaction.atomic():
        yield told_once
        transaction.set_rollback(True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(settings: Settings) -> Iterator[Inbox]:
    """A receiver of webhooks on loopback, which the settings allow for this test."""
    loopback_allowed(settings)
    with inbox() as made:
        yield made
