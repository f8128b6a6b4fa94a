"""What the naive model knows: plain records. A *life* is ``[start, end]``, without its end."""

from dataclasses import dataclass, field
from datetime import datetime

Life = list  # [start, end or None]


def lives(periods: list[Life], at: datetime) -> bool:
    """Whether one of the periods contains the moment."""
    return any(start <= at and (end is None or at < end) for start, end in periods)


def cut(periods: list[Life], at: datetime) -> None:
    """End every period at the moment: what has not begun never happens, what is over stays."""
    for period in periods:
        start, end = period
        if start >= at:
            period[1] = start
        elif end is None or end > at:
            period[1] = at


@dataclass
class Role:
    """One life of a role: taken away and declared again, it is another one."""

    application: str
    key: str
    held: list[tuple[str, Life]]  # each privilege with its life; taken away and given again, it is two
    life: Life

    def privileges(self, *moments: datetime) -> frozenset[str]:
        """Those of which one life contains all of the moments."""
        return frozenset(
            privilege for privilege, life in self.held if all(lives([life], at) for at in moments)
        )


@dataclass
class Application:
    owner: str
    life: Life
    suspended: list[Life] = field(default_factory=list)


@dataclass
class Term:
    role: Role
    life: Life
    until: datetime | None = None  # an amendment takes the role away then, wherever the contract's end lies
    confirmed: datetime | None = None  # None: with its beginning


@dataclass
class Amendment:
    """What one side wants changed. ``moves``: the end becomes ``ends``; None is no end."""

    by_consumer: bool
    add: list[tuple[str, str]]
    remove: list[tuple[str, str]]
    moves: bool
    ends: datetime | None
    when: datetime | None
    answer_by: datetime | None = None
    proposed: datetime | None = None
    roles: list[Role] = field(default_factory=list)  # the lives of what it would add


@dataclass
class Contract:
    type: str
    provider: str
    consumer: str
    onward: bool
    terms: list[Term]
    starts: datetime | None
    ends: datetime | None
    answer_by: datetime | None
    state: str = "draft"
    proposed: datetime | None = None
    pauses: list[Life] = field(default_factory=list)
    waiting: Amendment | None = None


@dataclass
class Assignment:
    tenant: str
    kind: str  # user, group, application
    principal: str
    application: str
    key: str
    role: Role
    contract: str | None
    life: Life
