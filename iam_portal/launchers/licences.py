"""Writes the list of what a running portal is made of: each locked runtime package with its licence."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CLASSIFIER = "License :: "
_LONGEST_NAME = 60  # some packages put the whole text where its name belongs
_HEAD = """# Third-party software

What a running portal is made of, as locked. `make licences` writes this file.
"""

Row = tuple[str, str, str]


def python_packages(lock: Path) -> Iterator[Row]:
    """Name, version and licence of each package in the lock."""
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE):
        try:
            yield name, version, _licence(distribution(name))
        except PackageNotFoundError:
            yield name, version, "(for other systems only, not installed here)"


def npm_packages(lock: Path, modules: Path) -> Iterator[Row]:
    """Name, version and licence of each package that is not for development only."""
    for place, entry in json.loads(lock.read_text())["packages"].items():
        if place and not entry.get("dev"):
            name = place.removeprefix("node_modules/")
            package = json.loads((modules / name / "package.json").read_text())
            yield name, package["version"], package.get("license", "(not stated)")


def document() -> str:
    """The whole file, as Markdown."""
    python = sorted(set(python_packages(ROOT / "requirements.lock")))
    npm = sorted(npm_packages(ROOT / "package-lock.json", ROOT / "node_modules"))
    return "\n".join([_HEAD, *_table("Python", python), "", *_table("Front end", npm), ""])


def _licence(package: Distribution) -> str:
    """The SPDX expression where there is one, else what older metadata says."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    # The last part names it; a bare "OSI Approved" says nothing.
    classifiers = [
        name.rpartition(" :: ")[2]
        for name in metadata.get_all("Classifier") or []
        if name.startswith(_CLASSIFIER) and not name.endswith("OSI Approved")
    ]
    text = str((metadata.get_all("License") or [""])[0]).strip().splitlines()
    if text and len(text[0]) <= _LONGEST_NAME:
        return text[0]
    return " AND ".join(classifiers) or "(not stated)"


def _table(title: str, rows: list[Row]) -> list[str]:
    lines = [f"| {name} | {version} | {licence} |" for name, version, licence in rows]
    return [f"## {title}", "", "| package | version | licence |", "|---|---|---|", *lines]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
