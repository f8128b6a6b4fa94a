"""Two at once: the first key, and the account of a service."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections

from accesscontrol.actions import keys, rotation
from accesscontrol.models import SigningKey
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import ServiceAccount
from iam_portal.gate import Actor
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
    at_once(lambda: rotation.ensure(at=at))
    assert sorted(SigningKey.objects.values_list("algorithm", flat=True)) == ["ES256", "RS256"]
    keys.forget()


def test_one_next_key(committed_db: None) -> None:
    """Two jobs and an operator at once."""
    at, by = datetime.now(UTC) + timedelta(days=90), Actor.system()
    acts = iter([lambda: rotation.run(at=at), lambda: rotation.plan(algorithms=["ES256"], by=by, at=at)] * 2)
    at_once(lambda: next(acts)())
    assert SigningKey.objects.planned(at).count() == 2
    keys.forget()


def test_one_replacement(committed_db: None) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1)
    kid = SigningKey.objects.signing(at).get(algorithm="ES256").kid
    done = at_once(lambda: rotation.withdraw(kids=[kid], by=Actor.system(), at=at))
    assert sorted(len(one) for one in done) == [0, 0, 0, 1]
    assert SigningKey.objects.signing(at).filter(algorithm="ES256").count() == 1
    keys.forget()


def test_one_account(committed_db: None) -> None:
    at = datetime.now(UTC)
    tenant = make_tenant("acme", at=at)
    details = Details(name="meter", display_name="Meter")
    made = applications.register(owner=tenant, details=details, by=SYSTEM, at=at, application_id="acme.meter")
    found = at_once(lambda: ServiceAccount.objects.get_or_create(application=made, tenant=tenant)[0].id)
    assert len(set(found)) == 1
