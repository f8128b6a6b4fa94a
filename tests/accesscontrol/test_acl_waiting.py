"""Who waits for the next revision of his ACL waits at the event service, and holds no thread of the web."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accesscontrol import jobs
from applications.actions import applications
from tests.accesscontrol.mirroring import ACL, Story
from tests.support.factories import SYSTEM
from tests.support.live import Live, Reply, running
from tests.support.universe import basic


@pytest.fixture
def story(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Story:
    story = Story().tell()
    monkeypatch.setattr(timezone, "now", lambda: story.at)
    return story


@pytest.fixture
def live(story: Story) -> Iterator[Live]:
    with running() as live:
        yield live


@contextmanager
def soon(*acts: Callable[[], Any]) -> Iterator[None]:
    """Each act a little later, from another thread."""

    def run() -> None:
        try:
            for act in acts:
                time.sleep(0.3)
                act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


def asked(live: Live, story: Story, query: str, **headers: str) -> Reply:
    sent = {**basic(story.meter.id, story.secrets[story.meter.id]), **headers}
    return live.get(f"{ACL}?{query}", sent)


def test_a_delta_comes_with_the_change(story: Story, live: Live) -> None:
    before = story.snapshot()["revision"]
    quiet = asked(live, story, f"since={before}")
    assert quiet.json["changed"] == []
    with soon(lambda: story.declare("gates")):
        begun = time.monotonic()
        news = asked(live, story, f"since={before}&wait=30")
        assert time.monotonic() - begun < 15
    assert {entry["resourceId"] for entry in news.json["changed"]} == {"gates"}
    assert asked(live, story, f"since={before}&wait=30").json == news.json, "at once, as there is something"
    tag = asked(live, story, "").fields["ETag"]
    assert asked(live, story, "wait=1", **{"If-None-Match": tag}).status == 304
    with soon(lambda: story.declare("doors")):
        whole = asked(live, story, "wait=30", **{"If-None-Match": tag})
    assert whole.status == 200
    assert "doors" in {entry["resourceId"] for entry in whole.json["resources"]}


def test_one_owners_slice_waits_for_its_own(story: Story, live: Live) -> None:
    """What moves at Acme wakes nobody who reads Beta's; what only the job finds reaches him, too."""
    before = story.snapshot()["revision"]

    def elsewhere() -> None:
        story.tenant_role(story.acme, "night", "read")
        jobs.watch_acls()

    def here() -> None:
        story.tenant_role(story.beta, "night", "read")
        jobs.watch_acls()

    with soon(elsewhere, here):
        news = asked(live, story, f"since={before}&tenantId={story.beta.id}&wait=30")
    assert {entry["owningTenantId"] for entry in news.json["changed"]} == {str(story.beta.id)}
    assert news.json["revision"] == before + 2


def test_the_right_to_read_ends_while_one_waits(story: Story, live: Live) -> None:
    before = story.snapshot()["revision"]
    act = {"tenant": story.acme, "application_id": story.meter.id, "reason": "", "by": SYSTEM}
    with soon(lambda: applications.suspend(**act, at=story.at)):
        assert asked(live, story, f"since={before}&wait=30").status == 401


def test_what_is_refused_is_refused_at_once(story: Story, live: Live) -> None:
    before = story.snapshot()["revision"]
    begun = time.monotonic()
    assert asked(live, story, f"since={before}&wait=31").status == 400
    assert asked(live, story, f"since={before + 1}&wait=30").status == 410
    assert asked(live, story, "since=x&wait=30").status == 400
    assert asked(live, story, f"since={before}&wait=30", Authorization="Basic eDp5").status == 401
    assert asked(live, story, "", Accept="text/event-stream").status == 406
    assert time.monotonic() - begun < 15
