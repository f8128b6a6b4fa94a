"""Time on the processor of a server and all its processes, from the kernel's own count."""

import os
import time
from contextlib import suppress
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
# Places in /proc/<pid>/stat after the name: the parent; time of children that were waited for.
_PARENT, _ENDED = 1, slice(13, 15)
_WHOLE_PROCESS = 2  # clock_getcpuclockid(3): the kind of a process's clock, below its complemented number


def seconds(root: int) -> float:
    """Of this process and everything below it, so far; what has ended meanwhile counts with its parent."""
    stats = _stats()
    family, last = {root}, -1
    while last != len(family):
        last = len(family)
        family |= {pid for pid, stat in stats.items() if int(stat[_PARENT]) in family}
    return sum(_spent(pid, stats[pid]) for pid in family if pid in stats)


def parent(pid: int) -> int:
    """Of a process: a database's backend names the server by it."""
    return int(_stats()[pid][_PARENT])


def alone(pid: int) -> float:
    """Of this process without others: to the nanosecond.

    The ticks of /proc say nothing of twenty backends that each worked a little.
    """
    return time.clock_gettime((~pid << 3) | _WHOLE_PROCESS)


def _spent(pid: int, stat: list[str]) -> float:
    ended = sum(int(ticks) for ticks in stat[_ENDED]) / _TICK
    with suppress(OSError):  # it has ended
        return ended + alone(pid)
    return ended


def _stats() -> dict[int, list[str]]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    return found
