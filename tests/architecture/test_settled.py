"""What a process has loaded is left out of collections (iam_portal.settled)."""

import subprocess
import sys

CODE = """
import gc
from iam_portal import settled
settled.settle()
loaded = gc.get_freeze_count()
assert gc.get_threshold()[0] == settled.OBJECTS
of_requests = [[] for _ in range(5000)]
gc.collect(1)
assert gc.get_freeze_count() == loaded
gc.collect()
assert gc.get_freeze_count() - loaded > 4000
later = [[] for _ in range(5000)]
there = gc.get_freeze_count()
gc.collect()
assert gc.get_freeze_count() <= there and not gc.callbacks
print(loaded)
"""


def test_what_is_loaded_and_what_the_first_requests_load_is_left_out_and_nothing_later() -> None:
    """Later objects come and go: what were garbage among them could never be collected."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000
