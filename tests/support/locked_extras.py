"""Pins of extras as pip's older releases want them: ``python -m tests.support.locked_extras LOCK``.

Where one package asks for an extra of another, ``pip --require-hashes`` wants a pin of the name and one of it
with its extra; uv writes either.
"""

import sys
from pathlib import Path

EXTRAS = {"pydantic": "email"}  # scim2-models asks for it


def pinned(lock: str) -> str:
    """The lock with a second pin of each of these; one that has them stays as it is."""
    for name, extra in EXTRAS.items():
        if f"\n{name}[{extra}]==" in lock:
            continue
        begin = lock.index(f"\n{name}==") + 1
        end = lock.index("    # via", begin)
        pin = lock[begin:end].replace(f"{name}==", f"{name}[{extra}]==", 1)
        lock = lock[:begin] + pin + lock[begin:]
    return lock


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(pinned(path.read_text()))
