"""A stage whose target also lets people in."""

import pytest

from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.stage import BACK, Stage, made_of


@pytest.fixture(scope="module")
def stage(running_portal: RunningPortal) -> Stage:
    """Shared already; files that break links in the chain make one for each test."""
    found = made_of(running_portal.story)
    found.share()
    Console.of(running_portal, "provider").change_client(found.target.client_id, redirectUris=[BACK])
    return found
