"""What a process keeps of what applications declare counts only where the database still says the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from accesscontrol import kept
from accesscontrol.actions import traces
from accesscontrol.models import FactChange
from accesscontrol.models.changes import LOST, number
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.load.lending import as_owner
from tests.accesscontrol.books_house import book_of, declared, reads, same, sent, told
from tests.accesscontrol.portal_house import GIVE, TAKE, House, standing
from tests.accesscontrol.test_portal_kept import CHANGES

# The portal is an application like others: of it there are all these ways to change what is declared.
OF_ROLES = {what: how for what, how in CHANGES.items() if "the portal" not in what}
_EMPTY = """UPDATE applications_rolepermission p SET during = 'empty' FROM applications_applicationrole r
    WHERE r.id = p.role_id AND r.application_id = %s"""


@pytest.fixture
def house(committed_db: None) -> Iterator[House]:
    with standing() as found:
        yield found


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
    every = [declared(f"app{n}", house.tenant) for n in range(3)]
    assert [sent(house, *every) for _ in range(2)] == [1, 1]
    for changed in every:
        _empty(house, changed)
        ours = told(house, *every)
        assert ours[changed] == {} and sent(house, *every) == 1
        kept.books.clear()
        assert ours == told(house, *every)


def test_a_change_between_the_two_statements_counts(house: House) -> None:
    """The second answer stands for itself: nothing of the first, nor what was kept before it."""
    first, second = (declared(f"app{n}", house.tenant) for n in range(2))
    assert all(told(house, first, second).values())
    _empty(house, first)
    turns: list[int] = []

    def then_the_other(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        if "accesscontrol_factchange" in sql:
            turns.append(len(params["unknown"]))
            if len(turns) == 1:
                _empty(house, second)
        return found

    with connection.execute_wrapper(then_the_other):
        assert told(house, first, second) == {first: {}, second: {}}
        assert turns == [0, 2]  # what is kept is not read; then all is
        assert told(house, first, second) == {first: {}, second: {}}
    assert turns == [0, 2, 0]


def test_what_is_kept_is_not_read_again(house: House) -> None:
    known, unknown = (declared(f"app{n}", house.tenant) for n in range(2))
    asked: list[Any] = []

    def noting(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "accesscontrol_factchange" in sql:
            asked.append((params["unknown"], "applications_rolepermission" in sql))
        return execute(sql, params, many, context)

    book_of(house.tenant, known)
    with connection.execute_wrapper(noting):
        told(house, known)
        told(house, known, unknown)
    assert asked == [([], False), ([unknown], True)]


def _empty(house: House, application_id: str) -> None:
    """No role of it holds anything any more."""
    assert house.other.execute(_EMPTY, [application_id]).rowcount > 0
    house.other.commit()


def test_versions_are_told_apart_by_more_than_their_number(house: House) -> None:
    """Traces are folded into one, and as many new ones come."""
    key = number(f"a:{PORTAL_ID}")
    FactChange.objects.bulk_create(FactChange(key=key, nonce=nonce) for nonce in range(traces.CROWDED + 1))
    assert "Users" in reads(house)
    before = FactChange.objects.filter(key=key).count()
    assert traces.fold(at=datetime.now(UTC)) >= 1
    house.change(TAKE)
    missing = before - FactChange.objects.filter(key=key).count()
    FactChange.objects.bulk_create(FactChange(key=key, nonce=nonce) for nonce in range(missing))
    assert FactChange.objects.filter(key=key).count() == before
    assert "Users" not in reads(house)
    same(house)


def test_who_holds_an_older_version_believes_nothing_of_it(house: House) -> None:
    book_of(house.tenant)
    older = kept.books.get(PORTAL_ID)
    assert older is not None
    house.change(TAKE)
    assert "Users" not in reads(house)
    kept.books.put(PORTAL_ID, older)  # a thread that had asked before came late
    assert "Users" not in reads(house)


def test_a_change_that_nobody_could_place_counts_as_one_of_each(house: House) -> None:
    book_of(house.tenant)
    FactChange.objects.create(key=number(LOST), nonce=1)
    assert [sent(house) for _ in range(2)] == [2, 1]


def test_without_any_trace_nothing_is_kept(house: House) -> None:
    as_owner("DELETE FROM accesscontrol_factchange")
    assert [sent(house) for _ in range(2)] == [1, 1]
    assert kept.books.get(PORTAL_ID) is None


def test_lost_traces_alone_are_no_version(house: House) -> None:
    as_owner("DELETE FROM accesscontrol_factchange")
    FactChange.objects.create(key=number(LOST), nonce=1)
    assert [sent(house) for _ in range(2)] == [1, 1]
    assert kept.books.get(PORTAL_ID) is None
