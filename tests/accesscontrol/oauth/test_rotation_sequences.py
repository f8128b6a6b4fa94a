"""Random rotations, ages and moments: what must hold at each of them (hypothesis).

The rules are the real ones, over rows in memory and without cryptography, so that thousands of moments are
looked at. That the database holds the same rows, and only such: ``test_rotation`` and ``test_constraints``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any, cast

import pytest
from django.conf import settings as portal
from hypothesis import given, settings
from hypothesis import strategies as st

from accesscontrol.actions import keys, rotation
from accesscontrol.actions.keys import ParsedKey
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import KeyState
from iam_portal.errors import Invalid
from iam_portal.gate import Actor

BY = Actor.system("somebody")
START = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(seconds=portal.LIFETIMES["access_token_seconds"][2])
SECONDS = [0, 1, 4, 14, 60, 240, 299, 301, 400, 3_600]
MOVES = st.one_of(
    st.sampled_from(SECONDS).map(lambda seconds: ("by", seconds)),
    st.integers(1, 100).map(lambda days: ("by", days * 86_400)),
    st.sampled_from([-300, -3, -1, 0, 1, 240]).map(lambda seconds: ("to", seconds)),  # a boundary
)
ACTS = st.one_of(
    st.sampled_from(["wait", "wait", "job", "plan", "now"]).map(lambda what: (what, 0)),
    st.sampled_from([-1, 0, 15, 100, 359, 360, 4_000, 200_000]).map(lambda seconds: ("at", seconds)),
    st.integers(0, 3).map(lambda which: ("stolen", which)),
)
Steps = list[tuple[tuple[str, int], tuple[str, int]]]


class Table:
    """The rows of one algorithm, and what the database would refuse."""

    def __init__(self) -> None:
        self.rows: dict[str, SigningKey] = {}
        self._ids = count()

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield

    def signer(self, algorithm: str, at: datetime) -> SigningKey | None:
        return next((copy(row) for row in self.rows.values() if row.state(at) is KeyState.ACTIVE), None)

    def planned(self, algorithm: str, at: datetime) -> SigningKey | None:
        return next((copy(row) for row in self.rows.values() if row.state(at) is KeyState.NEXT), None)

    def named(self, kids: Sequence[str]) -> list[SigningKey]:
        return [copy(self.rows[kid]) for kid in sorted(kids)]

    def new(self, algorithm: str, begins_at: datetime, at: datetime) -> SigningKey:
        kid = f"key-{next(self._ids)}"
        return SigningKey(kid=kid, algorithm=algorithm, created_at=at, active_from=begins_at)

    def save(self, rows: Sequence[SigningKey]) -> None:
        for row in rows:
            self.rows[row.kid] = copy(row)
            self.no_two_sign()

    def no_two_sign(self) -> None:
        """As the exclusion constraint has it; an empty span is nobody's."""
        spans = sorted(
            (row.active_from, row.retired_at or datetime.max.replace(tzinfo=UTC))
            for row in self.rows.values()
            if row.active_from != row.retired_at
        )
        assert all(begin < end for begin, end in spans)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))

    def parsed(self, at: datetime, known: object) -> dict[str, ParsedKey]:
        """What a process reads."""
        key = cast(Any, object())
        return {
            row.kid: ParsedKey(
                row.kid,
                "ES256",
                {"kid": row.kid},
                key,
                key,
                row.active_from,
                row.retired_at,
                row.withdrawn_at,
            )
            for row in self.rows.values()
            if row.state(at) is not KeyState.WITHDRAWN
        }


