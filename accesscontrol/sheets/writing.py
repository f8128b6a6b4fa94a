"""A workbook of what stands. Every cell is text, also to the program that opens it.

A name that begins with ``=``, ``+``, ``-`` or ``@`` is somebody's to choose: it stands there as text, marked
as such (``quotePrefix``), so that no program takes it for a formula, nor does so when the cell is edited.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from accesscontrol.configuration.shape import Configuration
from accesscontrol.sheets import tables
from accesscontrol.sheets.tables import Table
from iam_portal.decision import rfc3339
from iam_portal.gate import Privilege

_ORDER = [privilege.value for privilege in Privilege]
_BOLD = Font(bold=True)
_TEXT = "@"  # the format of a cell in which numbers are text
# What XML has no place for, what its readers make another sign of, and what would be read as such an escape.
_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What roles can be made of: address, name, and the privileges that a role can hold."""

    address: tuple[str, str, str]
    name: str
    privileges: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose workbook it is, and what stood when it was made."""

    name: str
    tenant_id: str
    revisions: Mapping[str, str]
    at: datetime


def write(configuration: Configuration, resources: Sequence[Resource], about: About) -> bytes:
    """The file. Only the sections that the configuration speaks of."""
    book = Workbook(write_only=True)
    book.properties.creator = about.name[:100]
    _about(book, about)
    if configuration.roles is not None:
        _roles(book, configuration.roles)
        _permissions(book, configuration.roles, resources)
    if configuration.groups is not None:
        _groups(book, configuration.groups)
    if configuration.mappings is not None:
        _mappings(book, configuration.mappings)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _about(book: Any, about: About) -> None:
    facts = [
        (tables.ORGANIZATION, about.name),
        (tables.ID, about.tenant_id),
        (tables.MOMENT, rfc3339(about.at) or ""),
        (tables.KIND, tables.FORMAT),
        *((f"{tables.REVISION}{section}", text) for section, text in sorted(about.revisions.items())),
    ]
    explained = [
        _("Change the other sheets, save this file as .xlsx, and upload it. What it changes is shown first."),
        _("This sheet says of what the file was made: leave it as it is."),
        _("A row that is taken out takes the role, the group, the membership or the mapping away."),
        _(
            "Both sheets of roles, both of groups, or the one of mappings can be deleted: then those stay as"
            " they are."
        ),
        _("In Permissions a column is a role and a row a resource; a cell lists what the role may do there."),
        _("A new role is a row in Roles, and a column with its key in Permissions."),
        _("In Members, From and Until are for memberships for a time: 2027-03-01T00:00:00Z."),
        _(
            "In Mappings a row is what an identity provider's word sets: group, with Claim, Value and Group;"
            " or username, email or display_name, with a Template. When is every (sign-in) or first."
        ),
        _("Formulas, merged cells and hidden sheets are not taken."),
    ]
    rows: list[Sequence[str]] = [*facts, (), *((line,) for line in explained)]
    _sheet(book, tables.ABOUT, (26, 60), rows)


def _roles(book: Any, roles: Iterable[Any]) -> None:
    rows = [(one.key, one.name, one.description) for one in sorted(roles, key=lambda one: one.key)]
    _table(book, tables.ROLES, (24, 32, 60), rows)


def _permissions(book: Any, roles: Iterable[Any], resources: Sequence[Resource]) -> None:
    """A row for each resource that can be chosen, or is chosen; a column for each role."""
    keys = sorted(one.key for one in roles)
    held: dict[tuple[str, str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in roles:
        for app, kind, key, privilege in one.permissions:
            held[app, kind, key][one.key].append(privilege)
    known = {one.address: one for one in resources}
    rows = []
    for at in sorted({*known, *held}):
        offers = _listed(known[at].privileges) if at in known else ""
        name = known[at].name if at in known else ""
        rows.append((*at, name, offers, *(_listed(held[at][key]) for key in keys)))
    widths = (24, 28, 28, 28, 24, *(18 for _key in keys))
    _table(book, tables.PERMISSIONS, widths, rows, more=keys, frozen="F2")


def _listed(privileges: Iterable[str]) -> str:
    return ", ".join(sorted(privileges, key=_ORDER.index))


def _groups(book: Any, groups: Iterable[Any]) -> None:
    ordered = sorted(groups, key=lambda one: one.name.lower())
    _table(
        book, tables.GROUPS, (32, 32, 60), [(one.name, one.parent or "", one.description) for one in ordered]
    )
    members = [
        (one.name, each.user, rfc3339(each.starts_at) or "", rfc3339(each.ends_at) or "")
        for one in ordered
        for each in one.members
    ]
    _table(book, tables.MEMBERS, (32, 32, 24, 24), sorted(members))


def _mappings(book: Any, mappings: Iterable[Any]) -> None:
    rows = [
        (one.provider, one.kind, one.when, one.claim, one.value, one.group or "", one.template)
        for one in mappings
    ]
    _table(book, tables.MAPPINGS, (20, 16, 10, 28, 40, 32, 40), sorted(rows))


def _table(
    book: Any,
    table: Table,
    widths: Sequence[int],
    rows: Sequence[Sequence[str]],
    *,
    more: Sequence[str] = (),
    frozen: str = "A2",
) -> None:
    headings = (*table.columns, *table.told, *more)
    _sheet(book, table.name, widths, [headings, *rows], frozen=frozen)


def _sheet(
    book: Any,
    name: str,
    widths: Sequence[int],
    rows: Iterable[Sequence[str]],
    *,
    frozen: str | None = None,
) -> None:
    """``frozen``: headings stand above and before this cell."""
    sheet = book.create_sheet(name)
    sheet.freeze_panes = frozen
    for number, width in enumerate(widths, 1):
        column = sheet.column_dimensions[get_column_letter(number)]
        column.width, column.number_format = width, _TEXT
    for number, row in enumerate(rows):
        sheet.append([_cell(sheet, text, bold=frozen is not None and number == 0) for text in row])


def _cell(sheet: Any, text: str, *, bold: bool) -> Any:
    """Text, whatever it begins with."""
    if not text:
        return None
    cell = WriteOnlyCell(sheet, _ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
    cell.data_type = "s"
    cell.number_format = _TEXT
    cell.quotePrefix = True
    if bold:
        cell.font = _BOLD
    return cell
