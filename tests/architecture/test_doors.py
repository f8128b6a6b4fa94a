"""Everybody in front of each door: who holds one role of the portal, or none, and who is not of here."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accesscontrol import authentication, gate
from accesscontrol.portal_roles import ROLE_KEYS
from iam_portal.launchers.doors import OWN_APPLICATION
from tenants import history
from tenants.http import pages
from tenants.models import Tenant
from tests.support import agreed
from tests.support.agreed import of_kind
from tests.support.coming_in import wrong_answers
from tests.support.knocking import House, Knocker, address_of, browser, person

OWN = agreed.agreed()["user"]
OF_THE_INSTALLATION = {"Organizations", "Keys", "Jobs"}
INSTALLATION = [door for door in agreed.TABLE if set() < agreed.resources_of(door) <= OF_THE_INSTALLATION]
STRANGER = Knocker()


@pytest.fixture(scope="module")
def operators(house: House) -> dict[str, Knocker]:
    """For each role somebody in the platform tenant who holds it there."""
    platform = Tenant.objects.get(is_platform=True)
    return {key: browser(platform, person(platform, key, key)[1]) for key in ROLE_KEYS}


@pytest.fixture(scope="module", autouse=True)
def remembered(house: House, operators: dict[str, Knocker]) -> Iterator[None]:
    """Whatever a knock does is taken back: what somebody holds is asked for once, by the real functions.

    Nor does time pass (tokens live for minutes), and what is written of a refusal is tried elsewhere.
    """
    held: dict[Any, Any] = {}
    at = timezone.now()
    permissions, standing = gate.permissions, authentication.decision.standing

    def permissions_once(**asked: Any) -> Any:
        actor = asked["actor"]
        key = (actor.kind, actor.id, actor.tenant_id, actor.only_roles, asked["tenant_id"])
        return held[key] if key in held else held.setdefault(key, permissions(**asked))

    def standing_once(claims: Any, **asked: Any) -> Any:
        key = (claims["jti"], asked["target_id"])
        return held[key] if key in held else held.setdefault(key, standing(claims, **asked))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: at)
        for place in (history, pages):
            patch.setattr(place, "record_refusal", lambda refusal: None)
        patch.setattr(gate, "permissions", permissions_once)
        patch.setattr(authentication.decision, "standing", standing_once)
        yield


# --- each role at each door ----------------------------------------------------------------------------


@pytest.mark.exhaustive(8)
@pytest.mark.parametrize("role", ROLE_KEYS)
def test_a_person_comes_as_far_as_the_role_goes(house: House, role: str) -> None:
    """One's own account needs no role."""
    held = agreed.agreed()[role] | OWN
    assert wrong_answers(house.people[role], agreed.TABLE, held, house) == {}


@pytest.mark.exhaustive(8)
@pytest.mark.parametrize("role", ROLE_KEYS)
def test_a_service_comes_as_far_as_the_role_goes(house: House, role: str) -> None:
    assert wrong_answers(house.services[role], agreed.REST, agreed.agreed()[role], house) == {}


def test_without_a_role_there_is_ones_own_account(house: House) -> None:
    assert wrong_answers(house.nobody, agreed.TABLE, OWN, house) == {}


@pytest.mark.exhaustive(8)
@pytest.mark.parametrize("role", ROLE_KEYS)
def test_only_from_the_platform_one_acts_on_the_installation(
    house: House, operators: dict[str, Knocker], role: str
) -> None:
    """The same role in any other organization finds nothing there, not even itself."""
    platform = Tenant.objects.get(is_platform=True)
    for door in INSTALLATION:
        let_in = role in agreed.opens_to(door.permission)
        known = {"organization_id": house.neighbour.id} if "{organization_id}" in door.address else {}
        sent = ("", "text/plain") if door.kind == "page" else ("{}", "application/json")
        reply = operators[role].knock(door.method, address_of(door, platform, **known), *sent)
        somewhere = (200, 204, 302, 400, 404, 409) if "{k" in door.address else (200, 204, 302, 400, 409)
        assert reply.status_code in (somewhere if let_in else (403,)), (door, reply.status_code)
        here = house.people[role].knock(door.method, address_of(door, house.acme, **known), *sent)
        assert here.status_code == (404 if let_in else 403), door
    assert len(INSTALLATION) >= 15


def test_a_service_comes_to_its_own_application_whatever_it_holds(house: House) -> None:
    for door in of_kind("rest"):
        if door.permission == OWN_APPLICATION:
            reply = house.services["user"].knock(door.method, address_of(door, house.acme))
            assert reply.status_code not in (401, 403) and reply.status_code < 500, door


# --- outsiders and strangers --------------------------------------------------------------------------


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
            # Of the application that the query names; of a link that came by mail.
            asked = door.address.endswith(("/access/download", "/email/prove"))
            nowhere = asked or door in INSTALLATION
            assert reply.status_code == (404 if nowhere else 200), (door, reply.status_code)
