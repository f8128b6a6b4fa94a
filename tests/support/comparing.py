"""The portal's answers beside those of the naive model, below the doors."""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from accesscontrol import acl
from accesscontrol import facts as load
from accesscontrol.decide import HeldRole, RoleBook, confirmed_permissions, effective_roles, may_call
from applications import facts, readlist, readmodel
from applications.availability import SharingFacts, available, granted
from applications.models import Announced, Availability, Event
from applications.turns import turns
from iam_portal.walls import cross_tenant, tenant_scope
from tests.support.happening import APPS, History
from tests.support.kept_acl import read_acl
from tests.support.naive_own import STATIC
from tests.support.universe import NAMES, PRIVILEGES, TENANTS


class Comparing(History):
    """Each method compares one kind of answer at one or several moments."""

    def probes(self) -> list[datetime]:
        """Now and two others, past or planned: often a boundary, sometimes a second beside one."""
        self.turn += 1
        dice = random.Random(self.turn)
        moments = self.model.moments() + self.model.own_moments()
        return [
            self.at,
            *(dice.choice(moments) + timedelta(seconds=dice.choice([0, 0, -1, 1])) for _ in range(2)),
        ]

    def found_either_way(self) -> dict[str, SharingFacts]:
        """Facts of all tenants: terms found by their contracts and by their roles are the same."""
        everybody = [tenant.id for tenant in self.u.tenants.values()]
        by_contract = facts.sharing(APPS, tenant_ids=everybody)
        with mock.patch.object(facts, "_finding", lambda *_: facts._BY_ROLE):
            assert facts.sharing(APPS, tenant_ids=everybody) == by_contract
        return by_contract

    def pure_agrees(self, known: Any, application: str, name: str, tenant_id: str, at: datetime) -> None:
        for key in PRIVILEGES:
            answer = granted(known, role=key, tenant_id=tenant_id, at=at)
            ways = {(w.relation, w.contract_id, self.u.named(w.scope_tenant_id)) for w in answer.holding}
            assert ways == self.model.granted(application, key, name, at), (application, key, name, at)
            assert bool(answer) == bool(ways)
            assert answer.decision.reasons
        answer = available(known, tenant_id=tenant_id, at=at)
        ways = {(w.relation, w.contract_id, self.u.named(w.scope_tenant_id)) for w in answer.holding}
        assert ways == self.model.available(application, name, at), (application, name, at)
        alone = known.apart([tenant_id])[tenant_id]
        assert available(alone, tenant_id=tenant_id, at=at) == answer
        if at == self.at:
            told = [(turn.at, turn.available) for turn in turns(known, tenant_id=tenant_id)]
            assert told == self.model.turns(application, name), (application, name)

    def rows_agree(self, probes: list[datetime]) -> None:
        rows = list(
            Availability.objects.values_list(
                "application_id", "tenant_id", "relation", "contract_id", "scope_tenant_id", "during"
            )
        )
        for at in probes:
            found: dict[tuple[str, str], set[tuple]] = {(a, t): set() for a in APPS for t in TENANTS}
            for application, tenant_id, relation, contract_id, scope, during in rows:
                if at in during:
                    contract = str(contract_id) if contract_id else None
                    pair = found[application, self.u.named(tenant_id)]
                    assert (relation, contract, self.u.named(scope)) not in pair, "two rows for one reason"
                    pair.add((relation, contract, self.u.named(scope)))
            for (application, name), ways in found.items():
                assert ways == self.model.available(application, name, at), (application, name, at)

    def list_agrees(self, turn: int, probes: list[datetime]) -> None:
        for name, at in (
            (TENANTS[turn % 4], probes[0]),
            (TENANTS[(turn + 1) % 4], probes[0]),
            (TENANTS[turn % 4], probes[1]),
        ):
            question = readlist.Question(tenant_id=self.u.tenants[name].id, at=at)
            self.compare_list(readlist.read(question), name, at)

    def compare_list(self, rows: list[dict[str, Any]], name: str, at: datetime) -> None:
        expected = {app: ways for app in APPS if (ways := self.model.available(app, name, at))}
        assert [row["applicationId"] for row in rows] == sorted(expected), (name, at)
        for row in rows:
            ways = expected[row["applicationId"]]
            assert set(row["relations"]) == {relation for relation, _, _ in ways}
            shares = {(r, c, s) for r, c, s in ways if c}
            assert {
                (c["type"], c["contractId"], self.u.named(c["scopeTenantId"])) for c in row["contracts"]
            } == shares
            told = self.model.turns(row["applicationId"], name)
            begun = [moment for moment, now in told if now and moment <= at][-1]
            until = next((moment for moment, now in told if not now and moment > at), None)
            assert row["availableFrom"] == _wire(begun)
            assert row["availableUntil"] == _wire(until)

    def acl_agrees(self, application: str, at: datetime) -> None:
        found = acl.build(self.u.applications[application], at=at)
        self.compare_acl(found, application, at)
        if at == self.at:  # no clock goes back
            kept = read_acl(self.u.applications[application], at=at)["resources"]
            assert kept == found, "what is kept is so"

    def compare_acl(self, entries: list[dict[str, Any]], application: str, at: datetime) -> None:
        served: dict[str, dict[str, set[tuple]]] = {}
        for entry in entries:
            name, resource = self.u.named(entry["owningTenantId"]), entry["resourceId"]
            assert resource not in served.setdefault(name, {}), "one resource, one entry"
            assert (entry["kind"] == "static") == (resource == STATIC)
            found = served[name][resource] = set()
            for grant in entry["grants"]:
                scope, app, key, mark = named_by(grant["role"])
                assert (self.u.named(scope), app or application) == (name, application)
                found.add((key, mark, frozenset(grant["privileges"])))
        assert served == self.model.acl(application, at), (application, at)

    def calls_agree(self, turn: int, probes: list[datetime]) -> None:
        for number in (turn,):
            caller, name = APPS[number % 3], TENANTS[number % 4]
            tenant = self.u.tenants[name]
            known = load.calls(caller=self.u.applications[caller], target_ids=list(APPS), tenant_id=tenant.id)
            for at in probes:
                for target in APPS:
                    call = may_call(known[target], at=at)
                    told = {self.said(role.urn) for role in call.roles}
                    expected = self.model.may_call(caller, target, name, at)
                    assert told == expected, (caller, target, name, at)
                    assert bool(call) == bool(expected)
                    assert call.decision.reasons

    def users_agree(self, name: str, probes: list[datetime]) -> None:
        tenant = self.u.tenants[name]
        with tenant_scope(tenant.id):
            who = load.Principal(tenant.id, user_id=self.u.users[name].id)
            held = load.principal(who, application_ids=APPS)
            books = load.books(APPS, tenant_id=tenant.id)
        sharing = facts.sharing(APPS, tenant_ids=[tenant.id])
        for at in probes:
            for application in APPS:
                roles = effective_roles(held[application], sharing[application], books[application], at=at)
                told = {(r.key, r.contract_id, self.u.named(r.scope_tenant_id)) for r in roles.held}
                assert told == self.model.held(name, "user", name, application, at), (application, name, at)
                self.holders_can(roles.held, application, at)
                for role in roles.held:
                    if role.relation != "tenant":
                        self.confirmed_agrees(role, sharing[application], books[application], at)

    def confirmed_agrees(self, role: HeldRole, sharing: SharingFacts, book: RoleBook, at: datetime) -> None:
        """Through an access contract: rule and mark say the same, at any moment."""
        contract = sharing.contract(role.contract_id)
        if contract is None:
            return
        facts = book.application.get(role.key, ())
        found = {privilege for *_, privilege in confirmed_permissions(contract, role.key, facts, at=at)}
        whole = {fact.permission[2] for fact in facts if fact.span.covers(at)}
        assert found == self.model.amounts_to(sharing.application.id, role.key, contract.id, at)
        assert (role.urn.count(":contract:") == 1) == (found != whole)

    def holders_can(self, held: Iterable[HeldRole], application: str, at: datetime) -> None:
        """The URN that a holder carries, looked up in the ACL, is what the model says he may do."""
        if not held or at != self.at:
            return
        entries = acl.build(self.u.applications[application], at=at)
        for role in held:
            owner = self.u.named(role.scope_tenant_id)
            for name in (STATIC, *NAMES):
                expected = self.model.on(application, role.key, role.contract_id, owner, name, at)
                assert looked_up(entries, role.scope_tenant_id, role.urn, name) == expected, (role, name, at)

    def said(self, urn: str) -> tuple[str, str, str | None]:
        """What a URN says: the role's key, whose data, and the contract that marks it."""
        scope, _, key, mark = named_by(urn)
        return key, self.u.named(scope), mark

    def events_agree(self) -> None:
        """What was told, and what the next run of the job will tell, is exactly what happened, in order."""
        told: dict[tuple[str, str], list[tuple[datetime, bool]]] = {(a, t): [] for a in APPS for t in TENANTS}
        rows = Event.objects.filter(type__startswith="iam.application.", type__endswith="available.v1")
        with cross_tenant():
            found = list(rows.order_by("id").values_list("application_id", "tenant_id", "type", "at"))
        for application, tenant_id, kind, at in found:
            told[application, self.u.named(tenant_id)].append((at, kind == "iam.application.available.v1"))
        announced = Announced.objects.values_list("application_id", "tenant_id", "available")
        for application, tenant_id, state in announced:
            assert told[application, self.u.named(tenant_id)][-1][1] == state
        waiting = readmodel.passed_turns(applications=None, tenants=None, after=None, until=self.at)
        for tenant_id, application, at, now in waiting:
            told[application, self.u.named(tenant_id)].append((at, now))
        for (application, name), turned in told.items():
            states = [now for _, now in turned]
            assert states == [number % 2 == 0 for number in range(len(states))], "an event twice"
            assert [at for at, _ in turned] == sorted(at for at, _ in turned)
            assert _lasting(turned) == self.model.turns(application, name, self.at), (application, name)


