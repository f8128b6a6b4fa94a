"""The parties of the pages' tests."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.applications.outbox import ROLES, now
from tests.applications.receiving import Clock, Inbox, inbox, loopback_allowed
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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def box(settings: Settings) -> Iterator[Inbox]:
    """A receiver of webhooks on loopback, which the settings allow for this test."""
    loopback_allowed(settings)
    with inbox() as made:
        yield made
