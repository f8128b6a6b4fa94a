"""Many at once: the end of a sign-in, and its deletion."""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from accesscontrol.actions import authorizations, purge
from accesscontrol.models import Authorization
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import Client
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent
from tests.support.factories import SYSTEM, make_tenant, make_user
from tests.tenants.conftest import at_once


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

    assert sorted(at_once(*[end] * 4)) == [False, False, False, True]
    with tenant_scope(tenant.id):
        assert HistoryEvent.objects.filter(action="authorization.ended").count() == 1
        authorizations.end_all(user=user, because=ended, by=SYSTEM, at=at)
    later = at + purge.ENDED_KEPT + timedelta(seconds=1)
    with transaction.atomic(), cross_tenant():
        Authorization.objects.select_for_update().get(pk=rows[0].pk)
        assert sum(at_once(*[lambda: purge.run(at=later)] * 2)) == 39
    assert purge.run(at=later) == 1
