"""What changed in an ACL since a revision: as delta, as lines, for one owner; and when that is not known."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accesscontrol import jobs
from accesscontrol.models import AclEntry
from applications.actions import contracts
from applications.models import Resource
from iam_portal.walls import cross_tenant
from tenants.models import since as open_since
from tests.accesscontrol.mirroring import NDJSON, Story, address_of, applied, indexed, lines_of
from tests.support.factories import SYSTEM, make_resource
from tests.support.kept_acl import read_acl


@pytest.fixture
def story(acl_story: Story) -> Story:
    return acl_story


def test_a_delta_has_what_changed_and_what_is_gone(story: Story) -> None:
    story.declare("gates")
    before = story.snapshot()
    story.later()
    story.declare("doors")  # the gates are gone
    story.tenant_role(story.beta, "night", "read")

    delta = story.snapshot(since=before["revision"])

    after = story.snapshot()
    assert set(delta) == {"applicationId", "revision", "since", "changed", "removed"}
    assert (delta["since"], delta["revision"]) == (before["revision"], after["revision"])
    owners = {str(story.acme.id), str(story.beta.id)}
    assert {address_of(entry)[::2] for entry in delta["changed"]} == {
        *((owner, "doors") for owner in owners),
        (str(story.beta.id), "machines"),  # Acme's machines did not move
    }
    assert delta["removed"] == [
        {"owningTenantId": owner, "resourceType": "urn:test", "resourceId": "gates"}
        for owner in sorted(owners)
    ]
    assert applied(indexed(before["resources"]), delta) == indexed(after["resources"])


def test_nothing_new_is_an_empty_delta_and_a_304(story: Story) -> None:
    before = story.snapshot()
    reply = story.read(since=before["revision"])
    assert reply.json() == {
        "applicationId": "acme.meter",
        "revision": before["revision"],
        "since": before["revision"],
        "changed": [],
        "removed": [],
    }
    story.later()
    known = {"If-None-Match": reply["ETag"]}
    assert story.read(headers=known, since=before["revision"]).status_code == 304
    story.declare("gates")
    assert story.read(headers=known, since=before["revision"]).status_code == 200


def test_what_came_and_went_again_moves_nobody_wrongly(story: Story) -> None:
    start = story.snapshot()
    mirrors = {start["revision"]: indexed(start["resources"])}
    for resources in (["gates"], [], ["gates", "doors"], ["doors"]):
        story.later()
        story.declare(*resources)
        now = story.snapshot()
        mirrors[now["revision"]] = indexed(now["resources"])
    for since, mirror in mirrors.items():
        assert applied(mirror, story.snapshot(since=since)) == indexed(now["resources"])


def test_a_boundary_that_passes_raises_the_revision(story: Story) -> None:
    contracts.end(
        tenant=story.acme,
        contract_id=story.contract.id,
        by=SYSTEM,
        at=story.at,
        when=story.at + timedelta(hours=1),
    )
    before = story.snapshot()
    story.later(minutes=59)
    assert story.snapshot()["revision"] == before["revision"]
    story.later(minutes=1)
    delta = story.snapshot(since=before["revision"])
    assert delta["revision"] == before["revision"] + 1
    assert {entry["owningTenantId"] for entry in delta["removed"]} == {str(story.beta.id)}


def test_two_of_one_address_move_together(story: Story) -> None:
    """A tenant's own resource may stand beside a static one of the same name."""
    with cross_tenant():
        own = make_resource(story.meter.id, "machines", owner=story.beta, during=open_since(story.at))
    before = story.snapshot()
    assert len(indexed(before["resources"])) == len(before["resources"]) - 1
    story.later()
    with cross_tenant():
        Resource.objects.filter(id=own.id).close(story.at)
    delta = story.snapshot(since=before["revision"])
    assert [entry["kind"] for entry in delta["changed"]] == ["static"]
    assert delta["removed"] == []
    assert applied(indexed(before["resources"]), delta) == indexed(story.snapshot()["resources"])


# --- one owner ------------------------------------------------------------------------------------------


def test_one_owner(story: Story) -> None:
    before = story.snapshot()
    story.later()
    story.declare("gates")
    whole, part = story.snapshot(), story.snapshot(tenantId=str(story.beta.id))
    assert part["revision"] == whole["revision"]
    assert part["resources"] == [
        entry for entry in whole["resources"] if entry["owningTenantId"] == str(story.beta.id)
    ]
    delta = story.snapshot(since=before["revision"], tenantId=str(story.beta.id))
    assert [address_of(entry)[::2] for entry in delta["changed"]] == [(str(story.beta.id), "gates")]


def test_a_tenant_that_is_not_served_reads_like_one_that_is_not_there(story: Story) -> None:
    revision = story.snapshot()["revision"]
    for query in ({}, {"since": revision}):
        replies = [story.snapshot(tenantId=str(tenant), **query) for tenant in (story.neighbour.id, uuid4())]
        assert replies[0] == replies[1]
        assert not replies[0].get("resources") and not replies[0].get("changed")


def test_a_neighbour_of_the_same_name_sees_and_moves_nothing(story: Story) -> None:
    mine, foreign = story.snapshot(), story.snapshot(story.foreign)
    story.later()
    story.declare("gates")
    assert story.snapshot(story.foreign) == foreign
    delta = story.snapshot(story.foreign, since=foreign["revision"])
    assert (delta["changed"], delta["removed"]) == ([], [])
    owners = {entry["owningTenantId"] for entry in foreign["resources"]}
    assert owners == {str(story.neighbour.id)}
    assert story.snapshot(since=mine["revision"])["changed"]


