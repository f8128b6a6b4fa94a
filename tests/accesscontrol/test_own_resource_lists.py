"""Many of a tenant's own resources at once, and where they may stand in each other."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.actions import contracts, resource_rows
from applications.actions import resources as acts
from applications.manifest import parse
from iam_portal.errors import Invalid
from tests.accesscontrol.keeping import KIND, batch, call, item, put, recorded, told
from tests.accesscontrol.mirroring import Story
from tests.support.factories import SYSTEM


@pytest.fixture
def story(acl_story: Story) -> Story:
    return acl_story


# --- many -----------------------------------------------------------------------------------------------


def test_many_at_once_each_for_itself(story: Story) -> None:
    put(story, story.beta, "old", "read")
    put(story, story.beta, "same", "read")
    reply = batch(
        story,
        item("plant", parent="machines"),
        item("press-4", parent="plant"),
        item("press-4", "delete"),
        item("old", "modify"),
        item("same", "read"),
        {"resourceType": "machine", "resourceId": "x"},
        "nothing",
        item("machines"),
        item("lost", parent="later"),
        item("later"),
        item("plant-2", parent="plant-2"),
    )
    assert reply.status_code == 200
    assert [ended(each) for each in reply.json()["items"]] == [
        (201, "r-1"),
        (201, "r-1"),
        (400, "listed_twice"),
        (200, "r-2"),
        (200, "r-1"),
        (400, "invalid"),
        (400, "invalid"),
        (409, "resource_is_static"),
        (409, "parent_unknown"),
        (201, "r-1"),
        (409, "resource_loop"),
    ]
    [*_, added] = told(story.beta)
    assert [each["resourceId"] for each in added["added"]] == ["plant", "press-4", "later"]
    assert [action for action, _, _ in recorded(story.beta)][2:] == [
        "resource.created",
        "resource.created",
        "resource.created",
        "resource.changed",
    ]


def ended(result: dict[str, Any]) -> tuple[int, str]:
    """How it went for one: its status, and the code of its refusal or the revision that it has."""
    problem = result["problem"]
    return result["status"], problem["code"] if problem else result["resource"]["revision"]


def test_the_list_goes_on_where_it_stopped(story: Story) -> None:
    batch(story, *map(item, ("d", "b", "e", "a", "c")))
    put(story, story.acme, "x")
    page = call(story, "GET", story.beta, query="limit=3").json()
    names = [each["resourceId"] for each in page["items"]]
    query = page["next"].partition("?")[2]
    names += [each["resourceId"] for each in call(story, "GET", story.beta, query=query).json()["items"]]
    assert names == ["a", "b", "c", "d", "e"]
    for query, found in (("search=C", ["c"]), ("type=urn:other", []), ("cursor=W10", None)):
        reply = call(story, "GET", story.beta, query=query)
        assert reply.status_code == (400 if found is None else 200)
        if found is not None:
            assert [each["resourceId"] for each in reply.json()["items"]] == found


def test_a_batch_sent_again_is_answered_again(story: Story) -> None:
    key = {"Idempotency-Key": "b-1"}
    first = batch(story, item("press-4"), headers=key)
    again = batch(story, item("press-4"), headers=key)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert again.json()["items"][0]["status"] == 201
    assert batch(story, item("press-5"), headers=key).status_code == 422
    story.later()
    contracts.end(tenant=story.acme, contract_id=story.contract.id, by=SYSTEM, at=story.at)
    assert batch(story, item("press-4"), headers=key).status_code == 404  # also what is only said again


def test_five_hundred_cost_as_many_statements_as_two(story: Story) -> None:
    put(story, story.beta, "first")  # notes that the secret was used, once a minute
    counts = []
    for size, prefix in ((2, "a"), (500, "b")):
        for privilege in ("read", "modify"):  # made, then changed
            items = [
                item(f"{prefix}-{number}", privilege, parent=f"{prefix}-0" if number else None)
                for number in range(size)
            ]
            with CaptureQueriesContext(connection) as queries:
                reply = batch(story, *items)
            assert {each["problem"] is None for each in reply.json()["items"]} == {True}
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) < 50
    assert batch(story, *[item(f"c-{number}") for number in range(501)]).status_code == 400
    assert batch(story).status_code == 400


def test_there_is_an_end_to_what_is_kept(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "MOST", 2)
    results = batch(story, item("a"), item("b"), item("c"), item("b", "modify")).json()["items"]
    assert [each["status"] for each in results] == [201, 201, 409, 400]
    assert results[2]["problem"]["code"] == "resource_limit"
    assert put(story, story.beta, "c").status_code == 409
    assert put(story, story.beta, "b", "modify").status_code == 200
    assert put(story, story.acme, "c").status_code == 201  # of each tenant by itself
    call(story, "DELETE", story.beta, f"/{KIND}/a")
    assert put(story, story.beta, "c").status_code == 201


# --- in each other --------------------------------------------------------------------------------------


def test_no_resource_comes_to_stand_below_itself(story: Story) -> None:
    batch(story, item("a"), item("b", parent="a"), item("c", parent="b"))
    for parent in ("a", "b", "c"):
        reply = put(story, story.beta, "a", parent=parent)
        assert (reply.status_code, reply.json()["code"]) == (409, "resource_loop")
    # Turned round in one list: each as the ones before it have left things.
    results = batch(story, item("a", parent="c"), item("b"), item("a", parent="c")).json()["items"]
    assert [each["status"] for each in results] == [409, 200, 400]
    assert put(story, story.beta, "a", parent="c").status_code == 200  # c stands below b, b for itself
    assert put(story, story.beta, "b", parent="a").status_code == 409
    assert put(story, story.beta, "c", parent="gone").json()["code"] == "parent_unknown"


def test_so_deep_and_no_deeper(story: Story) -> None:
    chain = [item(f"l-{n}", parent=f"l-{n - 1}" if n > 1 else "machines") for n in range(1, 22)]
    results = batch(story, *chain).json()["items"]
    assert [each["status"] for each in results] == [201] * 20 + [409]
    assert results[-1]["problem"]["code"] == "resource_too_deep"
    batch(story, item("m-1"), item("m-2", parent="m-1"))
    assert put(story, story.beta, "m-1", parent="l-19").status_code == 409  # m-2 would be too deep
    assert put(story, story.beta, "m-1", parent="l-18").status_code == 200


def test_a_manifest_that_closes_a_loop_is_refused() -> None:
    chain = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "e"}
    written = [
        {"type": KIND, "id": key, "privileges": ["read"], "parent": {"type": KIND, "id": parent}}
        for key, parent in chain.items()
    ]
    with pytest.raises(Invalid) as refused:
        parse({"resources": written, "roles": []})
    assert [each["pointer"] for each in refused.value.errors] == [
        f"/resources/{place}/parent" for place in (0, 1, 2, 4)
    ]


def test_nothing_of_another_tenant_contains_it(story: Story) -> None:
    put(story, story.acme, "plant")
    assert put(story, story.beta, "press-4", parent="plant").json()["code"] == "parent_unknown"


def test_what_has_ended_contains_nothing_any_more(story: Story) -> None:
    """A press in a hall in a line: without the hall the line may go below the press."""
    put(story, story.beta, "line")
    put(story, story.beta, "hall", parent="line")
    put(story, story.beta, "press-9", parent="hall")
    assert one(story, item("line", parent="press-9")) == 409
    assert call(story, "DELETE", story.beta, f"/{KIND}/hall").status_code == 204
    assert one(story, item("line", parent="press-9")) == 200
    assert one(story, item("press-9", parent="line")) == 409


def one(story: Story, wanted: dict[str, Any]) -> int:
    """The status of a single one in a batch."""
    [result] = batch(story, wanted).json()["items"]
    return int(result["status"])


def test_many_are_one_entry_in_the_history(story: Story) -> None:
    """The provider of an application does not bury what others did."""
    wanted = [item(f"m-{number}") for number in range(21)]
    batch(story, *wanted)
    batch(story, *[{**each, "name": "Other"} for each in wanted])
    named = {"resources": [{"resourceType": KIND, "resourceId": each["resourceId"]} for each in wanted]}
    assert recorded(story.beta) == [("resource.created", None, named), ("resource.changed", named, named)]
    batch(story, *wanted[:20])
    assert len(recorded(story.beta)) == 2 + 20


def test_an_application_has_its_pace(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done already is answered still; the hour is over for the earliest first."""
    monkeypatch.setattr(resource_rows, "MOST_AN_HOUR", 2)
    put(story, story.beta, "one")
    story.at += timedelta(minutes=10)
    put(story, story.beta, "two")
    for refused in (
        put(story, story.beta, "three"),
        batch(story, item("three")),
        call(story, "DELETE", story.beta, f"/{KIND}/one"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (429, "resource_rate")
        assert refused["Retry-After"] == "3000"
    assert put(story, story.beta, "two").status_code == 200
    assert len(recorded(story.beta)) == 2
    story.at += timedelta(seconds=3000)
    assert put(story, story.beta, "three").status_code == 201
