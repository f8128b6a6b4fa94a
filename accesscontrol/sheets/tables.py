"""The tables of a workbook: which sheets there are, and what stands above their columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from accesscontrol.sheets.cells import Grid
from accesscontrol.sheets.refused import Objections, address
from iam_portal.sentences import said

FORMAT = "1"
ABOUT = "Read me"
ORGANIZATION, ID, MOMENT, KIND = "Organization", "Organization id", "Downloaded at", "Format"
REVISION = "Revision: "  # and the section


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` are read, ``told`` only tell; others are ``free``, or refused."""

    name: str
    section: str
    columns: tuple[str, ...]
    told: tuple[str, ...] = ()
    free: bool = False


ROLES = Table("Roles", "roles", ("Key", "Name", "Description"))
PERMISSIONS = Table(
    "Permissions",
    "roles",
    ("Application", "Resource type", "Resource"),
    ("Resource name", "Can be allowed"),
    free=True,
)
GROUPS = Table("Groups", "groups", ("Name", "Parent", "Description"))
MEMBERS = Table("Members", "groups", ("Group", "User", "From", "Until"))
MAPPINGS = Table("Mappings", "mappings", ("Provider", "Sets", "When", "Claim", "Value", "Group", "Template"))
TABLES = (ROLES, PERMISSIONS, GROUPS, MEMBERS, MAPPINGS)
SECTIONS = ("groups", "roles", "mappings")


@dataclass(slots=True)
class Row:
    """A row below the headings, by what stands above each of its cells."""

    sheet: str
    number: int
    cells: Mapping[str, str]
    columns: Mapping[str, int] = field(repr=False)

    def place(self, heading: str) -> str:
        """Where this cell stands."""
        return f"{self.sheet}!{address(self.columns.get(heading, 1), self.number)}"

    def text(self, heading: str) -> str:
        """What stands there; empty without."""
        return self.cells.get(heading, "")


@dataclass(slots=True)
class Read:
    """A sheet by its headings. ``more`` are the free ones."""

    table: Table
    columns: dict[str, int]
    more: list[str]
    rows: list[Row]

    def heading(self, name: str) -> str:
        """Where a heading stands."""
        return f"{self.table.name}!{address(self.columns[name], 1)}"


def read(table: Table, grid: Grid, objections: Objections) -> Read:
    """Columns may stand in another order; none may be missing, twice, or unknown."""
    columns: dict[str, int] = {}
    for column, text in sorted(grid.rows.get(1, {}).items()):
        place = f"{table.name}!{address(column, 1)}"
        if text in columns:
            objections.add(
                place, "heading_twice", said("The heading %(name)s stands here twice.", {"name": text[:64]})
            )
        elif not table.free and text not in (*table.columns, *table.told):
            told = said(
                "This heading is not known. There are %(known)s.", {"known": ", ".join(table.columns)}
            )
            objections.add(place, "unknown_heading", told)
        columns.setdefault(text, column)
    for name in table.columns:
        if name not in columns:
            told = said("The heading %(name)s is missing in row 1.", {"name": name})
            objections.add(f"{table.name}!A1", "no_heading", told)
    more = [name for name in columns if name not in (*table.columns, *table.told)]
    return Read(table, columns, more, list(_rows(table, grid, columns, objections)))


def _rows(table: Table, grid: Grid, columns: Mapping[str, int], objections: Objections) -> Iterator[Row]:
    names = {column: name for name, column in columns.items()}
    for number, cells in sorted(grid.rows.items()):
        if number == 1:
            continue
        for column in sorted(set(cells) - set(names)):
            place = f"{table.name}!{address(column, number)}"
            objections.add(place, "no_heading", "Nothing stands above this cell in row 1.")
        yield Row(table.name, number, {names[at]: text for at, text in cells.items() if at in names}, columns)
