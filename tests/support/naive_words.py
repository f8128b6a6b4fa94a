"""What roles amount to in the naive model: through an access contract, as far as its provider's word goes."""

from datetime import datetime

from tests.support.naive_facts import Assignment, Contract, Role, Term, cut, lives


class Words:
    """The part of the model that knows what was confirmed."""

    contracts: dict[str, Contract]

    assignments: dict[str, Assignment]
    required: dict[str, set[tuple[str, str]]]

    # --- what a role amounts to ---

    def confirmed(self, contract: Contract, role: Role, at: datetime) -> frozenset[str]:
        """Through an access contract: what the role held when its provider confirmed it, and still holds."""
        for term in contract.terms:
            if term.role is role and lives([term.life], at):
                return role.privileges(at, term.confirmed or term.life[0])
        return frozenset()

    def amounts_to(self, application: str, key: str, contract: str | None, at: datetime) -> frozenset[str]:
        """The privileges that the holder of a role has by it on what its application declares."""
        if key in self.made:
            return self.static_part(self.made[key], application, at)
        role = self.living_role(application, key, at)
        if role is None:
            return frozenset()
        if contract is None:
            return role.privileges(at)
        return self.confirmed(self.contracts[contract], role, at)

    def mark(self, application: str, key: str, contract: str | None, at: datetime) -> str | None:
        """The contract, where through it the role amounts to less than it is."""
        whole = self.amounts_to(application, key, None, at)
        return contract if self.amounts_to(application, key, contract, at) != whole else None

    def was_marked(self, contract: Contract, role: Role, at: datetime) -> bool:
        """Whether some moment up to this one saw the role hold more than was confirmed."""
        for term in contract.terms:
            for _, life in role.held:
                begin = max(life[0], term.life[0])
                both = lives([life], begin) and lives([term.life], begin)
                known = lives([life], term.confirmed or term.life[0])
                if term.role is role and both and not known and begin <= at:
                    return True
        return False

    def grown(self, contract: Contract, at: datetime) -> list[Term]:
        """Terms that are not over, of roles that hold more than was confirmed."""
        found = []
        for term in contract.terms:
            start, end = term.life
            over = start == end or (end is not None and end <= at)
            confirmed = term.confirmed or start
            if not over and term.role.privileges(at) != term.role.privileges(at, confirmed):
                found.append(term)
        return found

    def confirm(self, contract: Contract, at: datetime) -> None:
        """The provider's word: grown roles count as they are from now on."""
        grown = [term.role for term in self.grown(contract, at)]
        for term in list(contract.terms):
            start, end = term.life
            if term.role in grown and start != end and (end is None or end > at):
                contract.terms.append(Term(term.role, [max(start, at), end], term.until, confirmed=at))
                cut([term.life], at)

    # --- what applications require of others ---

    def is_free(self, wanted: Assignment) -> bool:
        """No assignment of the same role to the same principal lies in its time."""
        for known in self.assignments.values():
            same = (known.tenant, known.kind, known.principal, known.contract) == (
                wanted.tenant,
                wanted.kind,
                wanted.principal,
                wanted.contract,
            )
            start, end = known.life
            if same and known.role is wanted.role and start != end and (end is None or end > wanted.life[0]):
                return False
        return True

    def drift(self, tenant: str, at: datetime) -> dict[tuple[str, str, str], str]:
        """How each required role of what is there stands: held, open or not_available."""
        found = {}
        for application, asked in self.required.items():
            if not self.own_way(application, tenant, at):
                continue
            for wanted, key in asked:
                ways = {relation for relation, _, _ in self.granted(wanted, key, tenant, at)}
                held = {key for key, _, _ in self.held(tenant, "application", application, wanted, at)}
                state = "open" if ways - {"access"} else "not_available"
                found[application, wanted, key] = "held" if key in held else state
        return found
