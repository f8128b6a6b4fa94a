"""The description of the API says all that an integrator needs, and nothing that is not so."""

from functools import cache
from typing import Any

import pytest
from django.test import Client

from iam_portal.launchers import doors, errors
from iam_portal.launchers.portal import ROOT
from iam_portal.openapi import examples, reach, words
from iam_portal.openapi.codes import REMEDIES
from iam_portal.openapi.summaries import SUMMARIES
from tests.support import described
from tests.support import examples as recorded

REST = [door for door in doors.doors() if door.kind == "rest"]
SWITCHES = [("switch", name) for name in ("dry_run", "planned")]


@cache
def operations() -> dict[str, dict[str, Any]]:
    """By name."""
    return {each["operationId"]: each for each in described.operations().values()}


def lacking(part: str) -> list[str]:
    return sorted(name for name, operation in operations().items() if not operation.get(part))


def test_every_door_is_described_under_a_name_of_its_own() -> None:
    assert {(door.method, door.address) for door in REST} <= set(described.operations())
    assert len(operations()) == len(described.operations())


def test_every_operation_has_its_words() -> None:
    """A new door needs a line in ``iam_portal/openapi/summaries.py``; the rest follows from it."""
    assert (lacking("summary"), lacking("description"), lacking("security")) == ([], [], [])
    assert sorted(set(SUMMARIES) - set(operations())) == []


def test_every_tag_and_parameter_is_explained() -> None:
    tags = {tag for operation in operations().values() for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in words.TAGS}
    bare = {
        parameter["name"]
        for operation in operations().values()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description") and parameter["name"] != "format"
    }
    assert bare == set()


def test_every_operation_has_an_example_that_fits() -> None:
    """``make examples`` finds those that are missing, where a test asks the door and is answered."""
    known = examples.known()
    assert recorded.missing(known) == []
    assert sorted(set(known) - set(operations())) == []
    wrong = {name: recorded.wrong(operations()[name], example) for name, example in known.items()}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


@pytest.mark.parametrize(
    ("function", "parameter"),
    [("page_size", "limit"), ("cursor_of", "cursor"), ("searched", "search"), *SWITCHES],
)
def test_what_a_handler_reads_of_the_query_is_described(function: str, parameter: str) -> None:
    reached = [(door, reach.of(door.view, door.method)) for door in REST]
    found = [door for door, it in reached if function in it.functions and parameter in it.texts]
    assert found
    silent = [f"{door.method} {door.address}" for door in found if parameter not in parameters(door)]
    assert silent == []


def parameters(door: doors.Door) -> set[str]:
    described_ones: list[dict[str, Any]] = described.operations()[door.method, door.address]["parameters"]
    return {each["name"] for each in described_ones}


def test_the_description_is_served_as_it_is_written() -> None:
    """To a browser as a page, which asks for it in turn; to whoever has it, not again."""
    visitor = Client()
    reply = visitor.get("/iam/schema/", headers={"Accept": "application/json"})
    assert reply.json() == described.document()
    again = visitor.get("/iam/schema/", headers={"If-None-Match": reply["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert visitor.get("/iam/schema/", headers=browser)["Location"] == "/iam/reference/"
    assert visitor.get("/iam/schema/?format=json", headers=browser).json() == reply.json()
    assert visitor.post("/iam/schema/").status_code == 405


def test_every_code_is_explained() -> None:
    """A new refusal needs a line in ``iam_portal/openapi/codes.py``."""
    codes = errors.codes()
    assert sorted(set(codes) - set(REMEDIES)) == []
    assert sorted(set(REMEDIES) - set(codes)) == []
    assert [code for code, (_, said) in codes.items() if not said] == []


def test_the_written_table_of_refusals_is_current() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == errors.document(), "run 'make errors'"


def test_the_codes_of_a_door_follow_its_code() -> None:
    """What a signal's receiver refuses is found, and what the door's decorator does."""
    codes = {refusal.code for refusal in reach.of(*door("assignments", "POST")).refusals}
    assert {"already_assigned", "forbidden", "idempotency_running", "role_not_granted"} <= codes
    assert "last_administrator" not in codes
    member = "groups/{group_id}/members/{user_id}"  # one may end, and be the last that lets somebody in
    for path, method in ((member, "DELETE"), (member, "PUT")):
        assert "last_administrator" in {refusal.code for refusal in reach.of(*door(path, method)).refusals}
    for path, method in (("groups", "POST"), ("users/{user_id}", "GET")):
        found = {refusal.code for refusal in reach.of(*door(path, method)).refusals}
        assert "last_administrator" not in found


def door(path: str, method: str) -> tuple[Any, str]:
    [found] = [
        each for each in REST if each.address.endswith(f"{{tenant_id}}/{path}") and each.method == method
    ]
    return found.view, method