def named_by(urn: str) -> tuple[str, str, str, str | None]:
    """The parts of a role's URN: scope tenant, application, key, contract or None.

    A role of a tenant's making names no application.
    """
    if urn.startswith("urn:iam:tenant-role:"):
        tenant_id, key = urn.removeprefix("urn:iam:tenant-role:").split(":")
        return tenant_id, "", key, None
    scope, application, key, *mark = urn.removeprefix("urn:iam:application-role:").split(":")
    assert mark in ([], ["contract", *mark[1:]])
    return scope, application, key, mark[1] if mark else None


def looked_up(
    entries: Iterable[Mapping[str, Any]], tenant_id: str, urn: str, resource: str
) -> frozenset[str]:
    """As the application does it: the privileges of the URN on a resource of this owner."""
    return frozenset(
        privilege
        for entry in entries
        if (entry["owningTenantId"], entry["resourceId"]) == (tenant_id, resource)
        for grant in entry["grants"]
        if grant["role"] == urn
        for privilege in grant["privileges"]
    )


def _wire(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _lasting(turned: list[tuple[datetime, bool]]) -> list[tuple[datetime, bool]]:
    """Without what was taken back at the very moment at which it happened."""
    last: dict[datetime, bool] = dict(turned)
    found: list[tuple[datetime, bool]] = []
    for at, now in sorted(last.items()):
        if now != (found[-1][1] if found else False):
            found.append((at, now))
    return found
