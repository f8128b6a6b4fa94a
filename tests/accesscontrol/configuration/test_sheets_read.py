"""Workbooks that somebody made to do harm, or by mistake: each is refused in words, with its cell."""

import io
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accesscontrol.configuration.parsing import parse
from accesscontrol.configuration.shape import Configuration, Group, Member, Names, ProviderMapping, Role
from accesscontrol.serializers.configuration import ConfigurationDocument
from accesscontrol.sheets import cells, packed
from accesscontrol.sheets.reading import read
from accesscontrol.sheets.refused import SheetInvalid, address
from accesscontrol.sheets.writing import About, Resource, write
from tests.support.workbooks import Edit, edited, repacked, texts

AT = datetime(2027, 3, 1, tzinfo=UTC)
TOURS = ("acme.planner", "urn:acme:tour", "tours")
ABOUT = About(name="Acme", tenant_id="1", revisions={"roles": "s-1", "groups": "s-2"}, at=AT)
NIGHT = Role(key="night", name="Night", permissions=frozenset({(*TOURS, "read")}))
PLANT = Group(name="Plant", description="Here", members=frozenset({Member(user="kim")}))
INTO = ProviderMapping(
    provider="corp", kind="group", when="every", claim="groups", value="g-1", group="Plant"
)
STANDING = Configuration(groups=(PLANT,), roles=(NIGHT,), mappings=(INTO,))
OFFERED = [Resource(address=TOURS, name="Tours", privileges=frozenset({"read", "modify"}))]
RAW = write(STANDING, OFFERED, ABOUT)


def refusals(raw: bytes) -> dict[str, str]:
    """Where what is refused; of the whole file at nowhere."""
    with pytest.raises(SheetInvalid) as refused:
        read(raw)
    return {one["pointer"]: one["code"] for one in refused.value.errors} or {"": refused.value.detail}


def understood(raw: bytes) -> Configuration:
    """As the doors do it."""
    shape = ConfigurationDocument(data=read(raw))
    shape.is_valid(raise_exception=True)
    return parse(dict(shape.validated_data), Names("acme"))


# --- there and back ---------------------------------------------------------------------------------------

_NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
).map(str.strip)
_ANY = _NAMES | st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "_x0041_", "a_x005F_x", "007", "1e3", "TRUE"]
)
_WORDS = _ANY.filter(bool)
_LINES = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=40).map(str.strip)
_MOMENTS = st.none() | st.datetimes(min_value=datetime(2028, 1, 1), max_value=datetime(2090, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
_MEMBERS = st.builds(Member, user=_WORDS, starts_at=_MOMENTS, ends_at=_MOMENTS)
_GROUPS = st.lists(
    st.builds(Group, name=_WORDS, description=_LINES, members=st.frozensets(_MEMBERS, max_size=3)),
    max_size=4,
    unique_by=lambda one: one.name.lower(),
)
_PERMISSIONS = st.frozensets(
    st.tuples(st.sampled_from(["~.planner", "beta.fleet"]), _WORDS, _WORDS, st.sampled_from(["read", "add"])),
    max_size=4,
)
_ROLES = st.lists(
    st.builds(
        Role,
        key=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
        name=_WORDS,
        description=_LINES,
        permissions=_PERMISSIONS,
    ),
    max_size=4,
    unique_by=lambda one: one.key,
)


_RULES = st.builds(
    ProviderMapping,
    provider=st.sampled_from(["corp", "other"]),
    kind=st.just("group"),
    when=st.sampled_from(["first", "every"]),
    claim=_WORDS,
    value=_WORDS,
    group=_WORDS.map(str.lower).filter(bool),
)
_NAMING = st.builds(
    ProviderMapping,
    provider=_WORDS,
    kind=st.sampled_from(["username", "email", "display_name"]),
    when=st.sampled_from(["first", "every"]),
    template=_WORDS,
)


@settings(max_examples=30, deadline=None)
@given(st.frozensets(_RULES | _NAMING, max_size=4))
def test_mappings_that_are_written_are_read_again(mappings: frozenset[ProviderMapping]) -> None:
    found = understood(write(Configuration(mappings=tuple(mappings)), [], ABOUT))
    assert found.groups is None
    assert set(found.mappings or ()) == mappings


def _once_each(groups: list[Group]) -> bool:
    """The document refuses two memberships of one name and span."""
    return all(
        len({(one.user.lower(), one.starts_at, one.ends_at) for one in group.members}) == len(group.members)
        for group in groups
    )


@settings(max_examples=30, deadline=None)
@given(_GROUPS.filter(_once_each), _ROLES)
def test_what_is_written_is_read_again(groups: list[Group], roles: list[Role]) -> None:
    full = {
        role: frozenset((Names("acme").full(app), *rest) for app, *rest in role.permissions) for role in roles
    }
    made = tuple(
        Role(key=role.key, name=role.name, description=role.description, permissions=held)
        for role, held in full.items()
    )
    found = understood(write(Configuration(groups=tuple(groups), roles=made), OFFERED, ABOUT))
    assert (set(found.groups or ()), set(found.roles or ())) == (set(groups), set(made))


def test_another_program_may_save_it_in_between() -> None:
    assert understood(edited(RAW, lambda book: None)) == STANDING
    assert read(RAW).revisions == ABOUT.revisions


def test_columns_may_stand_in_another_order() -> None:
    def turned(book: Any) -> None:
        book["Members"].move_range("A1:A9", cols=6)

    assert understood(edited(RAW, turned)) == STANDING


def test_a_name_like_a_formula_is_text_to_every_program() -> None:
    names = ["=cmd|'/c calc'!A0", "+1", "-1", "@x"]
    raw = write(Configuration(groups=tuple(Group(name=name) for name in names)), [], ABOUT)
    sheet = load_workbook(io.BytesIO(raw))["Groups"]
    found = [sheet.cell(row, 1) for row in range(2, 6)]
    assert {(cell.data_type, cell.number_format, cell.quotePrefix) for cell in found} == {("s", "@", True)}
    assert sorted(str(cell.value) for cell in found) == sorted(names)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert not [name for name in archive.namelist() if b"<f>" in archive.read(name)]


def test_what_may_be_allowed_stands_beside_what_is() -> None:
    head, row = texts(RAW, "Permissions")
    assert head[3:] == ["Resource name", "Can be allowed", "night"]
    assert row == [*TOURS, "Tours", "read, modify", "read"]


# --- mistakes ---------------------------------------------------------------------------------------------


def setting(sheet: str, cell: str, value: object) -> Edit:
    return lambda book: book[sheet].__setitem__(cell, value)


def hidden(book: Any) -> None:
    book["Groups"].sheet_state = "hidden"


def typed(book: Any) -> None:
    book["Members"]["C2"] = AT.replace(tzinfo=None)


MISTAKES: dict[str, tuple[Edit, str, str]] = {
    "formula": (setting("Groups", "A2", "=A1"), "/Groups!A2", "formula"),
    "number": (setting("Groups", "A2", 7), "/Groups!A2", "no_text"),
    "switch": (setting("Roles", "B2", True), "/Roles!B2", "no_text"),
    "date": (typed, "/Members!C2", "no_text"),
    "merged": (lambda book: book["Groups"].merge_cells("A5:B6"), "/Groups!A5:B6", "merged_cells"),
    "hidden": (hidden, "/Groups", "hidden_sheet"),
    "heading twice": (setting("Groups", "D1", "Name"), "/Groups!D1", "heading_twice"),
    "unknown heading": (setting("Groups", "D1", "Boss"), "/Groups!D1", "unknown_heading"),
    "no heading": (setting("Groups", "A1", None), "/Groups!A1", "no_heading"),
    "beside": (setting("Groups", "E2", "note"), "/Groups!E2", "no_heading"),
    "unknown sheet": (lambda book: book.create_sheet("Notes"), "/Notes", "unknown_sheet"),
    "a formula that maps": (setting("Mappings", "E2", "=A1"), "/Mappings!E2", "formula"),
    "a number that maps": (setting("Mappings", "E2", 17), "/Mappings!E2", "no_text"),
    "mapped by nobody": (setting("Mappings", "A2", None), "/Mappings!A2", "empty"),
    "mapped to nothing": (setting("Mappings", "B2", None), "/Mappings!B2", "empty"),
    "mapped beside": (setting("Mappings", "H1", "Roles"), "/Mappings!H1", "unknown_heading"),
    "half a section": (lambda book: book.remove(book["Roles"]), "/Roles", "no_sheet"),
    "unknown role": (setting("Permissions", "G1", "day"), "/Permissions!G1", "unknown_role"),
    "unknown privilege": (setting("Permissions", "F2", "read, rule"), "/Permissions!F2", "unknown_privilege"),
    "row twice": (
        lambda book: book["Permissions"].append([*TOURS, None, None, "add"]),
        "/Permissions!C3",
        "named_twice",
    ),
    "no name": (setting("Roles", "B2", None), "/Roles!B2", "empty"),
    "unknown group": (setting("Members", "A2", "Elsewhere"), "/Members!A2", "unknown_group"),
    "long": (setting("Groups", "C2", "x" * 5_001), "/Groups!C2", "too_long"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_its_cell(mistake: str) -> None:
    edit, pointer, code = MISTAKES[mistake]
    assert refusals(edited(RAW, edit)).get(pointer) == code


def test_without_what_it_says_of_itself_it_is_not_taken() -> None:
    [text] = refusals(edited(RAW, lambda book: book.remove(book["Read me"]))).values()
    assert "fresh download" in text


def test_the_address_of_a_cell_is_that_of_office_programs() -> None:
    assert [address(number, 1) for number in (1, 26, 27, 702, 703)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1"]


# --- harm -------------------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet4.xml"  # Groups
Harm = Callable[[dict[str, bytes]], object]


def replacing(name: str, old: bytes, new: bytes) -> Harm:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new, 1)

    return change


def adding(name: str) -> Harm:
    return lambda parts: parts.__setitem__(name, b"x")


BILLION = (
    b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet'
)
HARM: dict[str, tuple[Harm, str]] = {
    "macros": (adding("xl/vbaProject.bin"), "macros"),
    "old macros": (adding("xl/macrosheets/sheet1.xml"), "macros"),
    "links": (adding("xl/externalLinks/externalLink1.xml"), "links"),
    "connections": (adding("xl/connections.xml"), "connections"),
    "embedded": (adding("xl/embeddings/oleObject1.bin"), "embedded"),
    "no book": (lambda parts: parts.pop("xl/workbook.xml"), "damaged"),
    "no sheet": (lambda parts: parts.pop(SHEET), "damaged"),
    "no XML": (adding(SHEET), "damaged"),
    "entities": (replacing(SHEET, b"<worksheet", BILLION), "damaged"),
    "a cell twice": (replacing(SHEET, b'r="C2"', b'r="A2"'), "damaged"),
    "no such text": (replacing(SHEET, b't="inlineStr"', b't="s"'), "damaged"),
    "no reference": (replacing(SHEET, b'r="A2"', b'r="A-2"'), "damaged"),
    "far down": (replacing(SHEET, b'r="A2"', b'r="A1048576"'), "too much"),
    "far right": (replacing(SHEET, b'r="A2"', b'r="XFD2"'), "too much"),
    "many parts": (lambda parts: parts.update({f"{n}": b"" for n in range(packed.MOST_PARTS)}), "parts"),
    "a bomb": (lambda parts: parts.update({SHEET: b" " * (packed.UNPACKED + 1)}), "Unpacked"),
}


@pytest.mark.parametrize("harm", HARM)
def test_harm_is_refused(harm: str) -> None:
    change, said = HARM[harm]
    [text] = refusals(repacked(RAW, change)).values()
    assert said in text


def test_what_is_too_large_is_not_opened() -> None:
    [text] = refusals(b"PK" + b"\0" * packed.LARGEST).values()
    assert "larger" in text


def test_more_cells_than_anybody_needs_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CELLS", 20)
    [text] = refusals(RAW).values()
    assert "too much" in text


def test_whatever_is_damaged_is_refused_in_words() -> None:
    """Bytes changed by chance: taken, or refused as no workbook; never something else."""
    chance = random.Random(7)
    for _turn in range(150):
        raw = bytearray(RAW)
        for _time in range(chance.randint(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        with suppress(SheetInvalid):
            read(bytes(raw[: chance.choice([len(raw), chance.randrange(len(raw))])]))
