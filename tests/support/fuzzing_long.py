"""Rounds of requests and texts that are made up, each by a number of its own, which repeats it."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.support import fuzzing
from tests.support.fuzzed_town import FuzzedTown
from tests.support.readers import readers
from tests.support.written import JSON, SIGNS, b64, part

EXAMPLES = 15  # of each round
MOST_FINDINGS = 20
_CURSORS = JSON.map(part) | st.binary(max_size=20).map(b64)
_SENT = SIGNS.map(lambda text: "".join(sign for sign in text if " " < sign <= "~"))  # by a client
_TAGS = st.from_regex(r'(W/)?"?[ri]-[0-9a-f]{0,20}"?', fullmatch=True) | _SENT


@dataclass
class Tried:
    """``answers`` by who asked and the status; ``texts`` by reader; ``findings`` by what was tried."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    rounds: int = 0

    def told(self) -> Iterator[str]:
        """For people: who was answered what, what was read, and what was found."""
        yield f"{self.rounds} rounds, {self.answers.total()} requests, {self.texts.total()} texts"
        for who in sorted({who for who, _ in self.answers}):
            seen = sorted(
                (status, number) for (asker, status), number in self.answers.items() if asker == who
            )
            yield f"  {who}: " + ", ".join(f"{number} x {status}" for status, number in seen)
        for name, number in sorted(self.texts.items()):
            yield f"  {name}: {number} texts"
        for what, said in self.findings.items():
            yield f"\nFOUND {what}\n{said}"


@dataclass
class Rounds:
    """What is tried, by name: doors in both modes, and readers."""

    tried: Tried = field(default_factory=Tried)

    def __post_init__(self) -> None:
        self._readers = readers()
        doors = itertools.product(fuzzing.operations(), (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))
        self._names: list[Any] = [*doors, *((name, None) for name in self._readers)]

    @property
    def enough(self) -> bool:
        """So much was found that one had better read it first."""
        return len(self.tried.findings) >= MOST_FINDINGS

    def go(self, town: FuzzedTown, number: int) -> None:
        """One round. Whatever is raised is a finding; what was found is not tried again."""
        chance = random.Random(number)
        name, mode = self._names[chance.randrange(len(self._names))]
        what = f"{name} {mode.name if mode else 'text'}"
        if what in self.tried.findings:
            return
        self.tried.rounds += 1
        try:
            with suppress(Unsatisfiable):
                self._knock(town, name, mode, number) if mode else self._read(name, number)
        except (Exception, BaseExceptionGroup) as found:
            said = "\n".join([str(found), *map(str, getattr(found, "exceptions", ()))])
            notes = "\n".join(getattr(found, "__notes__", ()))
            self.tried.findings[what] = (
                f"make fuzz SEED={number}\n{type(found).__name__}: {said[:4000]}\n{notes}"
            )

    def _knock(self, town: FuzzedTown, name: str, mode: GenerationMode, number: int) -> None:
        strategy = asked(town, fuzzing.operations()[name], mode)

        def knock(case: Any) -> None:
            for who, visitor in town.town.visitors.items():
                status = fuzzing.require_described(case, visitor, town.unseen_by(who))
                self.tried.answers[who, status] += 1

        _repeat(strategy, number, knock)

    def _read(self, name: str, number: int) -> None:
        reader = self._readers[name]

        def read(value: Any) -> None:
            self.tried.texts[name] += 1
            reader.try_one(value)

        _repeat(reader.written, number, read, 10 * EXAMPLES)


def _repeat(
    strategy: st.SearchStrategy[Any], number: int, act: Callable[[Any], None], most: int = EXAMPLES
) -> None:
    @seed(number)
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(strategy)
    def one(value: Any) -> None:
        act(value)

    one()


def asked(town: FuzzedTown, operation: Any, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """Requests at a door. What fits the description also names rows of others, cursors and revisions."""
    known = fuzzing.known_to(town.town, operation)
    plain = operation.as_strategy(generation_mode=mode, path_parameters=known)
    if mode is GenerationMode.NEGATIVE:
        return plain  # else what is changed here might be what was wrong
    queried = {parameter.name for parameter in operation.query}
    choices = {name: st.sampled_from([value, town.strange.get(name, value)]) for name, value in known.items()}

    def changed(case: Any, path: dict[str, str], cursor: str | None, tag: str | None) -> Any:
        case.path_parameters = {**case.path_parameters, **path} if path else case.path_parameters
        if cursor is not None and "cursor" in queried:
            case.query = {**(case.query or {}), "cursor": cursor}
        if tag is not None:
            case.headers = {**(case.headers or {}), "If-Match": tag}
        return case

    return st.builds(changed, plain, st.fixed_dictionaries(choices), st.none() | _CURSORS, st.none() | _TAGS)


def for_a_time(rounds: Rounds, town: FuzzedTown, numbers: Iterator[int], until: float) -> None:
    """Until then, or until enough was found."""
    schemathesis.openapi.format("uuid", st.sampled_from(town.uuids).map(str) | st.uuids().map(str))
    while time.monotonic() < until and not rounds.enough:
        rounds.go(town, next(numbers))
