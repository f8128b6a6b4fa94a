"""What tenants keep and make for themselves in the naive model: resources and roles of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.support.naive_facts import Life, cut, lives

STATIC = "machines"  # the one that every application declares
DECLARED = frozenset(("read", "modify"))  # what it offers


@dataclass(eq=False)
class Kept:
    """One life of a tenant's own resource. ``places``: what it offered and what contained it, one after the
    other. That is the static one by its name, or another of these.
    """

    application: str
    tenant: str
    name: str
    life: Life
    places: list[tuple[frozenset[str], Kept | str | None, Life]] = field(default_factory=list)

    def offered(self, at: datetime) -> frozenset[str]:
        """What can be done with it at the moment."""
        return next((offered for offered, _, life in self.places if lives([life], at)), frozenset())

    def parent(self, at: datetime) -> Kept | str | None:
        """What contains it at the moment."""
        return next((parent for _, parent, life in self.places if lives([life], at)), None)

    def put(self, offered: frozenset[str], parent: Kept | str | None, at: datetime) -> None:
        """From now on."""
        self.leave(at)
        self.places.append((offered, parent, [at, None]))

    def leave(self, at: datetime) -> None:
        """It is nowhere any more."""
        cut([life for _, _, life in self.places], at)


@dataclass(eq=False)
class Made:
    """A role of a tenant's making. ``held``: (application, resource, privilege, life).

    None is the static resource.
    """

    tenant: str
    key: str
    held: list[tuple[str, Kept | None, str, Life]] = field(default_factory=list)


@dataclass
class Given:
    """That role, given."""

    tenant: str
    kind: str
    principal: str
    made: Made
    life: Life


class Own:
    """The part of the model that knows them."""

    places: list[tuple[str, str, Life]]
    kept: list[Kept]
    made: dict[str, Made]  # by key: no two tenants use the same
    given: dict[str, Given]

    def group_above(self, group: str, at: datetime) -> str | None:
        """The group that contains it."""
        return next(
            (above for below, above, life in self.places if below == group and lives([life], at)), None
        )

    def kept_at(self, application: str, tenant: str, at: datetime) -> dict[str, Kept]:
        """The tenant's own resources at the moment, by name."""
        return {
            known.name: known
            for known in self.kept
            if (known.application, known.tenant) == (application, tenant) and lives([known.life], at)
        }

    def above(self, known: Kept, at: datetime) -> list[Kept | str]:
        """What contains it, outwards."""
        found: list[Kept | str] = []
        here = known.parent(at)
        while here is not None:
            if isinstance(here, Kept) and not lives([here.life], at):
                break
            found.append(here)
            here = here.parent(at) if isinstance(here, Kept) else None
        return found

    def own_part(self, made: Made, application: str, at: datetime) -> dict[Kept, set[str]]:
        """What the role comes to on the tenant's own resources: while the application runs there."""
        found: dict[Kept, set[str]] = {}
        if self.own_way(application, made.tenant, at):
            for named, kept, privilege, life in made.held:
                if named == application and kept is not None and lives([life], at):
                    found.setdefault(kept, set()).add(privilege)
        return found

    def static_part(self, made: Made, application: str, at: datetime) -> frozenset[str]:
        """On the static one: what some role contains that is granted as owned or by provision."""
        contained: set[str] = set()
        for key in self.keys(application):
            role = self.living_role(application, key, at)
            ways = self.granted(application, key, made.tenant, at)
            if role is not None and any(relation != "access" for relation, _, _ in ways):
                contained |= role.privileges(at)
        return frozenset(
            privilege
            for named, kept, privilege, life in made.held
            if named == application and kept is None and lives([life], at) and privilege in contained
        )

    def on(
        self, application: str, key: str, contract: str | None, owner: str, name: str, at: datetime
    ) -> frozenset[str]:
        """The privileges that the holder of a role has by it, on one resource in the data of one tenant."""
        whole = self.amounts_to(application, key, contract, at)
        if name == STATIC:
            return whole
        known = self.kept_at(application, owner, at).get(name)
        if known is None:
            return frozenset()
        own = self.own_part(self.made[key], application, at) if key in self.made else {}
        covered: set[str] = set()
        for each in self.above(known, at):
            covered |= whole if each == STATIC else own.get(each, set())
        return frozenset(own.get(known, set()) | (covered & known.offered(at)))

    def named(
        self, application: str, key: str, contract: str | None, at: datetime
    ) -> frozenset[tuple[str, str]]:
        """(resource, privilege) as the role itself names them."""
        found = {(STATIC, privilege) for privilege in self.amounts_to(application, key, contract, at)}
        if key in self.made:
            for kept, privileges in self.own_part(self.made[key], application, at).items():
                found |= {(kept.name, privilege) for privilege in privileges}
        return frozenset(found)

    def given_held(self, tenant: str, kind: str, principal: str, application: str, at: datetime) -> set[str]:
        """Keys of the tenant's own roles that count for a principal."""
        return {
            given.made.key
            for given in self.given.values()
            if given.tenant == tenant and lives([given.life], at) and self.reaches(given, kind, principal, at)
            if self.static_part(given.made, application, at) or self.own_part(given.made, application, at)
        }

    def acl(self, application: str, at: datetime) -> dict[str, dict[str, set[tuple]]]:
        """For each tenant that is served, and each resource there: (role key, mark, privileges).

        Of roles granted as owned or by provision, and of the tenant's own. Marked ones are for those who work
        there by an access contract.
        """
        found: dict[str, dict[str, set[tuple]]] = {}
        for tenant in self.tenants:
            if self.own_way(application, tenant, at):
                roles = self.holding(application, tenant, at)
                found[tenant] = {
                    name: {
                        (key, mark, held)
                        for key, mark in roles
                        if (held := self.on(application, key, mark, tenant, name, at))
                    }
                    for name in (STATIC, *self.kept_at(application, tenant, at))
                }
        return found

    def holding(self, application: str, tenant: str, at: datetime) -> list[tuple[str, str | None]]:
        """Every name under which somebody can hold something there: (role key, mark)."""
        found: list[tuple[str, str | None]] = [
            (made.key, None) for made in self.made.values() if made.tenant == tenant
        ]
        for key in self.keys(application):
            ways = self.granted(application, key, tenant, at)
            role = self.living_role(application, key, at)
            if role is not None and any(relation != "access" for relation, _, _ in ways):
                found.append((key, None))
                for contract_id, contract in self.contracts.items():
                    given = contract.type == "access" and contract.provider == tenant
                    if given and self.counts(contract, role, at) and self.was_marked(contract, role, at):
                        found.append((key, contract_id))
        return found

    def own_moments(self) -> list[datetime]:
        """Every moment at which anything of this part begins or ends."""
        periods = [life for known in self.kept for life in (known.life, *(life for *_, life in known.places))]
        periods += [life for made in self.made.values() for *_, life in made.held]
        return sorted({moment for period in periods for moment in period if moment is not None})

    # --- what happens ---

    def let_go(self, known: Kept, at: datetime) -> None:
        """It ends, and what roles hold on it."""
        cut([known.life], at)
        known.leave(at)
        cut([life for made in self.made.values() for _, kept, _, life in made.held if kept is known], at)

    def place(self, known: Kept, offered: frozenset[str], parent: Kept | str | None, at: datetime) -> None:
        """From now on; what it does not offer any more is taken from roles."""
        known.put(offered, parent, at)
        lost = [
            life
            for made in self.made.values()
            for _, kept, privilege, life in made.held
            if kept is known and privilege not in offered
        ]
        cut(lost, at)

    def end_all_of(self, application: str, at: datetime) -> None:
        """The application is retired: nothing of it is left to hold anything on."""
        for known in self.kept:
            if known.application == application:
                cut([known.life], at)
                known.leave(at)
        held = [entry for made in self.made.values() for entry in made.held]
        cut([life for named, _, _, life in held if named == application], at)

    def define(self, made: Made, wanted: list[tuple[str, Kept | None, str]], at: datetime) -> None:
        """The role holds exactly this from now on."""
        living = [entry for entry in made.held if lives([entry[3]], at)]
        cut([life for *named, life in living if tuple(named) not in wanted], at)
        there = [tuple(named) for *named, _ in living]
        made.held += [(*named, [at, None]) for named in wanted if named not in there]
