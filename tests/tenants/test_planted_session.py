"""Planted SQL that commits settings of the session: they stay on a connection that is handed on."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import Error, connection

from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Tenant, User
from tests.support.factories import make_tenant, make_user

KEEPS_ITS_TENANT = "set_config('iam.tenant', current_setting('iam.tenant'), false)"
KEEPS_ITS_SEAL = "set_config('iam.seal', current_setting('iam.seal'), false)"


@pytest.fixture
def two(committed_db: None) -> Iterator[tuple[Tenant, Tenant]]:
    """Each with one person; the connection goes at the end, as from a pool within an hour."""
    tenants = make_tenant("acme"), make_tenant("neighbour")
    for tenant in tenants:
        make_user(tenant, f"of.{tenant.slug}")
    yield tenants
    connection.close()


def plant(*settings: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(settings)}")


def seen_by(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return list(User.objects.values_list("username", flat=True))


@pytest.mark.parametrize(
    "setting",
    [
        "set_config('role', 'iam_cross', false)",
        "set_config('row_security', 'off', false)",
        "set_config('search_path', 'pg_catalog', false)",
        "set_config('default_transaction_read_only', 'on', false)",
        "pg_advisory_lock(1)",
    ],
)
def test_others_see_their_own_rows_or_fail(two: tuple[Tenant, Tenant], setting: str) -> None:
    acme, neighbour = two
    with tenant_scope(acme.id):
        plant(setting, KEEPS_ITS_TENANT, KEEPS_ITS_SEAL)
    with suppress(Error):
        assert seen_by(neighbour) == ["of.neighbour"]


def test_what_was_planted_where_one_crosses_lets_no_scope_cross(two: tuple[Tenant, Tenant]) -> None:
    with cross_tenant():
        plant(
            "set_config('role', 'iam_cross', false)",
            "set_config('iam.pass', current_setting('iam.pass'), false)",
        )
    assert seen_by(two[0]) == ["of.acme"]
