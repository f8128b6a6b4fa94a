"""Somebody tries to come to more than he holds, at every door where that could be: refused, and recorded.

The table stands in ``tests.support.escalating``; what needs another organization is in
``test_escalation_sharing``, what needs time in ``test_escalation_in_time``. The same requests by one who
holds everything are done.
"""

import pytest

from tests.support.attempting import attempts, fill, send, snapshot
from tests.support.escalating import ROLE, WAYS
from tests.support.factories import SYSTEM
from tests.support.granting import Office

PAGES = [name for name, way in WAYS.items() if way.page]


def assert_recorded(office: Office, who: str) -> None:
    """Once, with who it was, in which request, and what he lacks."""
    (row,) = attempts(office)
    user = office.clerk if who == "clerk" else office.module_manager
    assert (row.actor_kind, row.actor_id) == ("user", str(user.id))
    assert row.request_id
    assert "Organizations:modify" in row.after["missing"]
    assert row.after["reasons"] == ["permission_not_held"]


@pytest.mark.parametrize("name", WAYS)
def test_by_rest(office: Office, name: str) -> None:
    way, before = WAYS[name], snapshot(office)
    assert way.rest
    reply = send(office, way.who, *way.rest(office))
    told = reply.json()
    assert (reply.status_code, told["code"]) == (403, "forbidden"), told
    assert {reason["code"] for reason in told["reasons"]} == {"permission_not_held"}
    assert "record" not in told
    assert snapshot(office) == before
    assert_recorded(office, way.who)

    done = send(office, "everything", *way.rest(office))
    assert done.status_code in (200, 201, 204), done.content
    assert snapshot(office) != before
    assert_recorded(office, way.who)


@pytest.mark.parametrize("name", PAGES)
def test_by_page(office: Office, name: str) -> None:
    way, before = WAYS[name], snapshot(office)
    assert way.page
    path, filled = way.page(office)
    fill(office, way.who, path, filled, over_form=way.filled)
    assert snapshot(office) == before
    assert_recorded(office, way.who)

    fill(office, "everything", path, filled, over_form=way.filled)
    assert snapshot(office) != before
    assert_recorded(office, way.who)


def test_in_a_batch_each_is_refused_for_itself(office: Office) -> None:
    whom = [str(office.clerk.id), str(office.deputy.id)]
    items = [{"principal": {"userId": user_id}, "role": ROLE} for user_id in whom]
    before = snapshot(office)
    rows = send(office, "clerk", "POST", "access/assignments:batch", {"items": items}).json()["items"]
    assert [(row["status"], row["problem"]["code"]) for row in rows] == [(403, "forbidden")] * 2
    assert snapshot(office) == before
    assert [row.subject_id for row in attempts(office)] == whom


def test_roles_of_other_applications_are_the_access_managers_there_too(office: Office) -> None:
    """Whoever only manages applications opens no service that holds a role of another one."""
    robot, viewer = office.tool, "viewer"
    office.give(viewer, office.robot.id, principal_application_id=robot.id)(SYSTEM)
    before = snapshot(office)
    reply = send(
        office, "modules", "POST", f"management/applications/{robot.id}/clients/{robot.id}/secrets", {}
    )
    assert reply.status_code == 403
    assert [reason["code"] for reason in reply.json()["reasons"]] == ["not_access_manager"]
    assert snapshot(office) == before
    (row,) = attempts(office)
    assert (row.after["missing"], row.after["reasons"]) == ([], ["not_access_manager"])
    assert (row.subject_kind, row.subject_id) == ("application", robot.id)
