"""Resources of a tenant's own, kept by an application that runs for it: at its doors, and in every answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accesscontrol.actions import mirrors
from accesscontrol.actions.tenant_roles import NotAvailableHere
from accesscontrol.models import TenantRolePermission
from applications.actions import contracts, pauses
from applications.models import Resource
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.keeping import (
    KIND,
    batch,
    body_of,
    call,
    granted,
    item,
    put,
    recorded,
    role_over,
    told,
)
from tests.accesscontrol.mirroring import Story
from tests.applications.sharing import accepted
from tests.support.factories import SYSTEM, make_partners


@pytest.fixture
def story(acl_story: Story) -> Story:
    return acl_story


# --- one ------------------------------------------------------------------------------------------------


def test_put_makes_and_then_is_the_same(story: Story) -> None:
    first = put(story, story.beta, "press-4", "read", "modify", parent="machines")
    assert (first.status_code, first["ETag"]) == (201, '"r-1"')
    assert first.json() == {
        "owningTenantId": str(story.beta.id),
        "resourceType": KIND,
        "resourceId": "press-4",
        "name": "press-4",
        "description": "",
        "icon": "",
        "privileges": ["read", "modify"],
        "parent": {"type": KIND, "id": "machines"},
        "revision": "r-1",
    }
    again = put(story, story.beta, "press-4", "modify", "read", "read", parent="machines")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(recorded(story.beta)) == len(told(story.beta)) == 1

    changed = put(story, story.beta, "press-4", "read", name="Press 4")
    assert (changed.status_code, changed["ETag"], changed.json()["parent"]) == (200, '"r-2"', None)
    read = call(story, "GET", story.beta, f"/{KIND}/press-4")
    assert (read.json(), read["ETag"]) == (changed.json(), '"r-2"')
    [created, after] = recorded(story.beta)
    assert (created[0], created[1], after[0]) == ("resource.created", None, "resource.changed")
    assert (after[1], after[2]["name"]) == (created[2], "Press 4")
    assert [sorted(key for key, found in each.items() if found) for each in told(story.beta)] == [
        ["added", "applicationId", "tenantId"],
        ["applicationId", "changed", "tenantId"],
    ]
    assert recorded(story.acme) == told(story.acme) == []  # what Beta keeps is not its provider's to read


def test_of_two_who_read_the_same_revision_the_second_is_told(story: Story) -> None:
    seen = put(story, story.beta, "press-4")["ETag"]
    assert put(story, story.beta, "press-4", name="One", headers={"If-Match": seen}).status_code == 200
    for method in ("PUT", "DELETE"):
        body = body_of(name="Two") if method == "PUT" else None
        late = call(story, method, story.beta, f"/{KIND}/press-4", body, headers={"If-Match": seen})
        assert (late.status_code, late.json()["code"], late.json()["revision"]) == (
            412,
            "revision_mismatch",
            "r-2",
        )
    assert put(story, story.beta, "press-5", headers={"If-Match": '"r-1"'}).status_code == 412
    assert put(story, story.beta, "press-4", headers={"If-Match": "r-x"}).status_code == 400


def test_a_static_one_of_the_address_goes_first(story: Story) -> None:
    reply = put(story, story.beta, "machines")
    assert (reply.status_code, reply.json()["code"]) == (409, "resource_is_static")
    put(story, story.beta, "gates")
    story.later()
    story.declare("gates")  # later, for everybody: Beta's own stays until the application ends it
    assert put(story, story.beta, "gates", name="Other").status_code == 409
    assert call(story, "DELETE", story.beta, f"/{KIND}/gates").status_code == 204
    kinds = [e["kind"] for e in story.snapshot()["resources"] if e["resourceId"] == "gates"]
    assert kinds == ["static", "static"]


@pytest.mark.parametrize(
    "path",
    [
        "/machine/press-4",
        "/urn:/press-4",
        f"/{KIND}/.hidden",
        f"/{KIND}/press%204",
        f"/{KIND}/press-4%0a",
        f"/{KIND}/%20press-4",
        f"/{KIND}/press%00",
        f"/{KIND}/{'x' * 201}",
        f"/urn:{'x' * 200}/press-4",
        f"/{KIND}/pr%C3%A9sse",
    ],
)
def test_an_address_that_no_resource_can_have(story: Story, path: str) -> None:
    for method, body in (("PUT", body_of()), ("GET", None), ("DELETE", None)):
        reply = call(story, method, story.beta, path, body)
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid"), method


@pytest.mark.parametrize(
    "wrong",
    [
        {"privileges": []},
        {"privileges": ["own"]},
        {"privileges": "read"},
        {"name": ""},
        {"name": "\x00"},
        {"name": "x" * 201},
        {"description": "x" * 501},
        {"icon": "<svg>"},
        {"parent": "machines"},
        {"parent": {"type": KIND}},
        {"owningTenantId": str(uuid4())},
    ],
)
def test_malformed(story: Story, wrong: dict[str, Any]) -> None:
    reply = put(story, story.beta, "press-4", body=wrong)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")
    assert reply.json()["errors"][0]["pointer"].startswith(f"/{next(iter(wrong))}")
    [result] = batch(story, {**item("press-4"), **wrong}).json()["items"]
    assert (result["status"], result["problem"]["code"]) == (400, "invalid")


# --- where ----------------------------------------------------------------------------------------------


def test_only_where_it_runs_for_the_tenant_now(story: Story) -> None:
    """By access contract it works on others' data and keeps none of its own; all else is not there."""
    make_partners(story.acme, story.neighbour, at=story.at)
    accepted(story.acme, story.neighbour, "acme.meter", at=story.at, type="access")
    paths = [
        ("GET", "", None),
        ("GET", f"/{KIND}/press-4", None),
        ("PUT", f"/{KIND}/press-4", body_of()),
        ("DELETE", f"/{KIND}/press-4", None),
        ("POST", ":batch", {"items": [item("press-4")]}),
    ]
    replies = [
        (reply.status_code, {**reply.json(), "instance": ""})
        for tenant in (story.neighbour, str(uuid4()))
        for reply in (call(story, method, tenant, path, body) for method, path, body in paths)
    ]
    assert {status for status, _ in replies} == {404}
    assert all(body == replies[0][1] for _, body in replies)
    with cross_tenant():
        assert not Resource.objects.filter(owner_tenant=story.neighbour).exists()
    assert put(story, story.acme, "press-4").status_code == 201  # its owner's own
    assert put(story, story.beta, "press-4").status_code == 201


