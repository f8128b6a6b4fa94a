"""A measured table, put into a document between its two marks: what is read is what was measured."""

from pathlib import Path


def put(document: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->``."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = document.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{document} has no place for {name}: {begin} and {end} on lines of their own.")
    document.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")
