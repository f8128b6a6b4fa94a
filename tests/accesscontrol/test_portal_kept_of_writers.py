"""What a transaction sees that writes is never kept; what is kept is the same for every organization."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, transaction

from accesscontrol import at_the_door
from accesscontrol import facts as load
from accesscontrol.models import FactChange
from applications.models import Resource
from applications.models.applications import PORTAL_ID
from applications.models.resources import ApplicationRole, RolePermission
from iam_portal.launchers.load.lending import as_owner
from iam_portal.walls import cross_tenant, tenant_scope
from tests.accesscontrol.portal_house import ADD, READ_JOBS, READ_USERS, TAKE, House, same, standing
from tests.support.factories import make_tenant, make_user
from tests.support.knocking import browser, give, person, service

SUSPEND = """INSERT INTO applications_applicationsuspension (application_id, during, by_name, reason)
    VALUES ('iam-portal', '[2020-01-01,)', 'x', '')"""
_ITS = "WHERE application_id = 'iam-portal'"


@pytest.fixture
def house(committed_db: None) -> Iterator[House]:
    with standing() as found:
        yield found


@pytest.fixture
def lent() -> Iterator[None]:
    """The right to take traces away: it rests on this alone no more."""
    as_owner("GRANT DELETE ON accesscontrol_factchange TO iam_web")
    yield
    as_owner("REVOKE DELETE ON accesscontrol_factchange FROM iam_web")


@pytest.mark.usefixtures("lent")
def test_what_a_planted_statement_gives_itself_ends_with_its_transaction(house: House) -> None:
    """Even where it could take the trace away: nobody may ever see it, so no process may remember it."""
    for begun in (at_the_door.forget, house.held):
        begun()
        with transaction.atomic():
            with connection.cursor() as cursor:
                before = set(FactChange.objects.values_list("id", flat=True))
                cursor.execute(ADD)
                assert FactChange.objects.exclude(id__in=before).delete()[0] == 1
            house.held()
            transaction.set_rollback(True)
        assert READ_JOBS not in house.held()


def test_a_resource_that_comes_after_its_permission_counts(house: House) -> None:
    """Both in one transaction, which looks between: a new resource leaves no trace."""
    later, during = uuid4(), (datetime(2020, 1, 1, tzinfo=UTC), None)
    with transaction.atomic(), cross_tenant():
        role = ApplicationRole.objects.get(application_id=PORTAL_ID, key="user-reader")
        RolePermission.objects.create(role=role, resource_id=later, privilege="read", during=during)
        named = READ_JOBS[0], "Later", "read"
        assert named not in house.held()
        Resource.objects.create(
            id=later, application_id=PORTAL_ID, type=READ_JOBS[0], key="Later", name="Later", during=during
        )
    assert named in house.held()


def test_what_a_writer_asks_is_kept_as_soon_as_it_is_committed(house: House) -> None:
    at_the_door.forget()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(TAKE)
        assert READ_USERS not in house.held()
        assert at_the_door._kept.portal is None
    assert READ_USERS not in house.held()
    assert at_the_door._kept.portal is not None
    same(house)


@pytest.mark.parametrize(
    "end",
    [
        f"DELETE FROM applications_applicationsuspension {_ITS}",
        f"UPDATE applications_applicationsuspension SET during = '[2020-01-01,2021-01-01)' {_ITS}",
        "TRUNCATE applications_applicationsuspension",
    ],
    ids=["gone", "ended", "emptied"],
)
def test_the_portal_is_there_again_once_its_suspension_is_over(house: House, end: str) -> None:
    assert READ_USERS in house.held()
    house.change(SUSPEND)
    assert not house.held()
    house.other.execute(end)
    house.other.commit()
    assert READ_USERS in house.held()
    same(house)


@pytest.mark.parametrize("within", [nullcontext, cross_tenant])
def test_whoever_asks_first_keeps_the_same(
    house: House, within: Callable[[], AbstractContextManager[None]]
) -> None:
    """In whichever scope: what is kept has no row of any organization."""
    other = make_tenant("elsewhere", at=datetime.now(UTC))
    user = make_user(other, "joan", at=datetime.now(UTC))
    give(other, "user-reader", user_id=user.id)
    asked = [
        load.Principal(house.tenant.id, user_id=house.user.id),
        load.Principal(house.tenant.id, application_id=PORTAL_ID),
        load.Principal(other.id, user_id=user.id),
        load.Principal(house.tenant.id, user_id=user.id),
    ]
    found = []
    for who in asked:
        at_the_door.forget()
        with within(), tenant_scope(who.tenant_id):
            at_the_door.facts(who)
        kept = at_the_door._kept.portal
        assert kept is not None
        found.append((kept.version, kept.application, {key: set(one) for key, one in kept.roles.items()}))
    assert all(one == found[0] for one in found)


def test_a_page_and_a_question_by_rest_keep_what_they_find(house: House) -> None:
    """Their doors are asked before anything is written: else each request would ask for all."""
    _, session = person(house.tenant, "joan", "user-reader")
    rest = f"/iam/access-management/v1/tenants/{house.tenant.id}/users"
    asked = (
        (browser(house.tenant, session), f"/t/{house.tenant.slug}/users"),
        (service(house.tenant, "robot", "user-reader"), rest),
    )
    for knocker, address in asked:
        at_the_door.forget()
        assert knocker.knock("GET", address).status_code == 200
        assert at_the_door._kept.portal is not None
