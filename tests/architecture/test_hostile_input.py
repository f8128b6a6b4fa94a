"""Whatever is sent to a REST door, it answers with what is wrong, and never breaks."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam_portal.launchers import doors
from iam_portal.launchers.doors import OWN_APPLICATION, Door
from tests.support import described
from tests.support.knocking import NOBODY, House, Knocker, address_of

pytestmark = pytest.mark.exhaustive(8)

DOORS = [door for door in doors.doors() if door.kind == "rest"]
WRITING = [door for door in DOORS if door.method in ("POST", "PUT", "PATCH")]
READING = [door for door in DOORS if door.method == "GET"]
JSON = "application/json"
LONG = "x" * 100_000
HUGE = "9" * 400
LATE = "9999-12-31T23:59:59-23:59"  # later than any moment, once it is in UTC
NOT_JSON = [
    b"{",
    b"{'a': 1}",
    b"nonsense",
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b"[" * 5000,
    b'{"a": "\x00"}',
    b'{"\\ud800": 1}',
    b'{"\\u0000": 1}',
    b'{"nobody knows this": 1}',
    *(b"null", b"true", b"0", b'"text"', b"[]", b"[1]", b"[{}]", HUGE.encode()),
]
# As JSON: NUL, half a character, numbers that no column holds, other types, too long, moments at the edge.
HOSTILE = [
    *('"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\u202e\\ufeff"', '""', '" "', f'"{LONG}"', '"../../etc"'),
    *(HUGE, f"-{HUGE}", "1e400", "1e308", "0.1", "null", "true", "[]", "{}", "[null]", "[[]]", "[{}]"),
    *('["\\u0000"]', '{"a": 1}', '"0000-00-00T00:00:00Z"', f'"{LATE}"', '"0001-01-01T00:00:00+23:59"'),
]
CURSORS = ["W10", "WyIiXQ", "WyJcdTAwMDAiXQ", "W1tdXQ", "WyJhIiwiYiJd", "WyJcdWQ4MDAiXQ"]  # of wrong content
VALUES = ["", "%00", "-1", "0", HUGE, "%FF", "%F0%9F%92%A9", "x" * 3000, LATE, "%D9%A1", *CURSORS]
PATHS = ["%00", "..", "%2e%2e", "x" * 300, HUGE, "%F0%9F%92%A9", "%ED%A0%80", "A B", "'--", "acme.robot%0a"]
HEADERS = ["If-Match", "If-None-Match", "Authorization", "Accept", "Accept-Language"]
CREDENTIALS = ["Basic é", "Basic Og==", "Basic", "Bearer", "Bearer é", "Bearer a.b.c"]
IDS = (
    *("application_id", "client_id", "contract_id", "pause_id", "tenant_id", "secret_id", "partnership_id"),
    *("webhook_id", "delivery_id", "key_id", "certificate_id", "issuer_id", "resource_type", "resource_id"),
)


def ident(door: Door) -> str:
    return f"{door.method}-{door.address.removeprefix('/iam/')}"


def who(house: House, door: Door) -> Knocker:
    return house.services["module-manager"] if door.permission == OWN_APPLICATION else house.administrator


def components() -> tuple[dict[str, Any], dict[str, Any]]:
    """The paths and the schemas of the API's description."""
    written = described.document()
    return written["paths"], written["components"]["schemas"]


def asked_by(door: Door) -> list[str]:
    """The parameters of the query string, as they are described."""
    taken = components()[0][door.address][door.method.lower()].get("parameters", ())
    return [each["name"] for each in taken if each["in"] == "query"]


def body_of(door: Door) -> dict[str, Any]:
    """A body of the described shape, about nothing that there is."""
    request = components()[0][door.address][door.method.lower()].get("requestBody")
    made: dict[str, Any] = sample(request["content"][JSON]["schema"]) if request else {}
    return made


def sample(schema: dict[str, Any]) -> Any:
    """A value that fits the schema."""
    if "$ref" in schema:
        return sample(components()[1][schema["$ref"].rpartition("/")[2]])
    for choice in ("oneOf", "allOf", "anyOf"):
        if choice in schema:
            return sample(schema[choice][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema["items"])]
    texts = {"uuid": str(NOBODY), "date-time": "2099-01-01T00:00:00Z", "uri": "https://example.org/"}
    return {"boolean": True, "integer": 1, "number": 1}.get(
        kind, texts.get(schema.get("format", ""), "thing")
    )


