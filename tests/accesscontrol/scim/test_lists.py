"""Filters, orders and pages: what is found, and what no filter can reach."""

from typing import Any

import pytest

from accesscontrol.scim import filters
from accesscontrol.scim.filters import Among, Both, Compare, Either, Not
from accesscontrol.scim.refused import ScimRefused
from tests.accesscontrol.scim.conftest import Directory


def test_and_binds_closer_than_or() -> None:
    found = filters.parse('a eq "1" or b pr and not (c gt 2) or d[e co "x" and f eq true]')
    among = Among("d", Both((Compare("e", "co", "x"), Compare("f", "eq", True))))
    assert found == Either(
        (Compare("a", "eq", "1"), Both((Compare("b", "pr"), Not(Compare("c", "gt", 2)))), among)
    )
    urn = "urn:ietf:params:scim:schemas:core:2.0:User:userName"
    assert filters.parse(f'{urn} EQ "A\\"b"') == Compare("username", "eq", 'A"b')


BROKEN = [
    "",
    " ",
    "a",
    "a eq",
    'a eq "x',
    'a is "x"',
    "a eq x",
    'a eq "x" and',
    'a eq "x" b eq "y"',
    '(a eq "x"',
    'a eq "x")',
    "a[",
    'a[b eq "x"',
    "not a pr",
    'a.b.c eq "x"',
    '"a" eq "x"',
    'a eq "\\u0000"',
    'a eq "\\ud800"',
    'a eq "\\x"',
    "a eq 1e999",
    "a eq 99999999999999999999",
    "a'; DROP TABLE tenants_user; -- pr",
    "(" * 13 + "a pr" + ")" * 13,
    " or ".join(["a pr"] * 61),
    'a eq "' + "x" * 4000 + '"',
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ScimRefused) as raised:
        filters.parse(text)
    assert raised.value.data == {"scimType": "invalidFilter"}


@pytest.fixture
def full(acme: Directory) -> Directory:
    ann = acme.make("ann", externalId="A-1", displayName="Ann_ 100%", emails=[{"value": "first@example.org"}])
    acme.make("bob", displayName="Bob", active=False)
    acme.make_group("Night", ann["id"], externalId="g1")
    return acme


FOUND = [
    ('userName eq "ANN@example.org"', "ann"),
    ('userName ne "ann@example.org"', "bob jane joe"),
    ('userName sw "A" or userName ew "B@EXAMPLE.ORG"', "ann bob"),
    ('externalId eq "A-1"', "ann"),
    ('externalId eq "a-1"', ""),
    ("externalId pr", "ann"),
    ("not (externalId pr)", "bob jane joe"),
    ('displayName co "_"', "ann"),
    ('displayName co "%"', "ann"),
    ('emails eq "first@example.org"', "ann"),
    ('emails[type eq "work" and value sw "FIRST"]', "ann"),
    ('emails[type eq "home"]', ""),
    ('emails.value co "first" and emails.primary eq true', "ann"),
    ("active eq false", "bob"),
    ('active eq "True" and groups pr', "ann joe"),
    ('id eq "no id"', ""),
    ('userName gt "b" and userName lt "jb"', "bob jane"),
    ('meta.created gt "2020-01-01T00:00:00Z" and active eq false', "bob"),
    ('meta.created lt "2020-01-01T00:00:00Z"', ""),
    ("userName eq \"x' OR '1'='1\"", ""),
    ('userName eq "%"', ""),
]


@pytest.mark.parametrize(("filter", "expected"), FOUND)
def test_a_filter_finds(full: Directory, filter: str, expected: str) -> None:
    found = {name.partition("@")[0] for name in full.found("Users", filter)}
    assert found == set(expected.split())
    assert full.send("POST", "Users/.search", {"filter": filter, "attributes": ["userName"]}).json()[
        "totalResults"
    ] == len(found)


def test_groups_are_found_by_who_is_in_them(full: Directory) -> None:
    [ann] = full.get('Users?filter=externalId eq "A-1"').json()["Resources"]
    night = full.group("Night").id
    assert full.found("Groups", f'members eq "{ann["id"]}"') == ["Night"]
    assert full.found("Groups", f'id eq "{night}" and members[value eq "{ann["id"]}"]') == ["Night"]
    assert full.found("Groups", f'not (members.value eq "{ann["id"]}")') == ["Depots"]
    assert full.found("Groups", 'externalId eq "g1" or displayName eq "DEPOTS"', sortBy="displayName") == [
        "Depots",
        "Night",
    ]
    assert full.found("Users", f'groups.value eq "{night}"') == ["ann@example.org"]
    assert full.found("Groups", 'members eq "x"') == []


REFUSED = [
    'password eq "x"',
    'password_hash sw "a"',
    "tenant.name pr",
    "userName eq true",
    "active gt true",
    'active eq "perhaps"',
    'id co "a"',
    'meta.created eq "yesterday"',
    'externalId gt "a"',
    'groups co "x"',
    "emails[type[x pr]]",
    "userName eq null",
]


@pytest.mark.parametrize("filter", REFUSED)
def test_nothing_else_is_asked_of_rows(full: Directory, filter: str) -> None:
    reply = full.send("POST", "Users/.search", {"filter": filter})
    assert (reply.status_code, reply.json()["scimType"]) == (400, "invalidFilter"), reply.content


def test_nobody_of_another_organization_is_found(full: Directory, neighbour: Directory) -> None:
    stranger = neighbour.make("sue", externalId="S")
    for filter in (f'id eq "{stranger["id"]}"', 'externalId eq "S"', 'userName sw "sue"'):
        assert full.found("Users", filter) == []
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"userName": "x@example.org", "Operations": [{"op": "replace", "value": {"active": False}}]}
        assert full.send(method, f"Users/{stranger['id']}", body).status_code == 404
    assert neighbour.get(f"Users/{stranger['id']}").json() == stranger


def test_pages_are_complete_and_in_order(full: Directory) -> None:
    def page(query: str) -> Any:
        reply = full.get(f"Users?sortBy=userName&attributes=userName&{query}")
        assert reply.status_code == 200, reply.content
        return reply.json()

    names = []
    for start in (1, 3, 5):
        told = page(f"startIndex={start}&count=2")
        assert (told["totalResults"], told["startIndex"]) == (4, start)
        names += [each["userName"] for each in told["Resources"]]
    assert names == ["ann@example.org", "bob@example.org", "jane", "joe"]
    backwards = page("sortOrder=descending")
    assert [each["userName"] for each in backwards["Resources"]] == names[::-1]
    assert page("count=0")["Resources"] == page("count=-5")["Resources"] == []
    assert page("startIndex=-7")["itemsPerPage"] == page("count=100000000")["itemsPerPage"] == 4
    assert page("startIndex=99999999999")["Resources"] == []
    for wrong in ("count=x", "startIndex=1.5", "sortOrder=up", "sortBy=password", "count=" + "9" * 30):
        assert full.get(f"Users?{wrong}").status_code == 400, wrong
