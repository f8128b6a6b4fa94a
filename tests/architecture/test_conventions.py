"""The conventions of the REST doors, at every one of them: methods, forms, pages, sizes, revisions."""

import json
from collections.abc import Callable
from unittest import mock

import pytest

from iam_portal import bodies
from iam_portal.launchers import doors
from iam_portal.launchers.doors import METHODS, OWN_APPLICATION, Door
from iam_portal.openapi import examples
from tests.support import described
from tests.support.knocking import Knocker
from tests.support.town import Town

DOORS = [door for door in doors.doors() if door.kind == "rest"]
PROBLEM = "application/problem+json"
HUGE = "9" * 400


def who(town: Town, door: Door) -> Knocker:
    return town.visitors["application" if door.permission == OWN_APPLICATION else "manager"]


def asking(parameter: str, place: str = "query") -> list[Door]:
    """The doors that take it."""
    wanted = (parameter, place)
    return [
        door
        for door in DOORS
        for each in described.operations()[door.method, door.address].get("parameters", ())
        if (each["name"], each["in"]) == wanted
    ]


def refused(town: Town, found: list[Door], ask: Callable[[Knocker, Door], object], code: str) -> None:
    """Each of them answers with a problem of this code."""
    assert found
    wrong = {}
    for door in found:
        reply = ask(who(town, door), door)
        said = reply.json() if reply["Content-Type"] == PROBLEM else {}
        if (
            said.get("code") != code
            or said["status"] != reply.status_code
            or said["instance"] != reply.request["PATH_INFO"]
        ):
            wrong[f"{door.method} {door.address}"] = (reply.status_code, said)
    assert wrong == {}


def test_a_method_that_is_not_served_is_named_with_those_that_are(town: Town) -> None:
    served: dict[str, set[str]] = {}
    for door in DOORS:
        served.setdefault(door.address, set()).add(door.method)
    for door in {door.address: door for door in DOORS}.values():
        for method in [*[each for each in METHODS if each not in served[door.address]][:1], "TRACE"]:
            reply = who(town, door).knock(method, town.address(door))
            assert (reply.status_code, reply["Content-Type"]) == (405, PROBLEM), (method, door.address)
            assert reply.json()["code"] == "method_not_allowed"
            assert set(reply["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == served[door.address]


@pytest.mark.parametrize("value", ["0", "501", "abc", "", "-1", "1.0", "%D9%A1", HUGE])
def test_a_page_has_one_to_five_hundred_rows(town: Town, value: str) -> None:
    def ask(visitor: Knocker, door: Door) -> object:
        query = f"limit={value}&applicationId=acme.meter"
        return visitor.knock("GET", town.address(door), query=query)

    refused(town, [door for door in asking("limit") if not missing(town, door)], ask, "invalid")


@pytest.mark.parametrize("value", ["x", "%00", "e30", "W10", "WzFd", HUGE])
def test_a_cursor_is_one_that_was_given_out(town: Town, value: str) -> None:
    """Also one of an empty list, or of numbers: what decodes is not yet a position."""

    def ask(visitor: Knocker, door: Door) -> object:
        query = f"cursor={value}&applicationId=acme.meter"
        return visitor.knock("GET", town.address(door), query=query)

    found = [door for door in asking("cursor") if not missing(town, door)]
    refused(town, found, ask, "invalid")


def test_another_form_than_the_described_ones_is_not_acceptable(town: Town) -> None:
    def ask(visitor: Knocker, door: Door) -> object:
        picky = Knocker({**visitor.headers, "Accept": "application/pdf"}, visitor.cookies)
        return picky.knock(door.method, town.address(door))

    refused(town, DOORS, ask, "not_acceptable")


def test_a_body_that_is_too_large_is_not_read(town: Town) -> None:
    writing = [door for door in DOORS if door.method in ("POST", "PUT", "PATCH")]
    taking = [each for each in writing if "requestBody" in described.operations()[each.method, each.address]]
    found = [door for door in taking if not missing(town, door)]

    def ask(visitor: Knocker, door: Door) -> object:
        return visitor.knock(door.method, town.address(door), '{"a": "%s"}' % ("x" * 99))

    with mock.patch.object(bodies, "LARGEST", 99):
        refused(town, found, ask, "too_large")


@pytest.mark.parametrize("value", ["", "*", "r-1x", '"x-1"', '"r--1"', '"i-1"', f'"r-{HUGE}"'])
def test_a_revision_has_its_form(town: Town, value: str) -> None:
    """Whatever else is wrong with the request: nothing is done that another revision was meant for."""
    wrong = {}
    for door in asking("If-Match", "header"):
        visitor = who(town, door)
        careful = Knocker({**visitor.headers, "If-Match": value}, visitor.cookies)
        status = careful.knock(door.method, town.address(door)).status_code
        if status not in (400, 404, 409, 412, 428):
            wrong[f"{door.method} {door.address}"] = status
    assert wrong == {}


def test_nothing_is_done_on_a_revision_that_is_none(town: Town) -> None:
    """With a body that is right; where the row is there, and nothing else is wrong, it is 412."""
    statuses = {}
    for door in asking("If-Match", "header"):
        example = examples.known()[described.operations()[door.method, door.address]["operationId"]]
        visitor = who(town, door)
        late = Knocker({**visitor.headers, "If-Match": '"r-999999"'}, visitor.cookies)
        body = json.dumps(example.get("request", {}))
        statuses[f"{door.method} {door.address}"] = late.knock(
            door.method, town.address(door), body
        ).status_code
    assert {door: status for door, status in statuses.items() if status < 400 or status >= 500} == {}
    stale = {door for door, status in statuses.items() if status == 412}
    assert len(stale) > len(statuses) / 2, statuses


def missing(town: Town, door: Door) -> bool:
    """The installation's organizations are listed in the platform tenant only."""
    return who(town, door).knock(door.method, town.address(door)).status_code == 404
