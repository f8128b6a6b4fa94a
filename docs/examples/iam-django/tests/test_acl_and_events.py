"""The copy of the ACL and the cursor of events, over restarts."""

from pathlib import Path
from typing import Any

import pytest
from conftest import TENANT, Fake
from iam_django import AclMirror, EventConsumer, PortalAway
from iam_django.acl import ACL
from iam_django.events import EVENTS

VIEWER, EDITOR = "urn:viewer", "urn:editor"
HERE = {"tenant": TENANT, "type": "urn:t", "id": "machines"}


def entry(id: str = "machines", **grants: list[str]) -> dict[str, Any]:
    names = {"viewer": VIEWER, "editor": EDITOR}
    found = [{"role": names[role], "privileges": privileges} for role, privileges in grants.items()]
    return {"owningTenantId": TENANT, "resourceType": "urn:t", "resourceId": id, "grants": found}


def snapshot(revision: int, *entries: dict[str, Any]) -> Any:
    return 200, {"revision": revision, "resources": list(entries)}


def test_a_snapshot_once_and_then_what_changed(fake: Fake, tmp_path: Path) -> None:
    fake.answers[ACL] = snapshot(5, entry(viewer=["read"]), entry("old", viewer=["read"]))
    mirror = AclMirror(fake.portal, tmp_path / "acl.json")
    assert mirror.refresh()
    assert mirror.may([VIEWER], "read", **HERE)
    assert not mirror.may([VIEWER], "modify", **HERE)
    assert not mirror.may([EDITOR], "read", **HERE)
    changed = {"changed": [entry(editor=["modify", "read"])], "removed": [entry("old")], "revision": 6}
    fake.answers[ACL] = (200, changed)
    assert mirror.refresh()
    assert fake.asked[-1][1] == {"since": "5"}
    assert mirror.opened([VIEWER, EDITOR]) == {(TENANT, "urn:t", "machines"): ["modify", "read"]}
    assert mirror.opened([VIEWER]) == {}


def test_it_outlives_the_process_and_the_portals_absence(fake: Fake, tmp_path: Path) -> None:
    fake.answers[ACL] = snapshot(5, entry(viewer=["read"]))
    AclMirror(fake.portal, tmp_path / "acl.json").refresh()
    fake.answers[ACL] = (503, {})
    again = AclMirror(fake.portal, tmp_path / "acl.json")
    with pytest.raises(PortalAway):
        again.refresh()
    assert again.may([VIEWER], "read", **HERE)
    assert again.revision == 5


def test_away_for_too_long_it_begins_anew(fake: Fake, tmp_path: Path) -> None:
    fake.answers[ACL] = snapshot(5, entry(viewer=["read"]))
    mirror = AclMirror(fake.portal)
    mirror.refresh()
    fresh = snapshot(9, entry(editor=["read"]))
    fake.answers[ACL] = lambda asked: (410, {"code": "acl_revision_gone"}) if asked else fresh
    assert mirror.refresh()
    assert (mirror.revision, mirror.may([VIEWER], "read", **HERE)) == (9, False)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"clientId": "other", "revision": 1, "entries": []}', "{}"])
def test_a_file_that_is_none_of_ours_counts_for_nothing(fake: Fake, tmp_path: Path, text: str) -> None:
    file = tmp_path / "acl.json"
    file.write_text(text)
    assert AclMirror(fake.portal, file).revision is None


def page(next: int, *ids: str) -> Any:
    return 200, {"items": [{"id": id} for id in ids], "next": next}


def test_events_come_once_in_order_and_over_restarts(fake: Fake, tmp_path: Path) -> None:
    seen: list[str] = []

    def consumer() -> EventConsumer:
        return EventConsumer(
            fake.portal, tmp_path / "at", lambda event: seen.append(event["id"]), lambda: seen.append("anew")
        )

    fake.answers[EVENTS] = page(7)
    assert consumer().poll() == 0
    assert fake.asked[-1][1]["after"] == "latest"
    fake.answers[EVENTS] = page(9, "a", "b")
    assert consumer().poll() == 2
    assert (fake.asked[-1][1]["after"], consumer().position) == ("7", 9)
    assert seen == ["anew", "a", "b"]


def test_what_was_not_handled_comes_again(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "at").write_text("3")

    def breaks(event: dict[str, Any]) -> None:
        raise RuntimeError

    fake.answers[EVENTS] = page(4, "a")
    consumer = EventConsumer(fake.portal, tmp_path / "at", breaks, lambda: None)
    with pytest.raises(RuntimeError):
        consumer.poll()
    assert consumer.position == 3


def test_missed_events_are_a_fresh_start(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "at").write_text("3")
    anew: list[bool] = []
    fake.answers[EVENTS] = (410, {"resumeAfter": 80})
    consumer = EventConsumer(fake.portal, tmp_path / "at", lambda _: None, lambda: anew.append(True))
    assert consumer.poll() == 0
    assert (anew, consumer.position) == ([True], 80)
    fake.answers[EVENTS] = (500, {})
    with pytest.raises(PortalAway):
        consumer.poll()
