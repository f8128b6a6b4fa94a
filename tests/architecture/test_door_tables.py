"""The tables of doors and of roles: what is declared, and what was agreed (``tests.support.agreed``)."""

from rest_framework.views import APIView

from accesscontrol.portal_roles import ALL, RESOURCES, ROLE_KEYS, permissions_of
from iam_portal.gate import Permission
from iam_portal.launchers import doors, role_doors
from iam_portal.launchers.doors import OPEN, OWN_APPLICATION, opened_by
from iam_portal.launchers.portal import ROOT
from iam_portal.replying import Replying
from tests.support import agreed
from tests.support.agreed import of_kind

# --- what is declared ---------------------------------------------------------------------------------


def test_the_written_table_of_doors_is_current() -> None:
    assert (ROOT / "docs" / "doors.md").read_text() == doors.document(), "run 'make doors'"


def test_every_door_asks_or_says_why_not() -> None:
    silent = [door.name for door in doors.doors() if not door.permission and door.name not in OPEN]
    assert silent == []


def test_every_reply_by_rest_is_let_go_of() -> None:
    """Or the framework keeps what it was made of until garbage is looked for."""
    views = {door.view for door in doors.doors() if isinstance(door.view, type)}
    found = [view for view in views if issubclass(view, APIView) and not issubclass(view, Replying)]
    assert sorted(f"{view.__module__}.{view.__qualname__}" for view in found) == []


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


# --- the roles  ---------------------------------------------------------------------------------------


def test_the_roles_hold_what_was_agreed() -> None:
    found = {key: {f"{resource}:{one}" for _, resource, one in permissions_of(key)} for key in ROLE_KEYS}
    assert found == agreed.agreed()
    assert len(found) == 16 and len(ALL) == 5


def test_the_written_table_of_roles_is_current() -> None:
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
    assert written == {(door.method, door.address): agreed.opens_to(door.permission) for door in agreed.TABLE}


def test_a_door_asks_for_what_it_is_about() -> None:
    """A new area is written into ``tests.support.agreed`` by whoever makes its first door."""
    astray = {
        f"{door.method} {door.address}": door.permission
        for door in agreed.TABLE
        if not {part.resource for part in agreed.parts(door)} <= agreed.resources_of(door)
    }
    assert astray == {}


def test_who_only_reads_changes_nothing() -> None:
    idle = {
        f"{door.method} {door.address}": door.permission
        for door in agreed.TABLE
        if not agreed.only_asks(door) and agreed.needed(door).endswith(":read")
    }
    assert idle == {}
