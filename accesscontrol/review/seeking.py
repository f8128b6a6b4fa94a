"""The lines that count at one moment or two, and what is sought of them in the database."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from accesscontrol.decide import Ground, HeldRole, Permission, RoleBook
from accesscontrol.review import keys
from accesscontrol.review.keys import Edge, Side, Sought
from accesscontrol.review.slots import Counted, Fits, LineKey, counted, slots
from applications.availability import SharingFacts
from tenants.models import Tenant

Place = tuple[str, ...]  # of a line in the order of the review; each is there once


class Order(StrEnum):
    """Services, then people, by their ids; or people, then services, by their names."""

    ID = "id"
    NAME = "name"


def everything(_role: HeldRole, _permissions: frozenset[Permission]) -> bool:
    """No role is left out."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked at: at one moment, or what differs at ``other``; of which kind, name and roles."""

    tenant: Tenant
    application_id: str
    at: datetime
    other: datetime | None = None
    kind: str = ""
    text: str = ""  # a part of the name, or the id
    fits: Fits = everything
    order: Order = Order.ID
    rows_alone: bool = False
    most: int | None = None  # of more lines the number is not told: it is one more then

    @property
    def moments(self) -> list[datetime]:
        """One, or two."""
        return [self.at] if self.other is None else [self.at, self.other]


class Lines:
    """Those that count at each moment, for whoever holds them; told in the database by their numbers."""

    def __init__(self, asked: Asked, sharing: SharingFacts, book: RoleBook) -> None:
        self.asked = asked
        self.tenant_id = str(asked.tenant.id)
        known = slots(sharing, book, tenant_id=self.tenant_id)
        self._counted = [
            (at, counted(known, Ground(sharing, book, tenant_id=self.tenant_id, at=at)))
            for at in asked.moments
        ]
        self.lines = sorted({key for _at, lines in self._counted for key in lines})
        self._numbers = {key: number for number, key in enumerate(self.lines)}

    def roles(self) -> frozenset[str]:
        """Keys of those that are given to anybody at all. One statement."""
        sides = [self._side(at, lines) for at, lines in self._counted]
        given = keys.assigned(self.tenant_id, sides)
        every = {key: each.role.key for _at, lines in self._counted for key, each in lines.items()}
        return frozenset(role for key, role in every.items() if self._numbers[key] in given)

    def edge(self, first: str, user_id: UUID, key: LineKey, *, backwards: bool) -> Edge:
        """The place of a line, which may be there no more."""
        line = bisect_left(self.lines, key) if backwards else bisect_right(self.lines, key) - 1
        return Edge(first, user_id, line)

    def sought(self) -> Sought:
        """At one moment only the lines that fit; of two, those that fit at either, at both."""
        (at, was), (later, becomes) = self._counted[0], self._counted[-1]
        if self.asked.other is None:
            return self._sought(self._side(at, self._fit(was)))
        both = {
            key: replace(each, permissions=each.permissions | was[key].permissions)
            for key, each in becomes.items()
            if key in was and was[key].permissions != each.permissions
        }
        told = {"lost": self._fit(was), "gained": self._fit(becomes), "changed": self._fit(both)}
        fitting = {key for lines in told.values() for key in lines}
        before, after = (
            {key: each for key, each in lines.items() if key in fitting} for lines in (was, becomes)
        )
        numbers = {change: [self._numbers[key] for key in lines] for change, lines in told.items()}
        return self._sought(self._side(at, before), self._side(later, after), told=numbers)

    def surely(self) -> Sequence[Sought]:
        """Of two moments: who has such a line at the one is in the review, without a look at the other."""
        (at, was), (later, becomes) = self._counted
        lost = {key: each for key, each in was.items() if key not in becomes}
        gained = {key: each for key, each in becomes.items() if key not in was}
        sides = [self._side(at, self._fit(lost)), self._side(later, self._fit(gained))]
        return [self._sought(side) for side in sides if side.slots]

    def _sought(self, *sides: Side, told: Mapping[str, Sequence[int]] | None = None) -> Sought:
        return Sought(
            tenant_id=self.tenant_id,
            sides=sides,
            told=told or {},
            text=self.asked.text.lower(),
            by_name=self.asked.order is Order.NAME,
        )

    def _fit(self, lines: Mapping[LineKey, Counted]) -> Mapping[LineKey, Counted]:
        fits = self.asked.fits
        return {key: each for key, each in lines.items() if fits(each.role, each.permissions)}

    def _side(self, at: datetime, lines: Mapping[LineKey, Counted]) -> Side:
        return Side(at, [(slot, self._numbers[key]) for key, each in lines.items() for slot in each.slots])
