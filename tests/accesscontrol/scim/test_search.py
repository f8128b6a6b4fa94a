"""People and groups by one search (RFC 7644 §3.4.3), as far as the caller may read each kind."""

import json
from typing import Any

import pytest
from django.utils import timezone

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from iam_portal.walls import tenant_scope
from tests.accesscontrol.scim.conftest import Directory
from tests.support import factories
from tests.support.knocking import service

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def full(acme: Directory) -> Directory:
    ann = acme.make("ann", externalId="A-1", displayName="Night Ann")
    acme.make("bob", displayName="Bob", active=False)
    acme.make_group("Night", ann["id"], externalId="g1")
    return acme


def searched(directory: Directory, **asked: Any) -> dict[str, Any]:
    reply = directory.send("POST", ".search", {"schemas": [SEARCH], **asked})
    assert (reply.status_code, reply["Cache-Control"]) == (200, "no-store"), reply.content
    return dict(reply.json())


def names(told: dict[str, Any]) -> list[str]:
    return [str(each.get("userName") or each["displayName"]).partition("@")[0] for each in told["Resources"]]


FOUND = [
    ('displayName sw "night"', "Night ann"),
    ('externalId eq "A-1" or externalId eq "g1"', "Night ann"),
    ("members pr", "Depots Night"),
    ("not (members pr)", "ann bob jane joe"),
    ('userName ne "ann@example.org"', "Depots Night bob jane joe"),
    ("active eq false", "bob"),
    ('meta.resourceType eq "Group"', "Depots Night"),
    ('emails[type eq "work"] and groups pr', "ann joe"),
    ('userName gt "z" or displayName eq "Depots"', "Depots"),
    ('externalId eq "nobody"', ""),
]


@pytest.mark.parametrize(("filter", "expected"), FOUND)
def test_what_a_kind_has_not_it_has_without_a_value(full: Directory, filter: str, expected: str) -> None:
    told = searched(full, filter=filter)
    assert (sorted(names(told)), told["totalResults"]) == (expected.split(), len(expected.split()))


def test_each_is_told_as_at_its_own_door(full: Directory) -> None:
    for told in searched(full, count=200)["Resources"]:
        kind = told["meta"]["resourceType"]
        assert full.get(f"{kind}s/{told['id']}").json() == told
    told = searched(full, attributes=["userName", "members.value"], filter='displayName sw "Night"')
    (group,) = (each for each in told["Resources"] if "members" in each)
    (ann,) = (each for each in told["Resources"] if "userName" in each)
    assert group["members"] == [{"value": ann["id"]}]
    assert set(ann) == {"id", "schemas", "userName"}


def test_pages_go_through_both_kinds_in_one_order(full: Directory) -> None:
    found = []
    for start in (1, 3, 5, 7):
        told = searched(full, sortBy="displayName", startIndex=start, count=2)
        assert (told["totalResults"], told["startIndex"]) == (6, start)
        found += names(told)
    assert len(found) == 6 and found[:4] == ["bob", "Depots", *found[2:4]] and found[-2:] == ["Night", "ann"]
    assert names(searched(full, sortBy="displayName", sortOrder="descending")) == found[::-1]
    without_order = [names(searched(full, startIndex=start, count=1))[0] for start in range(1, 7)]
    assert sorted(without_order) == sorted(found)
    by_name = names(searched(full, sortBy="userName"))
    assert by_name[:4] == ["ann", "bob", "jane", "joe"], "groups have no such name and stand last"
    assert searched(full, count=0) == {**searched(full, count=0), "totalResults": 6, "Resources": []}


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": 'password eq "x"'},
        {"filter": "userName eq true"},
        {"filter": ["x"]},
        {"sortBy": "password"},
        {"sortBy": 7},
        {"count": "x"},
        {"attributes": "id", "excludedAttributes": "id"},
        {"filter": "("},
    ],
)
def test_what_cannot_be_asked_is_refused(full: Directory, asked: dict[str, Any]) -> None:
    reply = full.send("POST", ".search", asked)
    assert (reply.status_code, reply["Content-Type"]) == (400, "application/scim+json"), reply.content


def test_nobody_of_another_organization_is_found(full: Directory, neighbour: Directory) -> None:
    neighbour.make("sue", externalId="S")
    assert names(searched(full, filter='externalId eq "S" or userName sw "sue"')) == []
    assert full.send("POST", ".search", {}, tenant_id=neighbour.tenant.id).status_code == 401


@pytest.mark.parametrize("kind", ["User", "Group"])
def test_a_kind_that_the_caller_may_not_read_is_not_there(full: Directory, kind: str) -> None:
    """Neither in the page nor in the number, and no filter or order reaches it."""
    reader, at = service(full.tenant, "look", "user"), timezone.now()
    permissions = [("iam-portal", "urn:iam:portal", f"{kind}s", "read")]
    definition = Definition(key="half", name="Half", description="", permissions=permissions)
    tenant_roles.define(tenant=full.tenant, definition=definition, by=factories.SYSTEM, at=at)
    wanted = Wanted(role="half", principal_application_id="acme.look")
    with tenant_scope(full.tenant.id):
        assignments.assign(tenant=full.tenant, wanted=wanted, by=factories.SYSTEM, at=at)
    body = json.dumps({"filter": "members pr or userName pr", "sortBy": "displayName"})
    reply = reader.knock("POST", full.address(".search"), body, "application/scim+json")
    told = reply.json()
    assert {each["meta"]["resourceType"] for each in told["Resources"]} == {kind}
    assert told["totalResults"] == len(told["Resources"]) == {"User": 4, "Group": 2}[kind]


def test_many_are_read_in_as_many_queries_as_few(full: Directory, django_assert_num_queries: Any) -> None:
    searched(full)  # its use is noted once a minute
    with django_assert_num_queries(SEARCHED):
        assert len(searched(full)["Resources"]) == 6
    for number in range(3):
        full.make_group(f"Team {number}", full.make(f"kim{number}")["id"])
    with django_assert_num_queries(SEARCHED):
        assert len(searched(full, sortBy="displayName")["Resources"]) == 12


SEARCHED = 15
