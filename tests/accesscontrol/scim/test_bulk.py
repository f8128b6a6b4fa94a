"""Many acts by one request: each for itself, in the order in which they can be done."""

from typing import Any

import pytest

from tests.accesscontrol.scim.conftest import BULK, Directory


def bulk(acme: Directory, *operations: dict[str, Any], **more: Any) -> Any:
    return acme.send("POST", "Bulk", {"schemas": [BULK], "Operations": list(operations), **more})


def new(name: str) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/Users",
        "bulkId": name,
        "data": {"userName": f"{name}@example.org"},
    }


def group_of(name: str, *members: str) -> dict[str, Any]:
    data = {"displayName": name, "members": [{"value": f"bulkId:{each}"} for each in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def statuses(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.content
    return [each["status"] for each in reply.json()["Operations"]]


def test_one_names_what_another_makes_wherever_it_stands(acme: Directory) -> None:
    rename = {
        "method": "PATCH",
        "path": "/Users/bulkId:ann",
        "data": {"Operations": [{"op": "replace", "value": {"displayName": "Ann"}}]},
    }
    reply = bulk(acme, group_of("Night", "ann", "bob"), rename, new("ann"), new("bob"))
    assert statuses(reply) == ["201", "200", "201", "201"]
    first, second, *_ = reply.json()["Operations"]
    assert first["bulkId"] == "Night" and first["location"].endswith(str(acme.group("Night").id))
    assert second["version"].startswith("W/")
    members = acme.get(f"Groups/{acme.group('Night').id}?attributes=members.display").json()["members"]
    assert [each["display"] for each in members] == ["Ann", "bob@example.org"]


def test_what_is_refused_leaves_the_others(acme: Directory) -> None:
    joe = acme.get('Users?filter=userName eq "joe"').json()["Resources"][0]
    stale = {"method": "DELETE", "path": f"/Users/{joe['id']}", "version": 'W/"r-99"'}
    gone = {"method": "DELETE", "path": f"/Groups/{acme.group('Depots').id}"}
    nowhere = {"method": "DELETE", "path": "/Users/7"}
    reply = bulk(acme, new("ann"), {**new("b"), "data": {"userName": "joe"}}, stale, nowhere, gone)
    assert statuses(reply) == ["201", "400", "412", "404", "204"]
    told = reply.json()["Operations"][1]["response"]
    assert told["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert acme.found("Users", 'userName sw "ann"') == ["ann@example.org"]
    assert acme.found("Groups", "displayName pr") == []


def test_it_stops_after_as_many_failures_as_are_wanted(acme: Directory) -> None:
    taken = {**new("x"), "data": {"userName": "joe@example.org"}}
    reply = bulk(acme, taken, {**taken, "bulkId": "y"}, new("ann"), failOnErrors=1)
    assert statuses(reply) == ["409"]
    assert acme.found("Users", 'userName sw "ann"') == []


def test_a_ring_of_names_is_refused_and_not_followed(acme: Directory) -> None:
    reply = bulk(acme, group_of("a", "b"), group_of("b", "a"), group_of("c", "c"), group_of("d", "nobody"))
    assert statuses(reply) == ["400"] * 4


def test_a_token_does_no_more_by_many_than_by_one(acme: Directory, neighbour: Directory) -> None:
    stranger = neighbour.make("sue")
    reply = bulk(
        acme,
        {"method": "DELETE", "path": f"/Users/{stranger['id']}"},
        {"method": "PUT", "path": f"/Users/{stranger['id']}", "data": {"userName": "x"}},
    )
    assert statuses(reply) == ["404", "404"]
    assert neighbour.get(f"Users/{stranger['id']}").json() == stranger


def deep(levels: int) -> Any:
    inner: Any = "x"
    for _ in range(levels):
        inner = [inner]
    return inner


WRONG: list[Any] = [
    {"Operations": [{**new("a"), "data": {"userName": "a@example.org", "title": deep(400)}}]},
    {},
    {"Operations": []},
    {"Operations": "x"},
    {"Operations": ["x"]},
    {"Operations": [new("a"), new("a")]},
    {"Operations": [{**new("a"), "bulkId": None}]},
    {"Operations": [{**new("a"), "bulkId": "a b"}]},
    {"Operations": [{**new("a"), "method": "GET"}]},
    {"Operations": [{**new("a"), "path": "/Bulk"}]},
    {"Operations": [{**new("a"), "path": "/Users/../Groups"}]},
    {"Operations": [{**new("a"), "path": ["/Users"]}]},
    {"Operations": [{"method": "DELETE", "path": "/Users"}]},
    {"Operations": [{"method": "DELETE", "path": "/Users/x", "version": 7}]},
    {"Operations": [new("a")], "failOnErrors": True},
    {"Operations": [new("a")], "failOnErrors": 0},
]


@pytest.mark.parametrize("body", WRONG)
def test_what_is_no_bulk_request_does_nothing(acme: Directory, body: Any) -> None:
    reply = acme.send("POST", "Bulk", body)
    assert (reply.status_code, reply["Content-Type"]) == (400, "application/scim+json"), reply.content
    assert acme.found("Users", 'userName sw "a@"') == []


def test_sizes_are_bounded(acme: Directory) -> None:
    many = [new(f"n{number}") for number in range(101)]
    assert bulk(acme, *many).status_code == 413
    large = {**new("a"), "data": {"userName": "a@example.org", "title": "x" * 1024 * 1024}}
    reply = bulk(acme, large)
    assert (reply.status_code, reply.json()["status"]) == (413, "413")
    assert acme.found("Users", 'userName sw "a@" or userName sw "n"') == []
