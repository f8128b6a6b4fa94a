"""The revision of an ACL: one for each content, whoever asks, and no poll waits for another."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accesscontrol.acl import revisions
from accesscontrol.actions import mirrors
from accesscontrol.models import AclMark, AclRevision
from applications.actions import manifests, pauses
from applications.manifest import parse
from applications.models import Application, Contract
from tenants.models import Tenant
from tests.applications.sharing import T0, accepted, make_pair, register
from tests.support.factories import SYSTEM
from tests.support.kept_acl import read_acl

LATER = T0 + timedelta(hours=1)


@pytest.fixture
def meter(committed_db: None) -> Iterator[Application]:
    make_pair()
    application = Application.objects.get(id="acme.meter")
    read_acl(application, at=T0)
    yield application


def shared(application: Application) -> Contract:
    return accepted(application.owner, Tenant.objects.get(slug="beta"), application.id, at=T0)


def change(application: Application, *types: str) -> None:
    resources = [{"type": name, "id": "new", "privileges": ["read"]} for name in types or ["urn:new"]]
    document = {"resources": resources, "roles": []}
    manifests.declare(application=application, manifest=parse(document), by=SYSTEM, at=T0)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Each in a thread and a connection of its own."""

    def closed(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=30) for future in [pool.submit(closed, act) for act in acts]]


def test_two_readers_after_a_change_see_one_revision(
    meter: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_acl(meter, at=LATER)["revision"]
    change(meter)
    both = threading.Barrier(2)
    untouched = revisions._untouched

    def met(*args: Any) -> Any:
        """Both have found the mark before either takes the lock."""
        found = untouched(*args)
        both.wait(timeout=20)
        return found

    monkeypatch.setattr(revisions, "_untouched", met)

    told = together(*[lambda: read_acl(meter, at=LATER)] * 2)

    assert [shot["revision"] for shot in told] == [before + 1, before + 1]
    assert told[0]["resources"] == told[1]["resources"]
    assert AclRevision.objects.get(application=meter).revision == before + 1


@pytest.mark.parametrize("when", ["_take_marks", "build"])
def test_a_change_while_it_is_brought_up_to_date_is_in_the_next_answer(
    meter: Application, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """After the marks were taken, and after the facts were read: its own mark stays behind."""
    before = read_acl(meter, at=LATER)["revision"]
    change(meter, "urn:first")
    done, changes = getattr(revisions, when), ["urn:second"]

    def changed_afterwards(*args: Any, **kwargs: Any) -> Any:
        found = done(*args, **kwargs)
        while changes:
            together(partial(change, meter, "urn:first", changes.pop()))
        return found

    monkeypatch.setattr(revisions, when, changed_afterwards)
    read_acl(meter, at=LATER)
    monkeypatch.undo()

    assert not changes
    told = read_acl(meter, at=LATER)
    assert {"urn:first", "urn:second"} <= {entry["resourceType"] for entry in told["resources"]}
    assert before < told["revision"] <= before + 2
    assert read_acl(meter, at=LATER) == told


def test_what_was_rolled_back_leaves_the_marks(meter: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    change(meter)
    monkeypatch.setattr(revisions, "emit", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read_acl(meter, at=LATER)
    monkeypatch.undo()
    assert AclMark.objects.filter(application_id=meter.id).exists()
    assert "urn:new" in {entry["resourceType"] for entry in read_acl(meter, at=LATER)["resources"]}


def test_an_open_change_keeps_nobody_waiting_and_is_not_missed(meter: Application) -> None:
    """It was begun before the answer, and is committed after it."""
    before = read_acl(meter, at=LATER)
    with transaction.atomic():
        change(meter)
        assert together(lambda: read_acl(meter, at=LATER)) == [before]
    assert read_acl(meter, at=LATER)["revision"] == before["revision"] + 1


def test_a_poll_without_news_waits_for_nobody(meter: Application) -> None:
    before = read_acl(meter, at=LATER)

    def impatient() -> dict[str, Any]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            return read_acl(meter, at=LATER)

    with transaction.atomic():
        AclRevision.objects.select_for_update().get(application=meter)
        assert together(impatient) == [before]


def test_nothing_is_built_where_nothing_moved(meter: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_acl(meter, at=LATER)
    monkeypatch.setattr(revisions, "build", lambda *args, **kwargs: 1 / 0)
    assert read_acl(meter, at=LATER + timedelta(days=400)) == before


def test_only_the_slice_that_was_touched_is_built(
    meter: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = shared(meter)
    read_acl(meter, at=LATER)
    pauses.pause(tenant=contract.provider, contract_id=contract.id, by=SYSTEM, at=LATER)
    build, asked = revisions.build, []

    def noted(*args: Any, owners: list[UUID], **kwargs: Any) -> Any:
        asked.extend(owners)
        return build(*args, owners=owners, **kwargs)

    monkeypatch.setattr(revisions, "build", noted)
    told = read_acl(meter, at=LATER)
    assert asked == [contract.consumer_id]
    assert {entry["owningTenantId"] for entry in told["resources"]} == {str(contract.provider_id)}


# --- marks ----------------------------------------------------------------------------------------------


def test_each_table_that_an_acl_is_built_from_marks_it(meter: Application) -> None:
    """What the building asks of the database, and no more, has its triggers."""
    revisions.build(meter, at=LATER)  # what a process reads once
    with CaptureQueriesContext(connection) as queries:
        revisions.build(meter, at=LATER)
        revisions.served(meter, at=LATER)
    pattern = r"\b(?:tenants|applications|accesscontrol)_[a-z]+\b"
    read = {name for query in queries for name in re.findall(pattern, query["sql"])}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, array_agg(tgname ORDER BY tgname) FROM pg_trigger "
            "WHERE tgname LIKE 'aclmark%' AND tgenabled = 'O' GROUP BY 1"
        )
        marking = dict(cursor.fetchall())
    every = ["aclmark_delete", "aclmark_insert", "aclmark_update"]
    # A contract that is new, or goes, carries no role yet, or none any more.
    assert marking == dict.fromkeys(read, every) | {"applications_contract": every[2:]}


def test_marks_of_those_who_read_nothing_are_dropped(meter: Application) -> None:
    other = register(meter.owner, "other", T0)
    for application in (meter, other):
        change(application)
    assert {meter.id, other.id} <= set(AclMark.objects.values_list("application_id", flat=True))
    while mirrors.drop_unread_marks():
        pass
    assert set(AclMark.objects.values_list("application_id", flat=True)) == {meter.id}


def test_a_contract_with_another_side_marks_all_that_it_carries(meter: Application) -> None:
    """No act does that. Whoever repairs a row by hand need not know of copies."""
    rows = Contract.objects.filter(id=shared(meter).id)
    read_acl(meter, at=LATER)
    rows.update(note="x")
    marks = AclMark.objects.filter(application_id=meter.id).values_list("tenant_id", flat=True)
    assert not marks.exists()
    rows.update(type="access", onward_access=False)
    assert set(marks) == {None}
