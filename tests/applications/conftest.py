"""The parties of the pages' tests."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from applications import events
from tests.applications.chain import Chain
from tests.applications.outbox import ROLES, now
from tests.applications.receiving import Clock, Inbox, inbox, loopback_allowed
from tests.applications.sides import Side, make_side
from tests.applications.story import Party, party
from tests.applications.waiting import World
from tests.support import factories
from tests.support.knocking import service
from tests.support.live import running
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def parties(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Party]]:
    """Signed in once; acme and beta are partners, beta and gamma."""
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "beta", "gamma")}
        for one, other in (("acme", "beta"), ("beta", "gamma")):
            tenant = made[other].tenant
            factories.make_partners(made[one].tenant, tenant, at=tenant.created_at)
        yield made


@pytest.fixture
def standing(parties: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Party]]:
    with savepoint(django_db_blocker):
        yield {slug: made.fork() for slug, made in parties.items()}


@pytest.fixture
def acme(standing: dict[str, Party]) -> Party:
    return standing["acme"]


@pytest.fixture
def beta(standing: dict[str, Party]) -> Party:
    """A partner of acme."""
    return standing["beta"]


@pytest.fixture
def gamma(standing: dict[str, Party]) -> Party:
    """A partner of beta, no party to what acme and beta have, with the same names."""
    return standing["gamma"]


@pytest.fixture
def world(committed_db: None) -> Iterator[World]:
    """Really committed, for the threads of the event service."""
    acme, beta = factories.make_tenant("acme", at=now()), factories.make_tenant("beta", at=now())
    reader = service(acme, "reader", *ROLES)
    with running() as live:
        yield World(acme, beta, reader, live)


@pytest.fixture(scope="module")
def told_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Side]:
    """Acme with one of everything, made once for the module."""
    with made_once(django_db_blocker):
        made = make_side("acme")
        events.sequence()
        yield made


@pytest.fixture(scope="module")
def stranger(told_once: Side) -> Side:
    """Another organization in the same transaction, with the same names."""
    return make_side("zenith")


@pytest.fixture
def side(told_once: Side, django_db_blocker: DjangoDbBlocker) -> Iterator[Side]:
    """The same for each test: what it does is taken back. Not together with ``db``."""
    with savepoint(django_db_blocker):
        yield told_once


@pytest.fixture(scope="module")
def chain_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Chain]:
    with made_once(django_db_blocker):
        yield Chain()


@pytest.fixture
def chain(chain_once: Chain, django_db_blocker: DjangoDbBlocker) -> Iterator[Chain]:
    """Acme, beta and gamma in a row, made once for the module."""
    with savepoint(django_db_blocker):
        yield chain_once.fork()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(settings: Settings) -> Iterator[Inbox]:
    """A receiver of webhooks on loopback, which the settings allow for this test."""
    loopback_allowed(settings)
    with inbox() as made:
        yield made
