"""The revision of an ACL: one for each content, whoever asks, and no poll waits for another."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accesscontrol import acl
from accesscontrol.acl import revisions
from accesscontrol.models import AclRevision
from applications.actions import manifests
from applications.manifest import parse
from applications.models import Application
from tests.applications.sharing import T0, make_pair
from tests.support.factories import SYSTEM

LATER = T0 + timedelta(hours=1)


@pytest.fixture
def meter(committed_db: None) -> Iterator[Application]:
    make_pair()
    application = Application.objects.get(id="acme.meter")
    acl.snapshot(application, at=T0)
    yield application


def change(application: Application) -> None:
    document = {"resources": [{"type": "urn:new", "id": "new", "privileges": ["read"]}], "roles": []}
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
    before = acl.snapshot(meter, at=LATER).revision
    change(meter)
    both, built = threading.Barrier(2), threading.local()
    build = revisions.build

    def met(*args: Any, **kwargs: Any) -> acl.Acl:
        """Both have found the new content before either takes the lock."""
        found = build(*args, **kwargs)
        if not hasattr(built, "once"):
            built.once = True
            both.wait(timeout=20)
        return found

    monkeypatch.setattr(revisions, "build", met)

    told = together(*[lambda: acl.snapshot(meter, at=LATER)] * 2)

    assert [snapshot.revision for snapshot in told] == [before + 1, before + 1]
    assert told[0].resources == told[1].resources
    assert AclRevision.objects.get(application=meter).revision == before + 1


def test_a_change_between_content_and_lock_is_in_the_content(
    meter: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was built before the lock is thrown away: the revision belongs to what is there under it."""
    before = acl.snapshot(meter, at=LATER).revision
    AclRevision.objects.filter(application=meter).update(digest="of something older")
    build, changes = revisions.build, [change]

    def changed_afterwards(*args: Any, **kwargs: Any) -> acl.Acl:
        found = build(*args, **kwargs)
        while changes:
            changes.pop()(meter)
        return found

    monkeypatch.setattr(revisions, "build", changed_afterwards)
    told = acl.snapshot(meter, at=LATER)
    monkeypatch.undo()

    assert "urn:new" in {entry["resourceType"] for entry in told.resources}
    assert told.revision == before + 1
    assert acl.snapshot(meter, at=LATER) == told


def test_a_poll_without_news_waits_for_nobody(meter: Application) -> None:
    before = acl.snapshot(meter, at=LATER)

    def impatient() -> acl.Snapshot:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            return acl.snapshot(meter, at=LATER)

    with transaction.atomic():
        AclRevision.objects.select_for_update().get(application=meter)
        assert together(impatient) == [before]
