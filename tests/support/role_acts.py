"""What happens to roles themselves: they gain and lose, and providers confirm: rules of a random history."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from accesscontrol import drift
from applications import rolechanges
from applications.actions import confirmations
from applications.actions.requirements import Tick
from iam_portal.walls import tenant_scope
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.happening import History, application_ids, index, role_sets
from tests.support.universe import PRIVILEGES, TENANTS

role_keys = st.sampled_from(list(PRIVILEGES))
held_by_viewer = st.sampled_from([["read"], ["read", "modify"], ["modify"]])
held_by_editor = st.sampled_from([["read", "modify"], ["modify"]])


class RoleActs(History):
    """Roles grow and shrink by manifest; what grew waits for the providers of access contracts."""

    @rule(application=application_ids, viewer=held_by_viewer, editor=held_by_editor, roles=role_sets)
    def roles_grow_and_shrink(self, application, viewer, editor, roles) -> None:
        living = tuple(
            key for key in self.model.keys(application) if self.model.living_role(application, key, self.at)
        )
        if self.model.applications[application].life[1] is None:
            held = {"viewer": viewer, "editor": editor}
            self.u.declare(application, living or roles, self.at, held)

    @rule(application=application_ids, asked=st.sets(st.tuples(application_ids, role_keys), max_size=3))
    def require(self, application, asked) -> None:
        """Another list of required roles; else the manifest stays as it is."""
        if self.model.applications[application].life[1] is not None:
            return
        held = {
            key: sorted(role.privileges(self.at))
            for key in PRIVILEGES
            if (role := self.model.living_role(application, key, self.at))
        }
        self.model.required[application] = asked
        self.u.declare(application, tuple(held), self.at, held)

    @rule(number=index, some=st.integers(0, 3))
    def accept_with_ticks(self, number: int, some: int) -> None:
        if found := self.pick(number, "proposed"):
            key, row = found
            brought = {term.role.application for term in row.terms} if row.type == "provision" else set()
            could = [
                Tick(application, wanted, role)
                for application in sorted(brought)
                for wanted, role in sorted(self.model.required.get(application, ()))
            ]
            ticks = could[:some]
            expected = self.model.shareable(row, self.at) and not self.model.lapsed(row, self.at)
            had = all(self.can_be_had(row, tick) for tick in ticks)
            self.tries(lambda: self.u.accept(key, self.at, ticks), expected and had)

    def can_be_had(self, row: naive.Contract, tick: Tick) -> bool:
        """Granted for the consumer itself, or agreed for now or later; the application has a part there."""
        role = self.model.living_role(tick.wanted_application, tick.wanted_role, self.at)
        if role is None or self.model.applications[tick.application_id].life[1] is not None:
            return False
        ways = self.model.granted(role.application, role.key, row.consumer, self.at)
        agreed = [
            known
            for known in self.model.contracts.values()
            if known.consumer == row.consumer and known.type == "provision"
            if known is row or self.model.running(known, self.at)
        ]
        planned = any(
            (term.role.application, term.role.key) == (role.application, role.key)
            for known in agreed
            for term in known.terms
        )
        return planned or any(relation != "access" for relation, _, _ in ways)

    @invariant()
    def drift_agrees(self) -> None:
        if self.turn % 2:
            return
        name = TENANTS[self.turn // 2 % 4]
        tenant = self.u.tenants[name]
        with tenant_scope(tenant.id):
            lines = drift.report(tenant=tenant, actor=SYSTEM, at=self.at, now=self.at)
        assert {line.key: line.met.state for line in lines} == self.model.drift(name, self.at), name
        assert all(line.met.decision.reasons for line in lines)

    @rule(number=index)
    def confirm(self, number: int) -> None:
        passed_on = [(key, row) for key, row in self.model.contracts.items() if row.type == "access"]
        living = [(key, row) for key, row in passed_on if self.model.running(row, self.at)]
        grown = [(key, row) for key, row in living if self.model.grown(row, self.at)]
        if not living:
            return
        key, row = (grown or living)[number % len(grown or living)]
        self.confirm_one(key, row)

    def confirm_one(self, key: str, row: naive.Contract) -> None:
        gains = rolechanges.gained([UUID(key)], at=self.at)
        told = {(gain.application_id, gain.role) for gain in gains}
        expected = {(term.role.application, term.role.key) for term in self.model.grown(row, self.at)}
        assert told == expected
        tenant = self.u.tenants[row.provider]
        act = {"contract_id": UUID(key), "by": SYSTEM, "at": self.at}
        shown = confirmations.revision_of(gains)
        done = self.tries(
            lambda: confirmations.confirm(tenant=tenant, expected=shown, **act), expected=bool(expected)
        )
        if done:
            self.model.confirm(row, self.at)
