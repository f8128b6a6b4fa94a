"""What the drills know to be true, beside the portal: of each contract, of each change, of each answer."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

RIGHT, WRONG, ERROR = "right", "wrong", "error"


class Mistaken(Exception):
    """An answer that is not true."""


class Refused(Exception):
    """No answer, or one that says that there is none now."""


class Known:
    """Whether a contract is in force. None: a change is under way, or nobody knows how it went."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_force: bool | None = None
        self._turn = 0
        self._since = ""

    def become(self, in_force: bool | None, *, because: str = "") -> None:
        """From now on."""
        since = f"{because} at {datetime.now(UTC):%T.%f}"
        with self._lock:
            self._in_force, self._turn, self._since = in_force, self._turn + 1, since

    def look(self) -> tuple[bool | None, int]:
        """The state, and a number that is another one after each change."""
        with self._lock:
            return self._in_force, self._turn

    def judge(self, ask: Callable[[], bool]) -> None:
        """Whoever asks while nothing changes must be told what is so."""
        before, since, began = self.look(), self._since, datetime.now(UTC)
        said = ask()
        if before == self.look() and before[0] is not None and said is not before[0]:
            asked = f"asked at {began:%T.%f}, answered at {datetime.now(UTC):%T.%f}"
            raise Mistaken(f"told {'yes' if said else 'no'}: {asked}; {since}")


@dataclass(frozen=True)
class Asked:
    """One request: when it began and ended, and what it was worth."""

    kind: str
    began: float
    ended: float
    outcome: str
    said: str = ""


@dataclass
class Journal:
    """All requests, and all changes: acknowledged, or sent without knowing what became of them."""

    asked: list[Asked] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, name: str, *, times: int = 1) -> None:
        """A change whose reply has not come; minus one when it did, and said that nothing was changed."""
        with self._lock:
            self.unknown[name] += times

    def acknowledged(self, name: str) -> None:
        """The reply to what was sent says that it is done."""
        with self._lock:
            self.unknown[name] -= 1
            self.done[name] += 1

    def tell(self, kind: str, ask: Callable[[], object]) -> bool:
        """Ask, and write down how it went; whether it was right."""
        began, outcome, said = time.monotonic(), RIGHT, ""
        try:
            ask()
        except Mistaken as mistake:
            outcome, said = WRONG, str(mistake)
        except Exception as error:  # whatever it is, there was no answer
            outcome, said = ERROR, f"{type(error).__name__}: {str(error)[:300]}"
        self.asked.append(Asked(kind, began, time.monotonic(), outcome, said))
        return outcome == RIGHT

    def of(self, outcome: str) -> list[Asked]:
        return [each for each in list(self.asked) if each.outcome == outcome]

    def first_right(self, kinds: Iterable[str], since: float) -> dict[str, float]:
        """When each kind was first answered that was asked after this moment; those that were not, lack."""
        found: dict[str, float] = {}
        for each in list(self.asked):
            if each.outcome == RIGHT and each.began >= since and each.kind in kinds:
                found[each.kind] = min(found.get(each.kind, each.ended), each.ended)
        return found
