"""Whether pages are valid HTML, by html-validate's reading of the standard, without any network."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.absence import lacking
from tests.support.nodejs import node

ROOT = Path(__file__).parents[2]
CHECKER = ROOT / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
_RULES = {"root": True, "extends": ["html-validate:standard"]}  # what is wrong, not what is unusual


def faults_in(pages: Mapping[str, str], folder: Path) -> list[str]:
    """What is wrong, each with the name of its page; ``folder`` keeps them to be looked at."""
    if not CHECKER.exists():
        lacking("html-validate is not installed (make assets)")
    (folder / ".htmlvalidate.json").write_text(json.dumps(_RULES))
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text)
    command = [*node(), str(CHECKER), "--formatter", "json", "*.html"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout, ended.stderr
    return [
        f"{Path(page['filePath']).stem}, line {fault['line']}: {fault['message']}"
        for page in json.loads(ended.stdout)
        for fault in page["messages"]
    ]
