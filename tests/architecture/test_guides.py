"""What people read leads somewhere, and shows pictures that ``make screenshots`` draws."""

import re
from pathlib import Path

from tests.support.pictures import ALL, PICTURES

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_MOST_BYTES = 2_500_000


def linked(text: Path) -> list[Path]:
    """Every file of ours that it leads to."""
    found = _LINK.findall(text.read_text())
    return [(text.parent / path).resolve() for path in found if "://" not in path]


def test_every_link_leads_somewhere() -> None:
    assert [(str(text), path) for text in TEXTS for path in linked(text) if not path.exists()] == []


def test_pictures_are_those_that_are_drawn() -> None:
    shown = {path.name for text in TEXTS for path in linked(text) if path.suffix == ".png"}
    kept = {path.name for path in PICTURES.glob("*.png")}
    assert shown == kept == {f"{picture.name}.png" for picture in ALL}
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < _MOST_BYTES


def test_guides_are_short() -> None:
    for text in (ROOT / "docs" / "guide").glob("*.md"):
        assert len(text.read_text().splitlines()) <= 120, text
