"""The table of doors, and everybody in front of each of them."""

import json
from uuid import uuid4

import pytest

from accesscontrol.portal_roles import RESOURCES
from iam_portal.gate import Permission
from iam_portal.launchers import doors
from iam_portal.launchers.doors import OPEN, OWN_APPLICATION, Door, opened_by
from iam_portal.launchers.portal import ROOT
from tests.support.knocking import House, Knocker, address_of, browser

STRANGER = Knocker()


def of_kind(kind: str) -> list[Door]:
    found = [door for door in doors.doors() if door.kind == kind]
    assert found
    return found


# --- what is declared ---------------------------------------------------------------------------------


def test_the_written_table_is_current() -> None:
    assert (ROOT / "docs" / "doors.md").read_text() == doors.document(), "run 'make doors'"


def test_every_door_asks_or_says_why_not() -> None:
    silent = [door.name for door in doors.doors() if not door.permission and door.name not in OPEN]
    assert silent == []


def test_nothing_that_asks_is_called_open() -> None:
    known = {door.name for door in doors.doors() if not door.permission}
    assert set(OPEN) == known


def test_every_permission_is_one_of_the_portal_that_somebody_holds() -> None:
    wanted = {door.permission for door in doors.doors()} - {"", OWN_APPLICATION}
    parts = [part for permission in wanted for part in Permission.alternatives(permission)]
    assert {part.resource for part in parts} <= set(RESOURCES)
    assert [str(part) for part in parts if not opened_by(str(part))] == []


def test_nothing_is_declared_for_a_method_that_is_not_served() -> None:
    idle = {
        f"{door.name}: {method}"
        for door in of_kind("rest")
        for method in getattr(door.view, "permissions", {})
        if not hasattr(door.view, method.lower())
    }
    assert idle == set()


def test_a_tenants_door_names_the_tenant() -> None:
    """Its own; a door of one's own application names at most one that it serves."""
    astray = [
        door.address
        for door in of_kind("rest")
        if ("/application/" in door.address if "{tenant_id}" in door.address else True)
        != (door.permission == OWN_APPLICATION)
    ]
    assert astray == []
    assert [door.address for door in of_kind("page") if not door.address.startswith("/t/{slug}/")] == []


# --- REST: outsiders and strangers; every role stands in test_role_doors --------------------------------


def test_a_person_is_no_application(house: House) -> None:
    own = [door for door in of_kind("rest") if door.permission == OWN_APPLICATION]
    found = [house.administrator.knock(door.method, address_of(door, house.acme)) for door in own]
    assert {reply.status_code for reply in found} == {401}


def test_a_service_of_another_tenant_finds_nothing(house: House) -> None:
    """A tenant that is there and one that is not answer alike."""
    for door in of_kind("rest"):
        if door.permission != OWN_APPLICATION:
            there = house.outsider.knock(door.method, address_of(door, house.acme))
            nowhere = house.outsider.knock(door.method, address_of(door, house.acme, tenant_id=uuid4()))
            assert there.status_code == nowhere.status_code == 404, door
            assert {**there.json(), "instance": ""} == {**nowhere.json(), "instance": ""}, door


def test_a_session_of_another_tenant_is_none_here(house: House) -> None:
    for name in (house.neighbour, house.acme):  # under its own name, and under a forged one
        visitor = browser(name, house.outsiders_session)
        for door in of_kind("rest"):
            reply = visitor.knock(door.method, address_of(door, house.acme))
            assert reply.status_code == 401, door


def test_a_stranger_is_asked_who_he_is(house: House) -> None:
    for door in of_kind("rest"):
        for tenant_id in (house.acme.id, uuid4()):
            reply = STRANGER.knock(door.method, address_of(door, house.acme, tenant_id=tenant_id))
            assert reply.status_code == 401, door
            assert reply["WWW-Authenticate"].startswith(("Bearer ", "Basic ")), door
            assert reply["Content-Type"] == "application/problem+json", door


def test_a_foreign_page_cannot_use_the_session(house: House) -> None:
    visitor = Knocker(cookies=house.administrator.cookies, csrf=True)
    for door in of_kind("rest"):
        if door.method != "GET" and door.permission != OWN_APPLICATION:
            reply = visitor.knock(door.method, address_of(door, house.acme))
            assert (reply.status_code, json.loads(reply.content)["code"]) == (403, "permission_denied"), door


# --- pages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_not_signed_in_is_sent_to_sign_in(house: House, method: str) -> None:
    forged = browser(house.acme, house.outsiders_session)
    for number, door in enumerate(door for door in of_kind("page") if door.method == method):
        unknown = [(STRANGER, "nowhere")] if number % 10 == 0 else []
        for visitor, slug in [(STRANGER, house.acme.slug), (forged, house.acme.slug), *unknown]:
            reply = visitor.knock(method, address_of(door, house.acme, slug=slug), "", "text/plain")
            assert reply.status_code == 302, door
            assert reply["Location"].partition("?")[0] == f"/t/{slug}/sign-in", door


def test_an_administrator_sees_every_page_that_needs_no_row(house: House) -> None:
    for door in of_kind("page"):
        if door.method == "GET" and door.address.count("{") == 1:
            reply = house.administrator.knock("GET", address_of(door, house.acme))
            assert reply.status_code == 200, (door, reply.status_code)
