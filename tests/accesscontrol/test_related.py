"""What a page reads of what its assignments name is what the framework would read with them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.models import Assignment
from accesscontrol.views import assignments, related, standing
from applications.models import Application, ApplicationRole, Contract
from iam_portal.launchers.load.company import Company
from iam_portal.walls import tenant_scope
from tenants.models import Tenant, User, since
from tests.applications.sharing import make_pair

AT = datetime.now(UTC)


@pytest.fixture
def acme(db: None) -> Tenant:
    """With people, groups and services that hold roles of each kind, one of them on a partner's data."""
    acme, beta = make_pair()
    sizes = {"users": 6, "groups": 7, "resources": 80, "applications": 6, "tenant_roles": 15}
    Company(tenant=acme, at=AT, of_user=3, of_group=2, **sizes).build()
    with tenant_scope(acme.id):
        agreed = Contract.objects.create(
            provider=beta, consumer=acme, type="access", created_at=AT, proposed_at=AT
        )
        role = ApplicationRole.objects.filter(application__owner=acme).order_by("key")[0]
        service = Application.objects.filter(owner=acme).order_by("pk")[0]
        given: dict[str, Any] = {"tenant": acme, "created_at": AT, "during": since(AT), "by_name": "Jane"}
        Assignment.objects.create(application=service, application_role=role, contract=agreed, **given)
    return acme


def told(row: Assignment) -> tuple[Any, ...]:
    role, made, contract = row.application_role, row.tenant_role, row.contract
    return (
        str(row.user),
        str(row.group),
        str(row.application),
        role and (role.pk, role.key, role.name, role.application_id, str(role.application)),
        made and (made.pk, made.key, made.name),
        contract and (contract.pk, contract.provider_id, contract.provider.name),
    )


def test_a_page_tells_of_each_assignment_what_stands_beside_it(acme: Tenant) -> None:
    with tenant_scope(acme.id):
        rows = list(Assignment.objects.filter(tenant=acme).order_by("pk"))
        expected = [told(row) for row in rows]
        with CaptureQueriesContext(connection) as asked:
            read = assignments.with_related(list(Assignment.objects.filter(tenant=acme).order_by("pk")))
            assert [told(row) for row in read] == expected
        assert len(asked) == 2  # the rows, and all that they name
        assert all(any(each[n] not in ("None", None) for each in expected) for n in range(6))
        with CaptureQueriesContext(connection) as asked:
            assert related.read([], assignments.WHOM) == []
            assert related.read([row for row in rows if row.user_id is None][:0], ("user",)) == []
        assert len(asked) == 0


@pytest.mark.parametrize("opening", [False, True])
def test_so_does_the_page_of_a_person(acme: Tenant, opening: bool) -> None:
    with tenant_scope(acme.id):
        known = {row.pk: told(row) for row in Assignment.objects.filter(tenant=acme)}
        found = []
        for user in User.objects.filter(tenant=acme):
            held = standing.of_user(user, tenant=acme, at=AT, opening=opening)
            with CaptureQueriesContext(connection) as asked:
                rows = [one.row for one in held]
                beside = [(row.application_role, row.tenant_role, row.contract) for row in rows]
            assert len(asked) == 0
            for row, (role, made, contract) in zip(rows, beside, strict=True):
                assert (role and str(role.application), made and made.name, contract) == (
                    known[row.pk][3] and known[row.pk][3][4],
                    known[row.pk][4] and known[row.pk][4][2],
                    None,
                )
            found += rows
        assert any(row.group_id for row in found)
        assert any(row.tenant_role_id for row in found) is not opening
