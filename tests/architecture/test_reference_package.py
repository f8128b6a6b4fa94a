"""The package for applications keeps what it says: its own tests, under its own settings."""

import subprocess
import sys

from iam_portal.launchers.portal import ROOT

PACKAGE = ROOT / "docs" / "examples" / "iam-django"


def test_its_own_tests_pass() -> None:
    """In a process of their own: the settings of the portal are none of its business."""
    command = [sys.executable, "-m", "pytest", "-q"]
    environment = {"PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout


def test_it_imports_nothing_of_the_portal() -> None:
    """It is copied into other programs."""
    texts = [file.read_text() for file in (PACKAGE / "iam_django").glob("*.py")]
    assert texts
    for name in ("iam_portal", "accesscontrol", "applications.", "tenants."):
        assert not any(f"import {name}" in text or f"from {name}" in text for text in texts)