def test_what_the_provision_showed_is_back_when_it_is(story: Story) -> None:
    put(story, story.beta, "plant", "read", "delete", parent="machines")
    put(story, story.beta, "press-4", "read", "delete", parent="plant")
    role_over(story, story.beta, "night", ("plant", "delete"))
    before = granted(story, story.beta)
    assert before["press-4"] == {"viewer": ["read"], "night": ["delete"]}
    story.later()
    pauses.pause(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    assert granted(story, story.beta) == {}
    assert put(story, story.beta, "press-5").status_code == 404
    pauses.resume(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    assert granted(story, story.beta) == before
    story.later()
    contracts.end(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    assert granted(story, story.beta) == {}
    accepted(story.acme, story.beta, "acme.meter", at=story.at)
    assert granted(story, story.beta) == before
    assert len(call(story, "GET", story.beta).json()["items"]) == 2


def test_another_application_of_the_same_names_has_its_own(story: Story) -> None:
    put(story, story.acme, "press-4")
    other = {"application": "neighbour.meter"}
    assert put(story, story.neighbour, "press-4", name="Theirs", **other).status_code == 201
    assert call(story, "GET", story.neighbour, **other).json()["items"][0]["name"] == "Theirs"
    for method in ("GET", "DELETE"):
        assert call(story, method, story.acme, f"/{KIND}/press-4", **other).status_code == 404
    assert call(story, "GET", story.acme, f"/{KIND}/press-4").json()["name"] == "press-4"


# --- what ends ------------------------------------------------------------------------------------------


def test_what_ended_is_granted_to_nobody_also_when_it_comes_again(story: Story) -> None:
    put(story, story.beta, "plant", "read")
    put(story, story.beta, "press-4", "read", parent="plant")
    role_over(story, story.beta, "night", ("plant", "read"))
    assert granted(story, story.beta)["press-4"] == {"night": ["read"]}
    before = story.snapshot()["revision"]
    story.later()
    for status in (204, 204):
        assert call(story, "DELETE", story.beta, f"/{KIND}/plant").status_code == status
    assert call(story, "GET", story.beta, f"/{KIND}/plant").status_code == 404
    delta = story.snapshot(since=before)
    assert [entry["resourceId"] for entry in delta["removed"]] == ["plant"]
    assert granted(story, story.beta)["press-4"] == {}  # it stands for itself
    assert call(story, "GET", story.beta, f"/{KIND}/press-4").json()["parent"] is None
    assert [action for action, _, _ in recorded(story.beta)][-1:] == ["resource.ended"]
    assert [bool(each["removed"]) for each in told(story.beta)] == [False, False, True]
    story.later()
    assert put(story, story.beta, "plant").status_code == 201
    assert granted(story, story.beta)["plant"] == granted(story, story.beta)["press-4"] == {}


def test_what_is_not_offered_any_more_has_to_be_given_again(story: Story) -> None:
    put(story, story.beta, "press-4", "read", "delete")
    role_over(story, story.beta, "night", ("press-4", "read"), ("press-4", "delete"))
    story.later()
    put(story, story.beta, "press-4", "read")
    story.later()
    put(story, story.beta, "press-4", "read", "delete")
    assert granted(story, story.beta)["press-4"] == {"night": ["read"]}
    with cross_tenant():
        living = TenantRolePermission.objects.at(story.at).values_list("privilege", flat=True)
        assert list(living) == ["read"]


# --- roles over them ------------------------------------------------------------------------------------


def test_roles_of_the_tenant_hold_its_own_and_never_anothers(story: Story) -> None:
    put(story, story.beta, "press-4", "read", "delete")
    put(story, story.acme, "press-9", "read")
    role_over(story, story.beta, "night", ("press-4", "delete"))
    refused: list[Callable[[], None]] = [
        lambda: role_over(story, story.beta, "day", ("press-9", "read")),
        lambda: role_over(story, story.beta, "day", ("press-4", "execute")),
        lambda: role_over(story, story.acme, "day", ("press-4", "read")),
    ]
    for act in refused:
        with pytest.raises(NotAvailableHere):
            act()
    assert granted(story, story.beta)["press-4"] == {"night": ["delete"]}
    story.later()
    pauses.pause(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    with pytest.raises(NotAvailableHere):  # its application is not there now
        role_over(story, story.beta, "night", ("press-4", "read"))


def test_nothing_happens_without_its_record(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    put(story, story.beta, "press-4")

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the record cannot be written")

    monkeypatch.setattr("tenants.history._write", broken)
    assert put(story, story.beta, "press-5").status_code == 500
    assert call(story, "DELETE", story.beta, f"/{KIND}/press-4").status_code == 500
    monkeypatch.undo()
    with tenant_scope(story.beta.id):
        own = Resource.objects.filter(owner_tenant=story.beta).values_list("key", "during")
        assert [(key, during.upper) for key, during in own] == [("press-4", None)]
        assert HistoryEvent.objects.filter(action__startswith="resource.").count() == 1


def test_it_moves_the_acl_for_who_mirrors_it(story: Story) -> None:
    before = story.snapshot()
    story.at += timedelta(seconds=1)
    put(story, story.beta, "press-4", parent="machines")
    assert mirrors.watch(at=story.at) == 1  # also where nobody reads
    delta = story.snapshot(since=before["revision"])
    [entry] = delta["changed"]
    assert (entry["resourceId"], entry["kind"], entry["owningTenantId"]) == (
        "press-4",
        "dynamic",
        str(story.beta.id),
    )
    assert [grant["privileges"] for grant in entry["grants"]] == [["read"]]