def refused(house: House, door: Door, bodies: Iterable[str | bytes], *fine: int) -> dict[Any, int]:
    """Bodies that are answered otherwise."""
    own = dict.fromkeys(("application_id", "client_id"), "acme.module-manager")  # one that is there
    own["resource_type"] = "urn:thing"
    address, visitor, wrong = address_of(door, house.acme, **own), who(house, door), {}
    for body in bodies:
        status = visitor.knock(door.method, address, body).status_code
        if status not in fine:
            wrong[body[:90]] = status
    return wrong


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_what_is_no_object_of_known_fields_is_refused(house: House, door: Door) -> None:
    """Every second door gets the other half."""
    assert refused(house, door, NOT_JSON[WRITING.index(door) % 2 :: 2], 400, 404) == {}


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_a_hostile_value_in_a_field_breaks_nothing(house: House, door: Door) -> None:
    """Everything else as described, so that the value comes as far as it can; a fifth of all pairs."""
    whole = body_of(door)
    bodies = [
        json.dumps({**whole, name: "HERE"}).replace('"HERE"', value)
        for place, name in enumerate(whole)
        for number, value in enumerate(HOSTILE)
        if (place + number) % 5 == 0
    ]
    assert refused(house, door, bodies, 200, 201, 400, 404, 409) == {}


@pytest.mark.parametrize("door", READING, ids=ident)
def test_a_hostile_query_breaks_nothing(house: House, door: Door) -> None:
    """Each parameter that the door takes, with half of the values; and all that it does not take, at once."""
    address, wrong = address_of(door, house.acme), {}
    taken = asked_by(door)
    others = [name for name in ("limit", "cursor", "at", "search", "nonsense") if name not in taken]
    queries = ["&".join(f"{name}={HUGE}" for name in others)]
    for place, name in enumerate(taken):
        queries += [f"{name}={value}" for value in VALUES[(place + READING.index(door)) % 2 :: 2]]
    for query in queries:
        status = who(house, door).knock("GET", address, query=query).status_code
        if status not in (200, 400, 404, 406, 410):
            wrong[query[:60]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", DOORS, ids=ident)
def test_a_hostile_path_finds_nothing(house: House, door: Door) -> None:
    wrong = {}
    for name in [name for name in IDS if f"{{{name}}}" in door.address]:
        for value in PATHS:
            address = address_of(door, house.acme, **{name: value})
            status = who(house, door).knock(door.method, address).status_code
            if status not in (400, 404):
                wrong[address[-60:]] = status
    assert wrong == {}


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_only_json_is_read(house: House, door: Door) -> None:
    address = address_of(door, house.acme)
    for kind in ("text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"):
        reply = who(house, door).knock(door.method, address, "a=1", kind)
        assert reply.status_code in (404, 415), (kind, reply.status_code)


@pytest.mark.parametrize(
    "header", ["If-Match", "If-None-Match", "Authorization", "Accept", "Accept-Language"]
)
def test_a_hostile_header_breaks_nothing(house: House, header: str) -> None:
    values = [
        "",
        "\x00",
        LONG,
        "é",
        f'"r-{"9" * 8}"',
        '"r-٣"',
        "Basic é",
        "Bearer",
        "Bearer a.b.c",
        "Basic Og==",
    ]
    for door in DOORS[::5]:
        for value in values:
            visitor = Knocker({**house.administrator.headers, header: value}, house.administrator.cookies)
            status = visitor.knock(door.method, address_of(door, house.acme)).status_code
            assert status < 500, (door, header, value[:20])


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("door", WRITING, ids=ident)
def test_random_values_break_nothing(house: House, door: Door) -> None:
    whole = body_of(door)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(whole, VALUE)))
    def knock(changed: dict[str, Any]) -> None:
        body = json.dumps({**whole, **changed})
        assert refused(house, door, [body], 200, 201, 400, 404, 409) == {}

    knock()
