"""The parties of the pages' tests."""

import pytest

from tests.applications.story import Party, party
from tests.support import factories


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
