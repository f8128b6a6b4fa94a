"""From a workbook to the document of the wire; where each part of it stood is kept for what is said of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accesscontrol.configuration.shape import VERSION
from accesscontrol.sheets import tables
from accesscontrol.sheets.cells import Grid, grids
from accesscontrol.sheets.refused import Objections, at, broken
from accesscontrol.sheets.tables import Read, Row
from iam_portal.gate import Privilege
from iam_portal.sentences import said

Document = dict[str, Any]
_PRIVILEGES = {privilege.value for privilege in Privilege}
_ADDRESS = ("applicationId", "resourceType", "resourceId")  # as the columns of Permissions
_RULE = {"Claim": "claim", "Value": "value", "Group": "group", "Template": "template"}
_BETWEEN = re.compile(r"[\s,;]+")
MOST_SIGNS = 200  # of a cell that lists privileges


class Uploaded(dict[str, Any]):
    """The document, and what the workbook says of itself. ``places``: pointer → cell."""

    tenant_id: str
    revisions: Mapping[str, str]
    places: Mapping[str, str]

    def place(self, pointer: str) -> str:
        """The cell of the longest part of a pointer that stands somewhere; empty without."""
        while pointer:
            if pointer in self.places:
                return self.places[pointer]
            pointer = pointer.rpartition("/")[0]
        return ""

    def placed(self, objection: Mapping[str, str]) -> dict[str, str]:
        """An objection with its cell instead of its pointer, which nobody sees in a workbook."""
        place = self.place(objection["pointer"])
        if not place:
            return dict(objection)
        return {**objection, "pointer": f"/{place}", "detail": at(place, objection["detail"])}


@dataclass(slots=True)
class _Reading:
    found: dict[str, Grid]
    objections: Objections = field(default_factory=Objections)
    places: dict[str, str] = field(default_factory=dict)


def read(raw: bytes) -> Uploaded:
    """The document; ``SheetInvalid`` with every objection."""
    objections = Objections()
    of = _Reading(grids(raw, objections), objections)
    about = _about(of)
    for name in of.found:
        if name not in {tables.ABOUT, *(table.name for table in tables.TABLES)}:
            objections.add(name, "unknown_sheet", "This sheet is not known. Delete it.")
    read_tables = {table.name: _table(of, table) for table in tables.TABLES}
    made = Uploaded(version=VERSION)
    roles, permissions, groups, members, mappings = read_tables.values()
    if groups is not None and members is not None:
        made["groups"] = _groups(of, groups, members)
    if roles is not None and permissions is not None:
        made["roles"] = _roles(of, roles, permissions)
    if mappings is not None:
        made["mappings"] = _mappings(of, mappings)
    objections.refuse()
    made.tenant_id = about.get(tables.ID, "")
    made.revisions = {
        name.removeprefix(tables.REVISION): text
        for name, text in about.items()
        if name.startswith(tables.REVISION)
    }
    made.places = of.places
    return made


def _about(of: _Reading) -> dict[str, str]:
    grid = of.found.get(tables.ABOUT)
    facts = {row.get(1, ""): row.get(2, "") for row in grid.rows.values()} if grid is not None else {}
    if facts.get(tables.KIND) != tables.FORMAT:
        text = said(
            "The sheet %(sheet)s is missing or changed. Begin with a fresh download.", {"sheet": tables.ABOUT}
        )
        raise broken(text)
    return facts


def _table(of: _Reading, table: tables.Table) -> Read | None:
    """Those of a section come together, or none of them."""
    grid = of.found.get(table.name)
    others = [one.name for one in tables.TABLES if one.section == table.section and one.name in of.found]
    if grid is None:
        if others:
            parts = {"others": ", ".join(others)}
            text = said("This sheet is missing. Only together with %(others)s it can be left out.", parts)
            of.objections.add(table.name, "no_sheet", text)
        return None
    return tables.read(table, grid, of.objections)


def _groups(of: _Reading, groups: Read, members: Read) -> list[Document]:
    made: list[Document] = []
    by_name: dict[str, tuple[int, Document]] = {}
    for index, row in enumerate(groups.rows):
        name = _needed(of, row, "Name")
        item: Document = {"name": name, "members": [], "memberships": []}
        item |= _given(row, {"Parent": "parent", "Description": "description"})
        _place(
            of, f"/groups/{index}", row, {"Name": "name", "Parent": "parent", "Description": "description"}
        )
        by_name.setdefault(name.lower(), (index, item))
        made.append(item)
    for row in members.rows:
        name, user = _needed(of, row, "Group"), _needed(of, row, "User")
        if name.lower() not in by_name:
            parts = {"name": name[:120], "sheet": tables.GROUPS.name}
            text = said("There is no group %(name)s in the sheet %(sheet)s.", parts)
            of.objections.add(row.place("Group"), "unknown_group", text)
            continue
        index, item = by_name[name.lower()]
        span = _given(row, {"From": "from", "Until": "until"})
        kind = "memberships" if span else "members"
        pointer = f"/groups/{index}/{kind}/{len(item[kind])}"
        of.places.setdefault(f"/groups/{index}/{kind}", row.place("Group"))  # of what is said of them all
        _place(of, pointer, row, {"User": "user", "From": "from", "Until": "until"})
        item[kind].append({"user": user, **span} if span else user)
    return made


def _roles(of: _Reading, roles: Read, permissions: Read) -> list[Document]:
    made: list[Document] = []
    by_key: dict[str, tuple[int, Document]] = {}
    for index, row in enumerate(roles.rows):
        key = _needed(of, row, "Key")
        item: Document = {"key": key, "name": _needed(of, row, "Name"), "permissions": []}
        item |= _given(row, {"Description": "description"})
        _place(of, f"/roles/{index}", row, {"Key": "key", "Name": "name", "Description": "description"})
        by_key.setdefault(key, (index, item))
        made.append(item)
    for key in permissions.more:
        if key not in by_key:
            parts = {"key": key[:64], "sheet": tables.ROLES.name}
            text = said("There is no role with the key %(key)s in the sheet %(sheet)s.", parts)
            of.objections.add(permissions.heading(key), "unknown_role", text)
    columns, seen = by_key.keys() & set(permissions.more), set[tuple[str, ...]]()
    for row in permissions.rows:
        address = tuple(_needed(of, row, heading) for heading in tables.PERMISSIONS.columns)
        if address in seen:
            twice = "This resource stands in another row already."
            of.objections.add(row.place("Resource"), "named_twice", twice)
        seen.add(address)
        for key in columns.intersection(row.cells):  # an empty cell of thousands costs nothing
            index, role = by_key[key]
            if privileges := _privileges(of, row, key):
                of.places[f"/roles/{index}/permissions/{len(role['permissions'])}"] = row.place(key)
                named = dict(zip(_ADDRESS, address, strict=True))
                role["permissions"].append({**named, "privileges": privileges})
    return made


def _mappings(of: _Reading, mappings: Read) -> list[Document]:
    made: list[Document] = []
    for index, row in enumerate(mappings.rows):
        item: Document = {"provider": _needed(of, row, "Provider"), "kind": _needed(of, row, "Sets").lower()}
        item |= {name: text.lower() for name, text in _given(row, {"When": "when"}).items()}
        item |= _given(row, _RULE)
        _place(
            of, f"/mappings/{index}", row, {"Provider": "provider", "Sets": "kind", "When": "when", **_RULE}
        )
        made.append(item)
    return made


def _privileges(of: _Reading, row: Row, key: str) -> list[str]:
    """What one cell allows: words, with commas or without."""
    if len(row.text(key)) > MOST_SIGNS:
        text = said("This has more than %(most)d signs.", {"most": MOST_SIGNS})
        of.objections.add(row.place(key), "too_long", text)
        return []
    privileges = [text for text in _BETWEEN.split(row.text(key).lower()) if text]
    unknown = sorted(set(privileges) - _PRIVILEGES)
    if unknown:
        parts = {"known": ", ".join(one.value for one in Privilege), "wrong": unknown[0][:40]}
        text = said("A role can hold %(known)s, but not %(wrong)s.", parts)
        of.objections.add(row.place(key), "unknown_privilege", text)
    return [one for one in dict.fromkeys(privileges) if one in _PRIVILEGES]


def _needed(of: _Reading, row: Row, heading: str) -> str:
    text = row.text(heading)
    if not text:
        of.objections.add(row.place(heading), "empty", said("%(name)s is needed here.", {"name": heading}))
    return text


def _given(row: Row, names: Mapping[str, str]) -> dict[str, str]:
    return {name: row.text(heading) for heading, name in names.items() if row.text(heading)}


def _place(of: _Reading, pointer: str, row: Row, names: Mapping[str, str]) -> None:
    of.places[pointer] = row.place(next(iter(names)))
    of.places |= {f"{pointer}/{name}": row.place(heading) for heading, name in names.items()}
