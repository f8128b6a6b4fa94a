"""Tokens with and without counting, in one run: ``python -m tests.benchmarks.token_usage``.

One process, its own database, requests through the whole stack. Blocks with and without counting take turns,
so that a busy machine slows both; the medians are compared.
"""

import time
from statistics import median

from tests import conftest  # noqa: F401  (sets the portal up)

from tests.support import database  # isort: skip

from django.conf import settings  # isort: skip

from accesscontrol.actions import portal  # isort: skip
from applications.usage import buffer  # isort: skip
from tests.accesscontrol.oauth.conftest import Clock, World  # isort: skip
from tests.support.factories import make_partners, make_tenant  # isort: skip

BLOCKS, TOKENS = 40, 50


def world() -> World:
    clock = Clock()
    portal.install(at=clock.start)
    acme, globex = (make_tenant(slug, at=clock.start) for slug in ("acme", "globex"))
    make_partners(acme, globex, at=clock.start)
    made = World(clock, acme, globex, globex)
    made.application(acme, "meter")
    made.application(globex, "reader")
    made.share(acme, globex, ("acme.meter", "viewer"))
    made.clock.at = clock.start
    made.assign(globex, "globex.reader", "acme.meter")
    time.sleep(max(0.0, clock.start.timestamp() - time.time()) + 0.1)
    return made


def block(made: World, seconds: int) -> float:
    """Tokens a second; ``seconds`` between flushes, 0 counts nothing."""
    settings.USAGE_FLUSH_SECONDS = seconds
    begin = time.perf_counter()
    for _ in range(TOKENS):
        answer = made.token("globex.reader", made.globex, "aud:acme.meter")
        assert answer.status_code == 200, answer.content
    return TOKENS / (time.perf_counter() - begin)


def main() -> None:
    with database.prepared():
        made = world()
        block(made, 0)
        rates: dict[int, list[float]] = {0: [], 1: []}
        for _ in range(BLOCKS):
            for seconds in (0, 1):
                rates[seconds].append(block(made, seconds))
        without, counting = median(rates[0]), median(rates[1])
        print(f"without counting {without:.0f}/s, with {counting:.0f}/s: {counting / without:.3f}")
        begin = time.perf_counter()
        for _ in range(100_000):
            buffer.note([buffer.Use(None, "t", "x", "a")], at=made.clock.at)
        print(f"one note {(time.perf_counter() - begin) * 10:.2f} µs")


if __name__ == "__main__":
    main()