# --- what is not known ----------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["0", "1", "4711", "9" * 18])
def test_a_revision_that_was_never_given_out(story: Story, since: str) -> None:
    """Before the first, or beyond the last: that one was given out by a database that is no more."""
    story.snapshot()
    for headers in ({}, {"Accept": NDJSON}):
        reply = story.read(since=since, headers=headers)
        assert reply.status_code == 410
        assert reply["Content-Type"] == "application/problem+json"
        body = reply.json()
        assert body["code"] == "acl_revision_gone"
        assert body["snapshot"] == "http://testserver/iam/access-management/v1/application/acl"


@pytest.mark.parametrize("since", ["", "x", "-1", "1.5", "٣", "9" * 19, "1\x00"])
def test_a_since_that_is_none(story: Story, since: str) -> None:
    reply = story.read(since=since)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("tenant", ["", "x", "1\x00", "None"])
def test_an_owner_that_is_none(story: Story, tenant: str) -> None:
    assert story.read(tenantId=tenant).status_code == 400


def test_what_is_forgotten_is_gone(story: Story, settings: Any) -> None:
    story.declare("gates")
    old = story.snapshot()
    story.later()
    story.declare()
    middle = story.snapshot()
    story.later()
    story.declare("doors")
    jobs.prune_acls()
    assert story.snapshot(since=old["revision"])["removed"], "too young to be forgotten"
    story.later(days=31)

    jobs.prune_acls()

    assert story.read(since=old["revision"]).status_code == 410
    delta = story.snapshot(since=middle["revision"])
    assert applied(indexed(middle["resources"]), delta) == indexed(story.snapshot()["resources"])
    with cross_tenant():
        assert AclEntry.objects.filter(removed_at__isnull=False).count() == 0
        assert AclEntry.objects.filter(application=story.meter).count() == 4, "what is there stays known"


def test_a_slow_clock_does_not_take_the_acl_back(story: Story) -> None:
    """Two processes at a boundary: the one that is a second behind reads what the other one has read."""
    begun = story.at
    story.snapshot()
    story.later(minutes=5)
    story.declare("gates")
    now = read_acl(story.meter, at=story.at)
    behind = read_acl(story.meter, at=story.at - timedelta(seconds=1))
    assert behind == now
    wrong = read_acl(story.meter, at=begun)  # minutes behind: no clock of ours; it is answered as it asks
    assert wrong["revision"] == now["revision"] + 1
    assert wrong["resources"] != now["resources"]
    assert read_acl(story.meter, at=story.at)["resources"] == now["resources"]


# --- tags and lines -------------------------------------------------------------------------------------


def test_one_tag_is_one_body(story: Story) -> None:
    first = story.read()
    story.later()
    second = story.read()
    assert (second["ETag"], second.content) == (first["ETag"], first.content)
    replies = [
        story.read(headers=headers, **query)
        for headers in ({}, {"Accept": NDJSON})
        for query in ({}, {"tenantId": str(story.beta.id)}, {"since": first.json()["revision"]})
    ]
    assert len({reply["ETag"] for reply in replies}) == 6
    assert all(reply["Vary"].startswith("Accept") for reply in replies)
    for tag in (first["ETag"], f"W/{first['ETag']}", "*", f'"other", {first["ETag"]}'):
        assert story.read(headers={"If-None-Match": tag}).status_code == 304
    assert story.read(headers={"If-None-Match": '"other"'}).status_code == 200


def test_lines_of_a_snapshot(story: Story) -> None:
    whole = story.snapshot()
    reply = story.read(headers={"Accept": NDJSON})
    head, *entries, last = lines_of(reply)
    assert head == {key: whole[key] for key in ("applicationId", "revision", "generatedAt")}
    assert entries == whole["resources"]
    assert last == {"complete": True, "revision": whole["revision"], "entries": len(entries)}
    assert story.read(headers={"Accept": NDJSON, "If-None-Match": reply["ETag"]}).status_code == 304


def test_lines_of_a_delta(story: Story) -> None:
    story.declare("gates")
    before = story.snapshot()
    story.later()
    story.declare("doors")
    delta = story.snapshot(since=before["revision"])
    head, *entries, last = lines_of(story.read(headers={"Accept": NDJSON}, since=before["revision"]))
    assert head["since"] == before["revision"]
    removed = [{**entry, "removed": True} for entry in delta["removed"]]
    assert removed
    assert entries == delta["changed"] + removed
    assert last["entries"] == len(entries)


@pytest.mark.parametrize("where", ["revisions.build", "copies._lines"])
def test_what_breaks_is_an_error_and_not_a_shorter_acl(
    story: Story, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(f"accesscontrol.acl.{where}", broken)
    assert story.read(headers={"Accept": NDJSON}).status_code == 500


def test_a_large_one_leaves_in_pieces(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = story.snapshot()
    monkeypatch.setattr("accesscontrol.acl.copies.SMALL", 100)
    reply = story.read()
    assert json.loads(b"".join(reply.streaming_content)) == whole  # type: ignore[attr-defined]
    assert lines_of(story.read(headers={"Accept": NDJSON}))[1:-1] == whole["resources"]


@pytest.mark.parametrize("asked", [{"headers": {"Accept": "text/csv"}}, {"format": ""}])
def test_another_form_is_not_acceptable(story: Story, asked: dict[str, Any]) -> None:
    reply = story.read(**asked)
    assert (reply.status_code, reply.json()["code"]) == (406, "not_acceptable")
