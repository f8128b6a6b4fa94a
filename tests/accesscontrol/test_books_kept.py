"""What a process keeps of what applications declare counts only where the database still says the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from accesscontrol import books, kept
from accesscontrol.actions import tenant_roles
from accesscontrol.decide import RoleBook
from accesscontrol.models import FactChange, TenantRole, TenantRolePermission
from accesscontrol.models.changes import LOST, number
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.load.lending import as_owner
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import Tenant
from tests.accesscontrol.portal_house import ADD, GIVE, TAKE, House, standing
from tests.accesscontrol.test_portal_kept import CHANGES
from tests.accesscontrol.test_tenant_roles import definition
from tests.applications.sharing import register
from tests.benchmarks.measuring import counting
from tests.support.factories import SYSTEM, make_resource, make_tenant

# The portal is an application like others: of it there are all these ways to change what is declared.
OF_ROLES = {what: how for what, how in CHANGES.items() if "the portal" not in what}
READER = "user-reader"


@pytest.fixture
def house(committed_db: None) -> Iterator[House]:
    with standing() as found:
        yield found


def book_of(tenant: Tenant, application_id: str = PORTAL_ID) -> RoleBook:
    with tenant_scope(tenant.id):
        return books.of_tenant([application_id], tenant_id=tenant.id)[application_id]


def reads(house: House) -> set[str]:
    """What the role of the portal may read, as a process says that goes on."""
    facts = book_of(house.tenant).application.get(READER, ())
    return {each.permission[1] for each in facts if each.span.covers(datetime.now(UTC))}


def sent(house: House, *application_ids: str) -> int:
    asked = application_ids or (PORTAL_ID,)
    with tenant_scope(house.tenant.id), counting() as found:
        books.of_tenant(asked, tenant_id=house.tenant.id)
    return len(found)


def same(house: House) -> None:
    """A process that begins now says what this one says."""
    ours = book_of(house.tenant).roles()
    kept.books.clear()
    assert ours == book_of(house.tenant).roles()


@pytest.mark.parametrize("statement", OF_ROLES.values(), ids=OF_ROLES)
def test_all_that_is_kept_is_confirmed(house: House, statement: str) -> None:
    before = book_of(house.tenant).roles()
    house.change(statement)
    after = book_of(house.tenant).roles()
    # A role that holds nothing is in no book; nor does its life stand there, which is that of a grant.
    told = before != after
    assert told or statement in (OF_ROLES["a role ended"], OF_ROLES["a role added"])
    same(house)


def test_one_statement_and_another_only_after_a_change(house: House) -> None:
    book_of(house.tenant)
    assert [sent(house) for _ in range(3)] == [1, 1, 1]
    house.change(TAKE)
    assert [sent(house) for _ in range(3)] == [2, 1, 1]
    assert "Users" not in reads(house)
    house.change(GIVE)
    assert "Users" in reads(house)


def test_one_of_several_that_has_changed_makes_all_be_asked_anew(house: House) -> None:
    others = [_declared(f"app{n}", house.tenant) for n in range(2)]
    assert sent(house, PORTAL_ID, *others) == 1
    house.change(TAKE)
    assert [sent(house, PORTAL_ID, *others) for _ in range(2)] == [2, 1]
    assert sent(house, *others) == 1
    with tenant_scope(house.tenant.id):
        found = books.of_tenant([PORTAL_ID, *others], tenant_id=house.tenant.id)
    assert {each: set(found[each].application) for each in others} == {
        each: {"viewer", "editor"} for each in others
    }


def test_who_holds_an_older_version_believes_nothing_of_it(house: House) -> None:
    book_of(house.tenant)
    older = kept.books.get(PORTAL_ID)
    assert older is not None
    house.change(TAKE)
    assert "Users" not in reads(house)
    kept.books.put(PORTAL_ID, older)  # a thread that had asked before came late
    assert "Users" not in reads(house)


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


@pytest.mark.parametrize("within", [nullcontext, cross_tenant])
def test_whoever_asks_first_keeps_the_same(
    house: House, within: Callable[[], AbstractContextManager[None]]
) -> None:
    """Own resources and own roles of an organization are in no book that is kept."""
    other, application_id = make_tenant("elsewhere", at=datetime.now(UTC)), _declared("app", house.tenant)
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
    application_id = _declared("app", house.tenant)
    assert not book_of(house.tenant, application_id).tenant
    role = _made(house.tenant, application_id)
    assert set(book_of(house.tenant, application_id).tenant) == {role.key}
    with tenant_scope(house.tenant.id):
        TenantRolePermission.objects.filter(role=role).update(during="empty")
    assert not book_of(house.tenant, application_id).tenant


def test_a_change_that_nobody_could_place_counts_as_one_of_each(house: House) -> None:
    book_of(house.tenant)
    FactChange.objects.create(key=number(LOST), nonce=1)
    assert [sent(house) for _ in range(2)] == [2, 1]


def test_without_any_trace_nothing_is_kept(house: House) -> None:
    as_owner("DELETE FROM accesscontrol_factchange")
    assert [sent(house) for _ in range(2)] == [1, 1]
    assert kept.books.get(PORTAL_ID) is None


def test_what_was_used_longest_ago_gives_way() -> None:
    shelf = kept.Books(most=10)
    for name in "abc":
        shelf.put(name, _weighing(3))
    assert shelf.get("a") is not None
    shelf.put("d", _weighing(4))
    assert [name for name in "abcd" if shelf.get(name)] == ["a", "c", "d"]
    shelf.put("a", _weighing(6))  # in its own place; "c" was used before "d"
    assert [name for name in "abcd" if shelf.get(name)] == ["a", "d"]
    shelf.put("d", _weighing(11))  # for which there is never room
    assert [name for name in "abcd" if shelf.get(name)] == ["a"]
    shelf.put("e", _weighing(5))
    assert [name for name in "ade" if shelf.get(name)] == ["e"]
    shelf.put("f", _weighing(5))
    assert [name for name in "def" if shelf.get(name)] == ["e", "f"]


def _weighing(weight: int) -> kept.Book:
    """Nothing but itself, and its permissions."""
    fact: Any = object()
    book = kept.Book((), {"role": (fact,) * (weight - 1)})
    assert book.weight == weight
    return book


def _declared(name: str, owner: Tenant) -> str:
    return register(owner, name, datetime.now(UTC)).pk


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
