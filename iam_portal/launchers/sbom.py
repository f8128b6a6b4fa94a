"""Writes what a running portal is made of as CycloneDX 1.6 (ECMA-424): the locked packages, with checksums.

From the locks alone, so that it is the same wherever it is made. Licences: docs/third-party.md.
"""

import base64
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)((?:.*\\\n\s+--hash=sha256:\w+)*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:(\w+)")

Component = dict[str, Any]


def python_packages(lock: Path) -> Iterator[Component]:
    """Of each the checksums of all files that an installation may take, as references to what is fetched."""
    for name, version, hashes in _PINNED.findall(lock.read_text()):
        purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        yield _component(name, version, purl, [("SHA-256", value) for value in _HASH.findall(hashes)])


def npm_packages(lock: Path) -> Iterator[Component]:
    """Those that are not for development only."""
    for place, entry in json.loads(lock.read_text())["packages"].items():
        if place and not entry.get("dev"):
            name = place.rpartition("node_modules/")[2]
            algorithm, _, digest = entry["integrity"].partition("-")
            hashed = (algorithm.upper().replace("SHA", "SHA-"), base64.b64decode(digest).hex())
            yield _component(
                name,
                entry["version"],
                f"pkg:npm/{quote(name, safe='/')}@{entry['version']}",
                [hashed],
            )


def document() -> Component:
    """The whole bill. No serial number and no date: the same locks make the same file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [*python_packages(ROOT / "requirements.lock"), *npm_packages(ROOT / "package-lock.json")]
    of = {"type": "application", "name": project["name"], "version": project["version"]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": of | {"bom-ref": project["name"]}},
        "components": sorted(found, key=lambda component: component["purl"]),
    }


def _component(name: str, version: str, purl: str, hashes: list[tuple[str, str]]) -> Component:
    given = [{"alg": algorithm, "content": value} for algorithm, value in hashes]
    # Several files of one version: a component's own hashes would be those of one of them.
    files = [{"type": "distribution", "url": purl, "hashes": [one]} for one in given]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **({"hashes": given} if len(given) == 1 else {"externalReferences": files}),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1) + "\n")
