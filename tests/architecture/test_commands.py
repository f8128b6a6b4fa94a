"""Commands that stand in several places are the same in all of them, and do what they are trusted to do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iam_portal.launchers import keys
from iam_portal.launchers.portal import BOUNDS, ROOT, WEB_THREADS
from tests.support import dockerfile
from tests.support.absence import lacking

_WEB = re.compile(r"\bgranian .*iam_portal\.wsgi:application.*")
_ASKS = "from tests.drills.network import possible; print(possible())"


def web_commands() -> dict[str, list[str]]:
    """By where they stand: the image, the unit, every document."""
    found = {"Dockerfile": dockerfile.stages(ROOT / "Dockerfile")[-1].last("CMD").words}
    texts = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.service"), ROOT / "README.md"]
    for path in texts:
        for number, command in enumerate(_WEB.findall(path.read_text().replace("\\\n", " "))):
            found[f"{path.relative_to(ROOT)} {number}"] = command.split()
    return found


def test_every_web_server_is_started_within_the_same_bounds() -> None:
    """Fewer threads than PORTAL_WEB_THREADS, or a larger head, and a flood waits in front of everybody."""
    commands = web_commands()
    assert {name.partition(" ")[0] for name in commands} >= {
        "Dockerfile",
        "docs/operations.md",
        "docs/limits.md",
        "docs/deployment/iam-portal-web@.service",
    }
    bounds = " ".join(BOUNDS)
    for name, words in commands.items():
        assert words[words.index("--blocking-threads") + 1] == str(WEB_THREADS), name
        assert bounds in " ".join(words), name


def test_the_settings_say_as_many_threads() -> None:
    default = re.search(
        r'env\.int\("PORTAL_WEB_THREADS", default=(\d+)\)', (ROOT / "iam_portal" / "settings.py").read_text()
    )
    assert default is not None
    documented = keys.read(ROOT / "docs" / "production.env.example")["PORTAL_WEB_THREADS"]
    assert default[1] == documented == str(WEB_THREADS)


@pytest.mark.parametrize("apart", [False, True])
def test_drills_cut_lines_and_mount_disks_only_where_they_are_apart(apart: bool) -> None:
    """Root alone would cut and mount in the machine's own network and mounts."""
    if apart and (os.geteuid() != 0 or not _may_be_apart()):
        lacking("only root may have a network of its own")
    words = [sys.executable, "-c", _ASKS]
    plain = {name: value for name, value in os.environ.items() if name != "DRILLS_APART"}
    script = Path("tests", "drills", "apart")
    done = subprocess.run(
        [script, *words] if apart else words, cwd=ROOT, env=plain, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(apart)


def _may_be_apart() -> bool:
    if shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "--mount", "--net", "true"], check=False).returncode == 0
