"""What a process keeps of the portal's own roles counts only where the database still says the same.

Taken or given by another connection, it counts in the very next request of a process that had the former.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accesscontrol import at_the_door
from accesscontrol.actions import traces
from accesscontrol.models import FactChange
from accesscontrol.models.changes import LOST, number
from applications.models.applications import PORTAL_ID
from iam_portal.launchers.load.lending import as_owner
from tests.accesscontrol.portal_house import (
    ADD,
    GIVE,
    HERE,
    READ_JOBS,
    READ_USERS,
    TAKE,
    House,
    same,
    standing,
)

_ROLE = "application_id = 'iam-portal' AND key = 'user-reader'"
_RESOURCE = "application_id = 'iam-portal' AND key = 'Users'"
# Everything that stands in what is kept.
CHANGES = {
    "a permission taken": TAKE,
    "a permission taken by plan": TAKE.replace("'empty'", "'[2020-01-01,2040-01-01)'"),
    "a permission gone": f"DELETE FROM applications_rolepermission p USING {HERE.lstrip()[5:]}",
    "a permission added": ADD,
    "a permission held for longer": TAKE.replace("during = 'empty'", "held_since = '2019-01-01'"),
    "a resource by another name": f"UPDATE applications_resource SET key = 'Others' WHERE {_RESOURCE}",
    "a resource of another type": f"UPDATE applications_resource SET type = 'urn:other' WHERE {_RESOURCE}",
    "a role ended": f"UPDATE applications_applicationrole SET during = '[2020-01-01,2021-01-01)'"
    f" WHERE {_ROLE}",
    "a role added": f"""INSERT INTO applications_applicationrole
        (id, application_id, key, name, description, during)
        SELECT gen_random_uuid(), application_id, 'newer', 'x', '', during
        FROM applications_applicationrole WHERE {_ROLE}""",
    "a role by another name": f"UPDATE applications_applicationrole SET key = 'another' WHERE {_ROLE}",
    "the portal suspended": """INSERT INTO applications_applicationsuspension
        (application_id, during, by_name, reason)
        VALUES ('iam-portal', '[2020-01-01,)', 'x', '')""",
    "the portal of another owner": """UPDATE applications_application a SET owner_id = t.id
        FROM tenants_tenant t WHERE a.id = 'iam-portal' AND t.slug = 'acme'""",
    "the portal renamed": "UPDATE applications_application SET display_name = 'x' WHERE id = 'iam-portal'",
    "the portal ended": "UPDATE applications_application SET during = '[2020-01-01,2021-01-01)'"
    " WHERE id = 'iam-portal'",
}


@pytest.fixture
def house(committed_db: None) -> Iterator[House]:
    with standing() as found:
        yield found


def test_what_another_connection_takes_or_gives_counts_in_the_next_request(house: House) -> None:
    assert READ_USERS in house.held() and READ_JOBS not in house.held()
    house.change(TAKE)
    assert READ_USERS not in house.held()
    house.change(GIVE)
    assert READ_USERS in house.held()
    house.change(ADD)
    assert READ_JOBS in house.held()


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_all_that_is_kept_is_confirmed(house: House, statement: str) -> None:
    before = house.door()
    house.change(statement)
    after = house.door()
    assert (before.sharing, before.book.roles()) != (after.sharing, after.book.roles())
    same(house)


def test_one_statement_and_another_only_after_a_change(house: House) -> None:
    assert [house.sent() for _ in range(3)] == [1, 1, 1]
    house.change(TAKE)
    assert [house.sent() for _ in range(3)] == [2, 1, 1]


def test_who_holds_an_older_version_believes_nothing_of_it(house: House) -> None:
    house.door()
    older = at_the_door._kept.portal
    house.change(TAKE)
    assert READ_USERS not in house.held()
    at_the_door._kept.portal = older  # a thread that had asked before came late
    assert READ_USERS not in house.held()
    house.change(GIVE)
    at_the_door._kept.portal = older  # all is as it was, under another version
    assert house.sent() == 2
    assert READ_USERS in house.held()


def test_what_is_taken_back_was_never_kept_for_anybody(house: House) -> None:
    """A process sees what it does in a transaction itself, and no longer once that is rolled back."""
    assert READ_USERS in house.held()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(TAKE)
        assert READ_USERS not in house.held()
        transaction.set_rollback(True)
    assert READ_USERS in house.held()
    house.change(ADD)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(TAKE)
        assert READ_USERS not in house.held() and READ_JOBS in house.held()
        transaction.set_rollback(True)
    assert {READ_USERS, READ_JOBS} <= house.held()


def test_an_older_snapshot_is_answered_as_it_is(house: House) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert READ_USERS in house.held()
        house.change(TAKE)
        with ThreadPoolExecutor(1) as another:  # which sees it, and keeps it for the process
            assert READ_USERS not in another.submit(asked_and_closed, house).result()
        assert READ_USERS in house.held()
    assert READ_USERS not in house.held()


def asked_and_closed(house: House) -> set[Any]:
    try:
        return house.held()
    finally:
        connection.close()


def test_threads_that_keep_different_versions_do_not_mislead_each_other(house: House) -> None:
    """One sees what it has not committed; others keep what they find, while it comes and goes."""
    stop, turns = threading.Event(), 15
    seen: list[bool] = []

    def uncommitted() -> None:
        try:
            while not stop.is_set():
                with transaction.atomic():
                    with connection.cursor() as cursor:
                        cursor.execute(ADD)
                    seen.append(READ_JOBS in house.held())
                    transaction.set_rollback(True)
        finally:
            connection.close()

    def reading() -> None:
        try:
            while not stop.is_set():
                seen.append(READ_JOBS not in house.held())
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        beside = [threads.submit(uncommitted), threads.submit(reading)]
        try:
            for _ in range(turns):
                house.change(TAKE)
                assert READ_USERS not in house.held()
                house.change(GIVE)
                assert READ_USERS in house.held()
        finally:
            stop.set()
        for each in beside:
            each.result()
    assert len(seen) > 2 and all(seen)


def test_traces_that_are_folded_cost_a_look_and_nothing_else(house: House) -> None:
    FactChange.objects.bulk_create(
        FactChange(key=number(f"a:{PORTAL_ID}"), nonce=nonce) for nonce in range(traces.CROWDED + 1)
    )
    house.door()
    assert traces.fold(at=datetime.now(UTC)) >= 1
    assert [house.sent() for _ in range(2)] == [2, 1]
    same(house)


def test_a_change_that_nobody_could_place_counts_as_one_of_the_portal(house: House) -> None:
    house.door()
    FactChange.objects.create(key=number(LOST), nonce=1)
    assert [house.sent() for _ in range(2)] == [2, 1]


def test_without_any_trace_nothing_is_kept(house: House) -> None:
    as_owner("DELETE FROM accesscontrol_factchange")
    assert [house.sent() for _ in range(2)] == [1, 1]
    assert at_the_door._kept.portal is None
    same(house)


def test_a_planned_end_needs_no_change(house: House) -> None:
    """What is kept has the spans: the moment is looked at with each request."""
    end = datetime.now(UTC) + timedelta(hours=1)
    house.change(TAKE.replace("'empty'", f"'[2020-01-01,{end.isoformat()})'"))
    assert READ_USERS in house.held()
    assert READ_USERS in house.held(end - timedelta(seconds=1))
    assert READ_USERS not in house.held(end)
    assert house.sent() == 1
