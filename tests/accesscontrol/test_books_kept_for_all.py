"""What one request may give to all others of its process: nothing of its own, nothing that it could bend."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from accesscontrol import at_the_door, kept
from accesscontrol.actions import tenant_roles
from accesscontrol.models import FactChange, TenantRole, TenantRolePermission
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.load.lending import as_owner
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Tenant
from tests.accesscontrol.books_house import book_of, declared, reads, told
from tests.accesscontrol.portal_house import ADD, READ_USERS, TAKE, House, standing
from tests.accesscontrol.test_tenant_roles import definition
from tests.support.factories import SYSTEM, make_resource, make_tenant

_ACROSS = """INSERT INTO applications_rolepermission (role_id, resource_id, privilege, during)
    SELECT r.id, s.id, 'read', '[2020-01-01,)' FROM applications_applicationrole r, applications_resource s
    WHERE r.application_id = %s AND r.key = 'viewer' AND s.application_id = %s"""


@pytest.fixture
def house(committed_db: None) -> Iterator[House]:
    with standing() as found:
        yield found


def test_what_is_taken_back_was_never_kept_for_anybody(house: House) -> None:
    for begun in (kept.books.clear, lambda: reads(house)):
        begun()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(ADD)
            assert "Jobs" in reads(house)
            transaction.set_rollback(True)
        assert "Jobs" not in reads(house)


def test_a_planted_statement_that_takes_its_trace_away_gives_nobody_anything(house: House) -> None:
    as_owner("GRANT DELETE ON accesscontrol_factchange TO iam_web")
    try:
        for begun in (kept.books.clear, lambda: reads(house)):
            begun()
            with transaction.atomic():
                before = set(FactChange.objects.values_list("id", flat=True))
                with connection.cursor() as cursor:
                    cursor.execute(ADD)
                assert FactChange.objects.exclude(id__in=before).delete()[0] == 1
                reads(house)
                transaction.set_rollback(True)
            assert "Jobs" not in reads(house)
    finally:
        as_owner("REVOKE DELETE ON accesscontrol_factchange FROM iam_web")


def test_an_older_snapshot_is_answered_as_it_is(house: House) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert "Users" in reads(house)
        house.change(TAKE)
        with ThreadPoolExecutor(1) as another:  # which sees it, and keeps it for the process
            assert "Users" not in another.submit(_asked_and_closed, house).result()
        assert "Users" in reads(house)
    assert "Users" not in reads(house)


def _asked_and_closed(house: House) -> set[str]:
    try:
        return reads(house)
    finally:
        connection.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "SJIS", "LATIN1"])
def test_what_was_read_in_another_encoding_is_nobody_elses(house: House, encoding: str) -> None:
    """A planted statement needs to write nothing for that."""
    at_the_door.forget()
    for ask in (house.door, lambda: book_of(house.tenant)):
        with suppress(Exception), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('client_encoding', %s, true)", [encoding])
            ask()
    assert kept.books.get(PORTAL_ID) is None and at_the_door._kept.portal is None
    assert "Users" in reads(house) and READ_USERS in house.held()


def test_what_an_older_snapshot_finds_in_a_table_that_is_written_anew_is_nobody_elses(house: House) -> None:
    """It finds nothing there, and the version is that which counts."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT count(*) FROM tenants_tenant")
            as_owner(
                "ALTER TABLE applications_rolepermission ADD COLUMN spare uuid DEFAULT gen_random_uuid()"
            )
            assert reads(house) == set()
        assert "Users" in reads(house)
    finally:
        as_owner("ALTER TABLE applications_rolepermission DROP COLUMN spare")


def test_of_another_applications_resource_nothing_is_held(house: House) -> None:
    """What is declared rests on the application's own rows alone: under its key they leave their traces."""
    mine, others = declared("mine", house.tenant), declared("others", house.tenant)
    before = told(house, mine)
    assert house.other.execute(_ACROSS, [mine, others]).rowcount == 1
    house.other.commit()
    assert told(house, mine) == before


def test_what_is_kept_cannot_be_changed(house: House) -> None:
    with pytest.raises(TypeError):
        book_of(house.tenant).application["another"] = ()  # type: ignore[index]


@pytest.mark.parametrize("within", [nullcontext, cross_tenant])
def test_whoever_asks_first_keeps_the_same(
    house: House, within: Callable[[], AbstractContextManager[None]]
) -> None:
    """Own resources and own roles of an organization are in no book that is kept."""
    other, application_id = make_tenant("elsewhere", at=datetime.now(UTC)), declared("app", house.tenant)
    _made(house.tenant, application_id)
    found = []
    for tenant in (house.tenant, other):
        kept.books.clear()
        with within():
            book = book_of(tenant, application_id)
        whole = kept.books.get(application_id)
        assert whole is not None and whole.roles == book.application
        found.append((whole.version, {key: set(facts) for key, facts in whole.roles.items()}))
        assert bool(book.tenant) is bool(book.own) is (tenant == house.tenant)
    assert found[0] == found[1] and set(found[0][1]) == {"viewer", "editor"}


def test_what_an_organization_makes_is_read_each_time(house: House) -> None:
    application_id = declared("app", house.tenant)
    assert not book_of(house.tenant, application_id).tenant
    role = _made(house.tenant, application_id)
    assert set(book_of(house.tenant, application_id).tenant) == {role.key}
    with tenant_scope(house.tenant.id):
        TenantRolePermission.objects.filter(role=role).update(during="empty")
    assert not book_of(house.tenant, application_id).tenant


def _made(tenant: Tenant, application_id: str) -> TenantRole:
    """Of a role of its own, with something of the application's in it and something that is its own."""
    at = datetime.now(UTC)
    named = definition(application_id, "read")
    role = tenant_roles.define(tenant=tenant, definition=named, by=SYSTEM, at=at)
    with tenant_scope(tenant.id):
        mine = make_resource(application_id, "mine", during=(at, None), owner=tenant)
        TenantRolePermission.objects.create(
            tenant=tenant, role=role, resource=mine, privilege="read", during=(at, None)
        )
    return role
