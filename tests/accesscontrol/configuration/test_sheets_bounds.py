"""Workbooks that are small on the wire and large in memory, or slow: each costs as much as it is."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from accesscontrol.configuration.shape import Configuration, Role
from accesscontrol.sheets import cells, packed, reading
from accesscontrol.sheets.refused import Objections, SheetInvalid
from accesscontrol.sheets.writing import About, write
from tests.support.workbooks import edited, repacked

ABOUT = About(name="Acme", tenant_id="1", revisions={"roles": "s-1"}, at=datetime(2027, 3, 1, tzinfo=UTC))
TOURS = ("acme.planner", "urn:acme:tour", "tours")
NIGHT = Role(key="night", name="Night", permissions=frozenset({(*TOURS, "read")}))
RAW = write(Configuration(roles=(NIGHT,)), [], ABOUT)
SHEET, MAIN = "xl/worksheets/sheet1.xml", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def refusals(raw: bytes) -> dict[str, str]:
    """Where what is refused; of the whole file at nowhere."""
    with pytest.raises(SheetInvalid) as refused:
        reading.read(raw)
    return {one["pointer"]: one["code"] for one in refused.value.errors} or {"": str(refused.value.detail)}


def of_cells(text: str, shared: str = "") -> bytes:
    """Ours, with this in the place of a sheet, and these shared texts."""

    def change(parts: dict[str, bytes]) -> None:
        parts[SHEET] = f'<worksheet xmlns="{MAIN}"><sheetData>{text}</sheetData></worksheet>'.encode()
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{shared}</sst>'.encode()

    return repacked(RAW, change)


def test_a_text_that_cells_share_is_there_once() -> None:
    """A thousand copies of a long one fit into a file of a few bytes."""
    row = "<row>" + '<c t="s"><v>0</v></c>' * 100 + "</row>"
    raw = of_cells(row * 5, "<si><t xml:space='preserve'> _x0041_long</t></si>")
    found = cells.grids(raw, Objections())
    grid = next(grid for grid in found.values() if len(grid.rows) == 5)
    texts = [text for row in grid.rows.values() for text in row.values()]
    assert (len(texts), set(texts)) == (500, {"Along"})
    assert len({id(text) for text in texts}) == 1


def test_empty_elements_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MARKS", 20_000)
    for raw in (of_cells("<row>" + "<c/>" * 20_000 + "</row>"), of_cells("", "<si/>" * 20_000)):
        assert len(raw) < 20_000
        [text] = refusals(raw).values()
        assert "too much" in text


def test_a_cell_of_a_thousand_privileges_is_not_read() -> None:
    words = " ".join(f"word{number}" for number in range(1_000))[:4_000]
    raw = edited(RAW, lambda book: setattr(book["Permissions"]["F2"], "value", words))
    assert refusals(raw) == {"/Permissions!F2": "too_long"}


def test_a_place_beyond_all_archives_is_no_workbook() -> None:
    """ZIP64: where a part begins may be any number of 64 bits."""
    with zipfile.ZipFile(io.BytesIO(RAW)) as archive:
        name = "xl/workbook.xml"
        at = archive.getinfo(name).header_offset
    raw = bytearray(RAW)
    entry = raw.rindex(name.encode()) - 46  # in the directory at the end
    assert raw[entry : entry + 4] == b"PK\x01\x02" and raw[entry + 42 : entry + 46] == at.to_bytes(
        4, "little"
    )
    extra = b"\x01\x00\x08\x00" + (2**63 + 1).to_bytes(8, "little")
    raw[entry + 30 : entry + 32] = len(extra).to_bytes(2, "little")
    raw[entry + 42 : entry + 46] = b"\xff\xff\xff\xff"
    end = entry + 46 + len(name)
    raw[end:end] = extra
    last = raw.rindex(b"PK\x05\x06")
    size = int.from_bytes(raw[last + 12 : last + 16], "little") + len(extra)
    raw[last + 12 : last + 16] = size.to_bytes(4, "little")
    [text] = refusals(bytes(raw)).values()
    assert "no workbook" in text
