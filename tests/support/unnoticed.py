"""Tokens without a pause, while something is done to the portal that nobody may notice."""

import threading
import time
from dataclasses import dataclass, field

import psycopg

from tests.support.stage import Stage

# By when the wait began, not the statement: one that works for minutes may wait for a moment at its end. An
# index that is made concurrently waits for older transactions (virtualxid), and keeps nobody from anything.
_WAITING = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND l.locktype <> 'virtualxid' AND a.datname = current_database()
"""


@dataclass
class Watch:
    """Asks for tokens, has each introspected, and looks for how long anybody waits for a lock.

    ``stage`` may be replaced meanwhile: the next request goes to the other portal.
    """

    stage: Stage
    owner: str
    good: int = 0
    bad: list[str] = field(default_factory=list)
    longest_wait: float = 0.0  # of anybody for a lock, in seconds
    longest_answer: float = 0.0  # of a token and its introspection together
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._threads = [threading.Thread(target=act) for act in (self._ask, self._ask, self._look)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def assert_unnoticed(self, *, least: int = 20) -> None:
        """Every request had its answer."""
        assert self.bad == []
        assert self.good >= least

    def go_on(self, *, least: int = 5) -> None:
        """Until so many more were answered."""
        wanted, deadline = self.good + least, time.monotonic() + 60
        while self.good < wanted and not self.bad:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _ask(self) -> None:
        while not self._over.is_set():
            stage, began = self.stage, time.monotonic()
            try:
                answer = stage.ask()
                active = answer.status == 200 and stage.introspect(answer.body["access_token"])["active"]
            except (OSError, KeyError) as exc:
                self.bad.append(repr(exc))
                continue
            self.longest_answer = max(self.longest_answer, time.monotonic() - began)
            if active:
                self.good += 1
            else:
                self.bad.append(str(answer.status))

    def _look(self) -> None:
        with psycopg.connect(self.owner, autocommit=True) as session:
            while not self._over.is_set():
                (waited,) = session.execute(_WAITING).fetchone() or (0,)
                self.longest_wait = max(self.longest_wait, float(waited))
                time.sleep(0.02)
