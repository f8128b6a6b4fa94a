"""What a process has loaded stays as long as it lives, and is left out of collections of garbage.

A full collection that walks through all of it holds up every thread for a tenth of a second, now and then.
And a page makes thousands of objects that go with it: to look for garbage at each 700 took 6 % of its time.
"""

import gc
from typing import Any

OBJECTS = 10_000  # more of them than went since, before garbage is looked for: a few megabytes


def settle() -> None:
    """At the end of loading; and once more at the first full collection, for what the first requests have
    loaded: templates, patterns, what an address leads to.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.callbacks.append(_once_more)


def _once_more(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.callbacks.remove(_once_more)
        gc.freeze()
