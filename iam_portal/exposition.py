"""The text that a Prometheus server reads, of all processes that write into one folder; and who may read it.

One folder for each server (web, worker, event service), empty at its start: named by
``PROMETHEUS_MULTIPROC_DIR`` before the first process begins. Without it a process tells of itself alone.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_LIVING = re.compile(r"gauge_live[a-z]*_([0-9]+)\.db")


def access(authorization: str) -> int:
    """200, 401 without one of the tokens, or 404 where production has none: nobody is told by mistake."""
    tokens = settings.PORTAL_METRICS_TOKENS
    if not tokens:
        return 404 if settings.PRODUCTION else 200
    scheme, _, shown = authorization.partition(" ")
    fits = [constant_time_compare(shown.strip(), token) for token in tokens]
    return 200 if scheme.lower() == "bearer" and any(fits) else 401


def text(more: Iterable[Collector] = ()) -> bytes:
    """Everything that was counted, and what the given collectors tell at this moment."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    registry = CollectorRegistry()
    if folder:
        _forget_the_dead(Path(folder))
        MultiProcessCollector(registry, path=folder)
    for collector in more:
        registry.register(collector)
    own = b"" if folder else generate_latest(REGISTRY)
    return own + generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """What they counted stays; what they held at their end is nobody's any more."""
    for file in folder.glob("gauge_live*.db"):
        found = _LIVING.fullmatch(file.name)
        if found is not None and not _lives(int(found.group(1))):
            with suppress(FileNotFoundError):  # another process looks, too
                file.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
