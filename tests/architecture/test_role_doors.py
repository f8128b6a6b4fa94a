"""Each of the portal's roles at each door: exactly those open that were agreed (``tests.support.agreed``)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse

from accesscontrol import authentication, gate
from accesscontrol.portal_roles import ALL, ROLE_KEYS, permissions_of
from iam_portal.launchers import doors, role_doors
from iam_portal.launchers.doors import OWN_APPLICATION, Door
from iam_portal.launchers.portal import ROOT
from tenants.models import Tenant
from tests.support import agreed
from tests.support.knocking import House, Knocker, address_of, browser, person, service

OWN = agreed.agreed()["user"]
REST = [door for door in doors.doors() if door.kind == "rest" and door.permission != OWN_APPLICATION]
PAGES = [door for door in doors.doors() if door.kind == "page"]
SENT = {door.address for door in PAGES if door.method == "POST"}
INSTALLATION = [door for door in REST if agreed.resources_of(door) == {"Organizations"}]


@pytest.fixture(scope="module", autouse=True)
def remembered(house: House) -> Iterator[None]:
    """Whatever a knock does is taken back: what somebody holds is asked for once, by the real functions."""
    held: dict[Any, Any] = {}
    permissions, standing = gate.permissions, authentication.decision.standing

    def permissions_once(**asked: Any) -> Any:
        key = (asked["actor"].id, asked["actor"].only_roles, asked["tenant_id"])
        return held[key] if key in held else held.setdefault(key, permissions(**asked))

    def standing_once(claims: Any, **asked: Any) -> Any:
        key = (claims["jti"], asked["target_id"])
        return held[key] if key in held else held.setdefault(key, standing(claims, **asked))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "permissions", permissions_once)
        patch.setattr(authentication.decision, "standing", standing_once)
        yield


# --- the tables ---------------------------------------------------------------------------------------


def test_the_roles_hold_what_was_agreed() -> None:
    found = {key: {f"{resource}:{one}" for _, resource, one in permissions_of(key)} for key in ROLE_KEYS}
    assert found == agreed.agreed()
    assert len(found) == 16 and len(ALL) == 5


def test_the_written_table_is_current() -> None:
    assert (ROOT / "docs" / "roles.md").read_text() == role_doors.document(), "run 'make doors'"


def test_the_written_table_says_what_was_agreed() -> None:
    """Read back as a person reads it: row by row, under its heading."""
    written, prefix, heads = {}, "", []
    names = {text: prefix for prefix, text in role_doors.SECTIONS.items()}
    short = {role_doors.short(role): role for role in ROLE_KEYS}
    for line in (ROOT / "docs" / "roles.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            prefix = names[line[3:]]
        elif line.startswith("| door |"):
            heads = [short[cell] for cell in cells[1:]]
        elif prefix and line.startswith("| `"):
            *methods, rest = cells[0].strip("`").split(" ")
            open_to = {role for role, cell in zip(heads, cells[1:], strict=True) if cell}
            written |= {(method, prefix + rest.removeprefix("/")): open_to for method in methods}
    assert written == {
        (door.method, door.address): agreed.opens_to(door.permission) for door in (*REST, *PAGES)
    }


def test_a_door_asks_for_what_it_is_about() -> None:
    """A new area is written into ``tests.support.agreed`` by whoever makes its first door."""
    astray = {
        f"{door.method} {door.address}": door.permission
        for door in (*REST, *PAGES)
        if not {part.resource for part in agreed.parts(door)} <= agreed.resources_of(door)
    }
    assert astray == {}


def test_who_only_reads_changes_nothing() -> None:
    idle = {
        f"{door.method} {door.address}": door.permission
        for door in (*REST, *PAGES)
        if not agreed.only_asks(door) and agreed.needed(door).endswith(":read")
    }
    assert idle == {}


# --- everybody at every door --------------------------------------------------------------------------


def ways(door: Door, house: House) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what is needed, the ids that are of something): a door of contracts with a contract of each type."""
    if "{contract_id}" in door.address:
        for part in agreed.parts(door):
            yield str(part), {"contract_id": house.contracts[part.resource]}
    elif "{group_id}" in door.address and door.kind == "page":
        yield agreed.needed(door), {"group_id": house.group}
    else:
        yield agreed.needed(door), {}


def wrong_answers(visitor: Knocker, found: list[Door], held: frozenset[str], house: House) -> dict[str, Any]:
    """The doors that open to somebody who holds this, although they should not; and the other way round."""
    wrong = {}
    for door in found:
        sent = ("", "text/plain") if door.kind == "page" else ("{}", "application/json")
        of_some_type = not held.isdisjoint(agreed.needed(door).split("|"))
        for needed, known in ways(door, house):
            let_in = not held.isdisjoint(needed.split("|"))
            if not let_in and door.method == "GET" and door.address in SENT:
                continue  # the frame of all pages asks before it looks at the method: the form is tried
            reply = visitor.knock(door.method, address_of(door, house.acme, **known), *sent)
            hidden = door.kind == "rest" and of_some_type and not let_in
            if not _fits(reply, door, let_in=let_in, hidden=hidden):
                wrong[f"{door.method} {door.address} ({needed})"] = reply.status_code
    return wrong


def _fits(reply: HttpResponse, door: Door, *, let_in: bool, hidden: bool) -> bool:
    """Behind the door anything but a fault may happen: the ids are of nothing and the bodies are empty.

    ``hidden``: a contract of the other type, which is not found.
    """
    if hidden:
        return reply.status_code == 404
    if let_in:
        signed_in = "/sign-in" not in reply.get("Location", "")
        return reply.status_code in (200, 201, 204, 302, 400, 404, 409, 412, 428) and signed_in
    if door.kind == "page":
        return reply.status_code == 403 and b"This needs " in reply.content
    told = reply.json()
    said = {reason["code"] for reason in told.get("reasons", ())}
    return reply.status_code == 403 and (told["code"], said) == ("forbidden", {"permission_not_held"})


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_a_person_comes_as_far_as_the_role_goes(house: House, role: str) -> None:
    """One's own account needs no role."""
    held = agreed.agreed()[role] | OWN
    assert wrong_answers(house.people[role], [*REST, *PAGES], held, house) == {}


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_a_service_comes_as_far_as_the_role_goes(house: House, role: str) -> None:
    assert wrong_answers(house.services[role], REST, agreed.agreed()[role], house) == {}


def test_without_a_role_there_is_ones_own_account(house: House) -> None:
    assert wrong_answers(house.nobody, [*REST, *PAGES], OWN, house) == {}


@pytest.mark.parametrize("role", ROLE_KEYS)
def test_only_from_the_platform_one_acts_on_the_installation(house: House, role: str) -> None:
    """The same role in any other organization finds nothing there, not even itself."""
    platform = Tenant.objects.get(is_platform=True)
    there = browser(platform, person(platform, role, role)[1])
    for door in INSTALLATION:
        let_in = role in agreed.opens_to(door.permission)
        known = {"organization_id": house.neighbour.id} if "{organization_id}" in door.address else {}
        reply = there.knock(door.method, address_of(door, platform, **known))
        assert reply.status_code in ((200, 400, 409) if let_in else (403,)), door
        here = house.people[role].knock(door.method, address_of(door, house.acme, **known))
        assert here.status_code == (404 if let_in else 403), door
    assert len(INSTALLATION) >= 4


def test_a_service_without_a_role_gets_no_token(house: House) -> None:
    """So there is no token at all with which it could knock."""
    with pytest.raises(AssertionError, match="no_role_held"):
        service(house.acme, "idle")
