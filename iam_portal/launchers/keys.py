"""Generated secrets: kept in a private file for the demo, thrown away after a check of the settings.

``python -m iam_portal.launchers.keys FILE COMMAND…`` runs a command under the environment of FILE, in which
every value ``generate`` is replaced by a new secret.
"""

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet

GENERATE = "generate"


def new() -> dict[str, str]:
    """One value for each variable that holds a secret."""
    pepper = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PORTAL_SECRET_PEPPERS": f"1:{pepper}",
    }


def kept(path: Path) -> dict[str, str]:
    """The secrets of this file; the first call makes it, readable by its owner only.

    They are a demo's: production does not start with them.
    """
    if not path.exists():
        made = new()
        made["SECRET_KEY"] = f"demo-{made['SECRET_KEY']}"
        partial = path.with_suffix(".new")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        partial.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        partial.rename(path)
    return read(path)


def read(path: Path) -> dict[str, str]:
    """The lines ``NAME=value`` of a file; comments and empty lines are skipped."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def filled(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with new secrets where it asks for them."""
    # A demo's is none of these: whoever starts it reads its counts without.
    generated = {**new(), "PORTAL_METRICS_TOKEN": secrets.token_urlsafe(32)}
    return {name: generated[name] if value == GENERATE else value for name, value in environment.items()}


if __name__ == "__main__":
    os.environ.update(filled(read(Path(sys.argv[1]))))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  (the make target names it)
