"""Whatever is sent to a REST door, it answers with what is wrong, and never breaks."""

import json
from functools import cache
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam_portal.launchers import doors
from iam_portal.launchers.doors import OWN_APPLICATION, Door
from tests.support.knocking import House, Knocker, address_of

DOORS = [door for door in doors.doors() if door.kind == "rest"]
WRITING = [door for door in DOORS if door.method in ("POST", "PUT", "PATCH")]
READING = [door for door in DOORS if door.method == "GET"]
JSON = "application/json"
LONG = "x" * 100_000
HUGE = "9" * 400
NOT_JSON = [b"", b"{", b"{'a': 1}", b"nonsense", b"\xff\xfe\x00", b'{"a": NaN}', b"[" * 5000, b'{"a": "\x00"}']
NO_OBJECT = ["null", "true", "0", '"text"', "[]", "[1]", "[{}]", HUGE, '{"nobody knows this": 1}', '{"\\u0000": 1}']
# As JSON: NUL, half a surrogate pair, numbers that no column holds, other types, too long.
HOSTILE = [
    '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '""', '" "', f'"{LONG}"', HUGE, f"-{HUGE}", "1e400", "1e308", "0.1",
    "null", "true", "[]", "{}", '["\\u0000"]', "[null]", "[[]]", '[{}]', '{"a": 1}', '"0000-00-00T00:00:00Z"',
    '"9999-12-31T23:59:59-23:59"', '"0001-01-01T00:00:00+23:59"', '"\\u202e\\ufeff"', '"../../etc/passwd"',
]  # fmt: skip
QUERIES = [
    f"{name}={value}"
    for name in ("limit", "cursor", "at", "search", "relation", "available", "side", "state", "type", "after")
    for value in ("", "%00", "-1", "0", HUGE, "%FF", "%F0%9F%92%A9", "x" * 3000, "9999-12-31T23:59:59-23:59",
                  "%D9%A1", "W10", "WyIiXQ", "WyJcdTAwMDAiXQ", "W1tdXQ", "WyJhIiwiYiJd")
]  # fmt: skip
PATHS = ["%00", "..", "%2e%2e", "x" * 300, "%F0%9F%92%A9", "%ED%A0%80", "A B", "'--", "acme.robot%0a"]


def ident(door: Door) -> str:
    return f"{door.method}-{door.address.removeprefix('/iam/')}"


def who(house: House, door: Door) -> Knocker:
    return house.services["module-manager"] if door.permission == OWN_APPLICATION else house.administrator


@cache
def fields(door: Door) -> dict[str, Any]:
    """What the description of the API says that the body may hold."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    operation = next(
        found[door.method.lower()]
        for path, found in schema["paths"].items()
        if path == door.address and door.method.lower() in found
    )
    if "requestBody" not in operation:
        return {}
    reference = operation["requestBody"]["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
    properties: dict[str, Any] = schema["components"]["schemas"][reference]["properties"]
    return properties


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_a_body_that_is_no_object_is_refused(house: House, door: Door) -> None:
    address, wrong = address_of(door, house.acme), {}
    for body in [*NOT_JSON, *NO_OBJECT]:
        status = who(house, door).knock(door.method, address, body).status_code
        if status not in (400, 404):
            wrong[body[:40]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_a_hostile_value_in_any_field_breaks_nothing(house: House, door: Door) -> None:
    """Each field in turn, the others missing or, in a second round, as hostile."""
    address, wrong = address_of(door, house.acme), {}
    names = fields(door)
    for value in HOSTILE:
        bodies = [f"{{{json.dumps(name)}: {value}}}" for name in names]
        bodies.append("{" + ", ".join(f"{json.dumps(name)}: {value}" for name in names) + "}")
        for body in bodies:
            status = who(house, door).knock(door.method, address, body).status_code
            if status >= 500 or status in (401, 403):
                wrong[body[:60]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", READING, ids=ident)
def test_a_hostile_query_breaks_nothing(house: House, door: Door) -> None:
    address, wrong = address_of(door, house.acme), {}
    for query in QUERIES:
        status = who(house, door).knock("GET", address, query=query).status_code
        if status not in (200, 400, 404, 410):
            wrong[query[:60]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", [door for door in DOORS if "_id}" in door.address], ids=ident)
def test_a_hostile_path_finds_nothing(house: House, door: Door) -> None:
    wrong = {}
    for name in ("application_id", "client_id", "contract_id", "pause_id", "tenant_id", "secret_id"):
        for value in [*PATHS, HUGE] if f"{{{name}}}" in door.address else []:
            address = address_of(door, house.acme, **{name: value})
            status = who(house, door).knock(door.method, address).status_code
            if status not in (400, 401, 404) and not (status == 200 and door.address.endswith("availability")):
                wrong[address[-60:]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_only_json_is_read(house: House, door: Door) -> None:
    for content_type in ("text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"):
        reply = who(house, door).knock(door.method, address_of(door, house.acme), "a=1", content_type)
        assert reply.status_code in (404, 415), (content_type, reply.status_code)


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "Authorization", "Accept", "Accept-Language", "Host"])
def test_a_hostile_header_breaks_nothing(house: House, header: str) -> None:
    values = ["", "\x00", LONG, "é", '"r-' + "9" * 8 + '"', '"r-٣"', "Basic é", "Bearer", "Bearer a.b.c", "Basic Og=="]
    for door in DOORS[::5]:
        for value in values:
            visitor = Knocker({**house.administrator.headers, header: value}, house.administrator.cookies)
            status = visitor.knock(door.method, address_of(door, house.acme)).status_code
            assert status < 500, (door, header, value[:20])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_random_values_break_nothing(house: House, door: Door) -> None:
    known = fields(door)

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(known, values)))
    def knock(body: dict[str, Any]) -> None:
        reply = who(house, door).knock(door.method, address_of(door, house.acme), json.dumps(body))
        assert reply.status_code < 500

    knock()
