"""The permissions of a role as a matrix: resources in their trees against the five privileges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accesscontrol.views.role_choices import Granting
from applications.models.applications import PORTAL_ID
from applications.trees import Forest, Node
from iam_portal.gate import Privilege
from iam_portal.templatetags.privileges import joined, word
from iam_portal.translating import translated

PRIVILEGES = [privilege.value for privilege in Privilege]
Held = Mapping[UUID, frozenset[str]]  # resource → privileges that the role names on it


@dataclass(frozen=True, slots=True)
class Cell:
    """One privilege on one resource. ``by``: what contains it gives it; ``box``: the value that is sent.

    ``word`` and ``label``: the privilege, and what the box is called, in the reader's language.
    """

    privilege: str
    word: str
    label: str
    offered: bool
    given: bool
    by: str = ""
    box: str = ""
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A resource; ``heading`` is the application's name where its part begins."""

    node: Node
    heading: str
    path: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    row: str = ""  # what the form sends back of it as it was drawn


@dataclass(slots=True)
class Matrix:
    """Draws lines of one forest for one role. ``here``: what the tenant's own role may be made of.

    ``granting`` is who looks, where he may change it.
    """

    forest: Forest
    held: Held
    running: frozenset[str]
    names: Mapping[str, str]
    granting: Granting | None = None
    bases: Held = field(default_factory=dict)
    searched: bool = False
    judged: bool = True  # whether it is said what counts for nothing here

    def given(self) -> list[Node]:
        """What the role gives anything on, by itself or by what contains it."""
        return [node for node in self.forest.nodes.values() if self.held.get(node.id) or self._above(node)]

    def usable(self, node: Node) -> set[str]:
        """What a role of the tenant may hold of it, for now."""
        if node.application_id not in self.running:
            return set()
        return set(node.offered) if node.dynamic else set(node.offered) & node.usable

    def lines(self, nodes: Iterable[Node]) -> list[Line]:
        """As the template prints them."""
        made: list[Line] = []
        before = ""
        words = {each: word(each) for each in PRIVILEGES}
        for node in nodes:
            heading = "" if node.application_id == before else self.names.get(node.application_id, "")
            before = node.application_id
            made.append(self._line(_worded(node), heading, words))
        return made

    def _line(self, node: Node, heading: str, words: Mapping[str, str]) -> Line:
        held, above = self.held.get(node.id, frozenset()), self._above(node)
        locked = self.locked(node)
        label = _("%(privilege)s on %(name)s") if self.granting is not None else ""
        cells = tuple(
            Cell(
                privilege=each,
                word=words[each],
                label=label and label % {"privilege": words[each], "name": node.name},
                offered=each in node.offered,
                given=each in held,
                by=above.get(each, "") if each in node.offered else "",
                box=f"{node.id}.{each}",
                locked=each in locked,
            )
            for each in PRIVILEGES
        )
        path = " › ".join(reversed([each.name for each in self.forest.above(node)]))
        row = ""
        if self.granting is not None:
            base = self.bases.get(node.id, held)
            row = ".".join((str(node.id), str(mask(base)), str(mask(locked))))
        return Line(node, heading, path if self.searched else "", cells, tuple(self._notes(node)), row)

    def locked(self, node: Node) -> frozenset[str]:
        """What whoever looks may neither give nor take, or what there is none of here."""
        if self.granting is None:
            return frozenset()
        held = self.held.get(node.id, frozenset()) | self.bases.get(node.id, frozenset())
        usable = self.usable(node)
        return frozenset(
            each
            for each in node.offered
            if not self._may(node, each) or (each not in usable and each not in held)
        )

    def _may(self, node: Node, privilege: str) -> bool:
        assert self.granting is not None
        portal = node.application_id == PORTAL_ID
        asked = [(node.type, node.key, privilege)] if portal else []
        return self.granting.of_role(asked, foreign=not portal).allowed

    def _above(self, node: Node) -> dict[str, str]:
        """What it has from what contains it: privilege → the name of the innermost that gives it."""
        found: dict[str, str] = {}
        for each in self.forest.above(node):
            for privilege in self.held.get(each.id, frozenset()):
                if privilege in node.offered:
                    found.setdefault(privilege, each.name)
        return found

    def _notes(self, node: Node) -> Iterable[str]:
        if node.dynamic:
            yield _("your organization's own")
        held = self.held.get(node.id, frozenset())
        idle = sorted(held - self.usable(node), key=PRIVILEGES.index) if self.judged else []
        if idle:
            yield _("Counts for nothing at present: %(privileges)s.") % {"privileges": joined(idle)}
        if self.granting is None:
            return
        usable = self.usable(node) | held
        offered = [each for each in PRIVILEGES if each in node.offered]
        lacks = [each for each in offered if each in usable and not self._may(node, each)]
        if lacks and node.application_id == PORTAL_ID:
            yield _("You do not hold it yourself: %(privileges)s.") % {"privileges": joined(lacks)}
        missing = [each for each in offered if each not in usable]
        if missing:
            named = {"privileges": joined(missing)}
            yield _("No role of your organization has: %(privileges)s.") % named


def mask(privileges: Iterable[str]) -> int:
    """Five bits, the first privilege the lowest."""
    return sum(1 << PRIVILEGES.index(each) for each in set(privileges))


def unmasked(bits: int) -> frozenset[str]:
    """The other way round."""
    return frozenset(each for index, each in enumerate(PRIVILEGES) if bits >> index & 1)


def legend() -> list[dict[str, Any]]:
    """The columns."""
    return [{"name": each} for each in PRIVILEGES]


def _worded(node: Node) -> Node:
    """What the portal itself declares has words in every language."""
    return node._replace(name=translated(node.name)) if node.application_id == PORTAL_ID else node
