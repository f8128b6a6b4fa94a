"""What roles come to, on the facts of one tenant at one moment: each worked out once, whoever holds it."""

from datetime import datetime
from functools import cached_property

from accesscontrol.decide.confirmed import confirmed_permissions
from accesscontrol.decide.covering import Amount, Permission
from accesscontrol.decide.held import HeldRole, RoleBook, living
from applications.availability import Answer, SharingFacts, available, granted


class Ground:
    """On which the roles of one application stand in a tenant. Thousands of assignments share one."""

    def __init__(self, sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime) -> None:
        self.sharing, self.book, self.tenant_id, self.at = sharing, book, tenant_id, at
        self._answers: dict[str, Answer] = {}
        self._made: dict[str, Amount] = {}
        self._declared: dict[tuple[str, str | None], Amount] = {}

    def answer(self, key: str) -> Answer:
        """Whether a role of the application is granted here, and by which ways."""
        if key not in self._answers:
            self._answers[key] = granted(self.sharing, role=key, tenant_id=self.tenant_id, at=self.at)
        return self._answers[key]

    @cached_property
    def granted(self) -> frozenset[Permission]:
        """Permissions contained in a role that is granted to the tenant as owned or by provision."""
        found: set[Permission] = set()
        for key, facts in self.book.application.items():
            if own_way(self.answer(key)):
                found |= living(facts, self.at)
        return frozenset(found)

    @cached_property
    def is_there(self) -> bool:
        """Whether the application is there as owned or by provision."""
        return own_way(available(self.sharing, tenant_id=self.tenant_id, at=self.at))

    def made(self, key: str) -> Amount:
        """What a role of the tenant's own making comes to.

        On static resources what a role contains that is granted as owned or by provision; on the tenant's own
        all that it names, while the application is there in one of these ways.
        """
        if key not in self._made:
            static = living(self.book.tenant.get(key, ()), self.at)
            own = living(self.book.own.get(key, ()), self.at)
            self._made[key] = Amount(
                frozenset(static & self.granted if static else static),
                frozenset(own if own and self.is_there else ()),
            )
        return self._made[key]

    def comes_to(self, role: HeldRole) -> Amount:
        """What a held role comes to: by the way by which it is held."""
        if role.relation == "tenant":
            return self.made(role.key)
        slot = (role.key, role.contract_id)
        if slot not in self._declared:
            facts, contract = self.book.application.get(role.key, ()), self.sharing.contract(role.contract_id)
            held = (
                living(facts, self.at)
                if contract is None
                else confirmed_permissions(contract, role.key, facts, at=self.at)
            )
            self._declared[slot] = Amount(frozenset(held))
        return self._declared[slot]


def own_way(answer: Answer) -> bool:
    """Whether one of the ways that hold is not an access contract."""
    return any(way.relation != "access" for way in answer.holding)