@dataclass
class Story:
    """Two processes of ours, a verifier who keeps his copy for as long as he may, and what was issued."""

    table: Table
    at: datetime = START
    processes: tuple[keys._Held, keys._Held] = field(default_factory=lambda: (keys._Held(), keys._Held()))
    copies: list[tuple[datetime, set[str]]] = field(default_factory=list)
    issued: list[tuple[datetime, str]] = field(default_factory=list)
    stolen: set[str] = field(default_factory=set)
    hurried: set[str] = field(default_factory=set)  # took over from a stolen one, or was the first

    def move(self, how: str, seconds: int) -> None:
        if how == "by":
            self.at += timedelta(seconds=seconds)
            return
        moments = [
            moment for row in self.table.rows.values() for moment in (row.active_from, row.withdrawn_at)
        ]
        ahead = [moment for moment in moments if moment and moment > self.at]
        if ahead:
            self.at = max(self.at, min(ahead) + timedelta(seconds=seconds))

    def act(self, what: str, number: int) -> None:
        if what == "job":
            rotation.run(at=self.at)
        elif what == "plan":
            rotation.plan(algorithms=["ES256"], by=BY, at=self.at)
        elif what == "now":
            rotation.plan_soonest(algorithms=["ES256"], by=BY, at=self.at)
        elif what == "at":
            begins_at = self.at + timedelta(seconds=number)
            with suppress(Invalid):
                rotation.plan(algorithms=["ES256"], by=BY, at=self.at, begins_at=begins_at)
        elif what == "stolen":
            living = [
                kid for kid, row in self.table.rows.items() if row.state(self.at) is not KeyState.WITHDRAWN
            ]
            kid = living[-1 - number % len(living)]
            (done,) = rotation.withdraw(kids=[kid], by=BY, at=self.at)
            self.stolen.add(kid)
            self.hurried.add(done.signer)

    def look(self) -> None:
        """What must hold at this moment. Who checks by a copy has the oldest that he may have."""
        signer = self.table.signer("ES256", self.at)
        assert signer is not None
        oldest = self.at - timedelta(seconds=keys.MAX_AGE)
        self.copies = [(at, kids) for at, kids in self.copies if at > oldest]
        for held in self.processes:
            keys._held = held
            self.copies.append((self.at, {key["kid"] for key in keys.jwks(at=self.at)["keys"]}))
            self.issued.append((self.at, keys.signing_key(algorithm="ES256", at=self.at).kid))
        self.issued = [(at, kid) for at, kid in self.issued if self.at < at + LIFE and kid not in self.stolen]
        for _, kid in self.issued:
            for held in self.processes:
                keys._held = held
                assert keys.verifying_key(kid, at=self.at) is not None
            assert kid in self.hurried or all(kid in kids for _, kids in self.copies)

    def seconds_later(self) -> None:
        """Nobody takes what is withdrawn any more."""
        for held in self.processes:
            keys._held = held
            assert not {kid for kid in self.stolen if keys.verifying_key(kid, at=self.at)}


def test_no_living_token_becomes_unverifiable(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [START]
    monkeypatch.setattr(rotation, "ALGORITHMS", ("ES256",))
    monkeypatch.setattr(keys, "_held", keys._held)
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0].timestamp())

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.tuples(MOVES, ACTS), min_size=2, max_size=20))
    def tell(steps: Steps) -> None:
        table = Table()
        with pytest.MonkeyPatch.context() as patch:
            for name in ("turn", "signer", "planned", "named", "new", "save"):
                patch.setattr(rotation, f"_{name}", getattr(table, name))
            patch.setattr(rotation, "_record", lambda *_, **__: None)
            patch.setattr(rotation, "_forget_private", lambda _: None)
            patch.setattr(keys, "_read", table.parsed)
            story = Story(table)
            now[0] = story.at = START
            rotation.ensure(at=START)
            story.hurried |= set(table.rows)
            for move, act in steps:
                story.move(*move)
                now[0] = story.at
                story.look()
                story.act(*act)
                story.look()
            now[0] = story.at = story.at + timedelta(seconds=keys.LOOK_AGAIN)
            story.seconds_later()

    tell()


def test_the_settings_leave_room() -> None:
    """A retired key outlives the longest token; the next one is published for longer than it is kept."""
    assert timedelta(hours=1) > LIFE
    assert timedelta(hours=1) <= portal.SIGNING_KEY_KEPT
    assert timedelta(hours=1) > rotation.PUBLISHED_FOR
