"""What a review is made of: lines at a moment and changes between two, by the rules of every token."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from accesscontrol.decide import (
    AssignmentFact,
    CallFacts,
    Ground,
    HeldRole,
    Permission,
    PrincipalFacts,
    RoleBook,
    may_call,
    roles_on,
)
from applications.availability import SharingFacts

USER, SERVICE = "user", "service"


@dataclass(frozen=True, slots=True)
class Line:
    """One role that counts for one principal, with every assignment by which it does."""

    kind: str
    principal_id: str
    name: str
    role: HeldRole
    through: tuple[AssignmentFact, ...]
    permissions: frozenset[Permission]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Its place in the review."""
        return self.kind, self.principal_id, self.role.urn, self.role.contract_id or ""


@dataclass(frozen=True, slots=True)
class Change:
    """A line that is not the same at the other moment: gained, lost or changed."""

    what: str
    line: Line
    before: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Review:
    """Everything at one look, for any moment from ``since`` on."""

    tenant_id: str
    sharing: SharingFacts
    book: RoleBook
    people: tuple[tuple[str, PrincipalFacts], ...]
    services: tuple[tuple[str, CallFacts], ...]

    def lines(self, at: datetime) -> list[Line]:
        """At the moment, in their order."""
        ground = Ground(self.sharing, self.book, tenant_id=self.tenant_id, at=at)
        found = [line for name, facts in self.people for line in self._of_person(name, facts, ground)]
        found += [line for name, facts in self.services for line in self._of_service(name, facts, ground)]
        return sorted(found, key=lambda line: line.key)

    def changes(self, at: datetime, other: datetime) -> list[Change]:
        """From the one moment to the other, in the order of the lines."""
        was = {line.key: line for line in self.lines(at)}
        becomes = {line.key: line for line in self.lines(other)}
        found = []
        for key in sorted(was.keys() | becomes.keys()):
            before, after = was.get(key), becomes.get(key)
            if after is None and before is not None:
                found.append(Change("lost", before, before.permissions))
            elif before is None and after is not None:
                found.append(Change("gained", after, frozenset()))
            elif before is not None and after is not None and before.permissions != after.permissions:
                found.append(Change("changed", after, before.permissions))
        return found

    def between(self, at: datetime, other: datetime | None) -> list[Change]:
        """The changes to the other moment; without one every line, as it is."""
        if other is not None:
            return self.changes(at, other)
        return [Change("", line, line.permissions) for line in self.lines(at)]

    def _of_person(self, name: str, facts: PrincipalFacts, ground: Ground) -> Iterator[Line]:
        """Each assignment by itself: two that give the same role are two ways to it.

        One that comes by several groups below its own is one way.
        """
        held: dict[tuple[str, str | None], HeldRole] = {}
        ways: dict[tuple[str, str | None], dict[str, AssignmentFact]] = defaultdict(dict)
        for assignment in facts.assignments:
            alone = replace(facts, assignments=(assignment,))
            for role in roles_on(ground, alone, at=ground.at).held:
                held.setdefault((role.urn, role.contract_id), role)
                ways[role.urn, role.contract_id].setdefault(assignment.id, assignment)
        for slot, role in held.items():
            amount = ground.comes_to(role).together()
            through = tuple(sorted(ways[slot].values(), key=_by_way))
            yield Line(USER, facts.principal_id, name, role, through, amount)

    def _of_service(self, name: str, facts: CallFacts, ground: Ground) -> Iterator[Line]:
        """In the tenant by what was given there; elsewhere by what the tenant gave under a contract."""
        here = facts.tenant_id == self.tenant_id
        given = facts.local if here else facts.at_home
        for role in may_call(facts, at=ground.at).roles:
            if here != (role.contract_id is None):
                continue  # given by another tenant: its affair
            ways = tuple(way for way in given.assignments if _gives(way, role, ground.at))
            if ways:
                amount = ground.comes_to(role).together()
                yield Line(SERVICE, given.principal_id, name, role, ways, amount)


def _by_way(way: AssignmentFact) -> tuple[str, str]:
    """What was given directly first, then by the groups' names."""
    return way.via.group_name if way.via else "", way.id


def _gives(way: AssignmentFact, role: HeldRole, at: datetime) -> bool:
    made = role.relation == "tenant"
    key = way.tenant_role if made else way.application_role
    return key == role.key and way.contract_id == role.contract_id and way.span.covers(at)
