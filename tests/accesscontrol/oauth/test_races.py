"""Two at once: the first key, and the account of a service."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from django.db import connections

from accesscontrol.actions import keys
from accesscontrol.models import SigningKey
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import ServiceAccount
from tests.support.factories import SYSTEM, make_tenant


def at_once(act: Callable[[], Any], times: int = 4) -> list[Any]:
    """Run the act in threads that start together, each with its own connection."""
    start = threading.Barrier(times)

    def run(_: int) -> Any:
        try:
            start.wait(10)
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_one_first_key(committed_db: None) -> None:
    SigningKey.objects.using("owner").all().delete()  # the web's role may not
    at = datetime.now(UTC)
    at_once(lambda: keys.ensure(at=at))
    assert sorted(SigningKey.objects.values_list("algorithm", flat=True)) == ["ES256", "RS256"]
    keys.forget()


def test_one_account(committed_db: None) -> None:
    at = datetime.now(UTC)
    tenant = make_tenant("acme", at=at)
    details = Details(name="meter", display_name="Meter")
    made = applications.register(owner=tenant, details=details, by=SYSTEM, at=at, application_id="acme.meter")
    found = at_once(lambda: ServiceAccount.objects.get_or_create(application=made, tenant=tenant)[0].id)
    assert len(set(found)) == 1
