"""Two at once: the first key, the account of a service, the end of a sign-in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, transaction

from accesscontrol.actions import authorizations, keys, purge
from accesscontrol.models import Authorization, SigningKey
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import Client, ServiceAccount
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent
from tests.support.factories import SYSTEM, make_tenant, make_user


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


def test_a_sign_in_ends_once_and_is_deleted_once(committed_db: None) -> None:
    """By four at once; and two purges share the rows, but for one that somebody holds."""
    at = datetime.now(UTC)
    tenant = make_tenant("acme", at=at)
    user, ended = make_user(tenant, at=at), Authorization.Ended.REVOKED
    details = Details(name="meter", display_name="Meter")
    applications.register(owner=tenant, details=details, by=SYSTEM, at=at, application_id="acme.meter")
    moments = {"authenticated_at": at, "created_at": at, "used_at": at}
    client = Client.objects.get(client_id="acme.meter")
    with tenant_scope(tenant.id):
        rows = [Authorization(tenant=tenant, user=user, client=client, **moments) for _ in range(40)]
        Authorization.objects.bulk_create(rows)

    def end() -> bool:
        with tenant_scope(tenant.id):
            return authorizations.end(authorization=rows[0], because=ended, by=SYSTEM, at=at)

    assert sorted(at_once(end)) == [False, False, False, True]
    with tenant_scope(tenant.id):
        assert HistoryEvent.objects.filter(action="authorization.ended").count() == 1
        authorizations.end_all(user=user, because=ended, by=SYSTEM, at=at)
    later = at + purge.ENDED_KEPT + timedelta(seconds=1)
    with transaction.atomic(), cross_tenant():
        Authorization.objects.select_for_update().get(pk=rows[0].pk)
        assert sum(at_once(lambda: purge.run(at=later), 2)) == 39
    assert purge.run(at=later) == 1
