"""The table of events: every type that can be written stands in it, with the permission that shows it."""

import re
from pathlib import Path

import pytest

from applications import events, streams
from applications.delivery.parcels import TEST
from iam_portal.launchers.portal import ROOT

CODE = ("applications", "accesscontrol", "tenants", "iam_portal")


def table() -> dict[str, str]:
    """Type → permission, as ``docs/events.md`` has it."""
    rows = re.findall(
        r"^\| `(\S+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|$", (ROOT / "docs/events.md").read_text(), re.M
    )
    found = dict(rows)
    assert len(found) == len(rows), "a type stands in it twice"
    return found


def test_the_table_has_every_type_and_no_other() -> None:
    assert table().keys() == {f"iam.{type}.v1" for type in events.TYPES} | {TEST}


def test_it_names_the_permission_that_shows_it() -> None:
    for type, shown_by in table().items():
        if type != TEST:
            assert shown_by == " or ".join(map(str, streams.permissions_for(type))), type


def test_nothing_else_can_be_written() -> None:
    """There is one place that makes an event to be kept, and it refuses other types."""
    with pytest.raises(ValueError, match="among the types"):
        events.event(type="thing.done", tenant_id="x", subject="x", at=None, data={})  # type: ignore[arg-type]
    makers = {
        str(path.relative_to(ROOT))
        for name in CODE
        for path in Path(ROOT / name).rglob("*.py")
        if re.search(r"(?<![\w.])Event(\.objects\.(bulk_)?create)?\(", path.read_text())
    }
    # parcels: of a test, which is sent and not kept; telling: of a verification, likewise.
    assert makers - {"applications/models/events.py"} == {
        "applications/events.py",
        "applications/delivery/parcels.py",
        "applications/delivery/telling.py",
    }
