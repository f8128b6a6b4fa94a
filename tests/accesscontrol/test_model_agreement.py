"""Random histories: rule, read model, lists, ACL, tokens, introspection and events agree with a naive model.

``HYPOTHESIS_PROFILE=slow`` searches longer; a failure prints the blob that repeats it.
"""

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accesscontrol import acl
from accesscontrol import facts as load
from accesscontrol.actions import assignments, keys
from accesscontrol.decide import effective_roles, may_call
from applications import facts, readlist, readmodel
from applications.actions import applications, contracts, pauses, watch
from applications.actions.drafts import Offer
from applications.availability import available, granted, turns
from applications.models import Announced, Availability, Event, ServiceAccount
from iam_portal.errors import DomainError
from iam_portal.walls import tenant_scope
from tenants.actions import memberships, partnerships, users
from tenants.actions import tenants as tenant_acts
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.universe import OWNERS, PRIVILEGES, TENANTS, Universe, basic

PROFILES = {
    "default": {"max_examples": int(os.environ.get("N", "20")), "stateful_step_count": 20},
    "slow": {"max_examples": 300, "stateful_step_count": 40},
}
PROFILES["ci"] = {**PROFILES["default"], "derandomize": True}
PROFILE = settings(
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    **PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")],
)
APPS = tuple(OWNERS)
MOST_CONTRACTS = 7
TOKEN_LIFE = timedelta(seconds=300)

tenant_names = st.sampled_from(TENANTS)
application_ids = st.sampled_from(APPS)
role_sets = st.sampled_from([("viewer",), ("editor",), ("viewer", "editor")])
index = st.integers(0, 9)
# Few values, so that boundaries of different facts fall together; minutes lie inside a token's life.
offsets = st.sampled_from([timedelta(minutes=2), timedelta(hours=1), timedelta(hours=2), timedelta(hours=30)])
maybe_offset = st.none() | offsets
steps = st.sampled_from(
    [timedelta(seconds=20), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=3), timedelta(days=2)]
)
BASE = "/iam/access-management/v1"


class Clock:
    """The doors' clock."""

    at = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=1)


class Sharing(RuleBasedStateMachine):
    """One example: a history of acts, and after each the comparison of everything with the naive model."""

    universe: Universe  # set by the test: the story before every example

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.u = self.universe.fork()
        self.model = self.u.model
        self.at = Clock.at = self.start = BORN + timedelta(hours=1)
        self.turn = 0
        self.browser = Browser(headers={"Accept": "application/json"})
        self.token: tuple[str, str, str, datetime, set[tuple[str, str]]] | None = None
        self.accounts: dict[tuple[str, str], UUID] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    # --- acts: where the agreement says whether it goes, the outcome is compared too ---

    def tries(self, act: Callable[[], Any], expected: bool | None = None) -> bool:
        try:
            with transaction.atomic():
                act()
        except DomainError as refusal:
            assert not expected, f"refused: {refusal.code}: {refusal.detail} {refusal.errors}"
            return False
        assert expected is not False, "this should have been refused"
        return True

    def later(self, offset: timedelta | None) -> datetime | None:
        return None if offset is None else self.at + offset

    def pick(self, number: int, *states: str) -> tuple[str, naive.Contract] | None:
        found = [(key, row) for key, row in self.model.contracts.items() if row.state in states]
        return found[number % len(found)] if found else None

    @rule(delta=steps)
    def time_passes(self, delta: timedelta) -> None:
        self.at += delta
        Clock.at = self.at

    @rule(number=index)
    def time_passes_to_a_boundary(self, number: int) -> None:
        ahead = [moment for moment in self.model.moments() if moment > self.at]
        if ahead:
            self.at = Clock.at = ahead[number % len(ahead)]

    @rule(
        application=application_ids,
        provider=tenant_names,
        consumer=tenant_names,
        type=st.sampled_from(["provision", "provision", "access"]),
        roles=role_sets,
        dates=st.tuples(maybe_offset, maybe_offset, maybe_offset),
        onward=st.booleans(),
        far=st.sampled_from(["drafted", "proposed", "accepted", "accepted"]),
    )
    def offer(self, application, provider, consumer, type, roles, dates, onward, far) -> None:
        if type == "provision":
            provider = OWNERS[application]
        if len(self.model.contracts) >= MOST_CONTRACTS or provider == consumer:
            return
        starts, ends, answer_by = map(self.later, dates)
        offer = Offer(
            type=type,
            roles=[(application, key) for key in roles],
            starts_at=starts,
            ends_at=ends,
            answer_by=answer_by,
            onward_access=onward and type == "provision",
        )
        made: list[str] = []
        if not self.tries(lambda: made.append(str(self.u.draft(provider, consumer, offer, self.at).id))):
            return
        if far != "drafted":
            self.tries(lambda: self.u.propose(made[0], self.at), expected=True)
        if far == "accepted":
            self.tries(lambda: self.u.accept(made[0], self.at), expected=True)

    @rule(number=index)
    def propose(self, number: int) -> None:
        if found := self.pick(number, "draft"):
            key, row = found
            expected = self.model.shareable(row, self.at) and not self.model.lapsed(row, self.at)
            self.tries(lambda: self.u.propose(key, self.at), expected)

    @rule(number=index)
    def accept(self, number: int) -> None:
        if found := self.pick(number, "proposed"):
            key, row = found
            expected = self.model.shareable(row, self.at) and not self.model.lapsed(row, self.at)
            self.tries(lambda: self.u.accept(key, self.at), expected)

    @rule(number=index, how=st.sampled_from(["withdraw", "decline"]))
    def refuse(self, number: int, how: str) -> None:
        if found := self.pick(number, "proposed"):
            key, row = found
            tenant = self.u.tenants[row.provider if how == "withdraw" else row.consumer]
            act = {"withdraw": contracts.withdraw, "decline": contracts.decline}[how]
            self.tries(lambda: act(tenant=tenant, contract_id=UUID(key), by=SYSTEM, at=self.at), True)
            row.state = {"withdraw": "withdrawn", "decline": "declined"}[how]

    @rule(number=index, when=maybe_offset, length=maybe_offset)
    def pause(self, number: int, when: timedelta | None, length: timedelta | None) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            begin = self.later(when) or self.at
            until = begin + length if length else None
            free = not any(
                (until is None or start < until) and (end is None or begin < end) and start != end
                for start, end in row.pauses
            )
            expected = free and self.model.running(row, self.at) and (row.ends is None or row.ends > begin)
            done = self.tries(
                lambda: pauses.pause(
                    tenant=self.u.tenants[row.provider],
                    contract_id=UUID(key),
                    by=SYSTEM,
                    at=self.at,
                    when=begin,
                    until=until,
                ),
                expected,
            )
            if done:
                row.pauses.append([begin, until])

    @rule(number=index)
    def resume(self, number: int) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            running = [pause for pause in row.pauses if naive.lives([pause], self.at)]
            done = self.tries(
                lambda: pauses.resume(
                    tenant=self.u.tenants[row.provider], contract_id=UUID(key), by=SYSTEM, at=self.at
                ),
                bool(running) and self.model.running(row, self.at),
            )
            if done:
                naive.cut(running, self.at)

    @rule(number=index)
    def cancel_a_planned_pause(self, number: int) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            planned = [pause for pause in row.pauses if pause[0] > self.at]
            if not planned:
                return
            stored = contracts.Contract.objects.get(id=key).pauses.get(during__startswith=planned[0][0])
            act = {"contract_id": UUID(key), "pause_id": stored.id, "by": SYSTEM, "at": self.at}
            self.tries(lambda: pauses.cancel(tenant=self.u.tenants[row.provider], **act), True)
            row.pauses.remove(planned[0])

    @rule(number=index, when=maybe_offset, by_consumer=st.booleans())
    def end(self, number: int, when: timedelta | None, by_consumer: bool) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            moment = self.later(when) or self.at
            expected = self.model.running(row, self.at) and (row.ends is None or row.ends >= moment)
            tenant = self.u.tenants[row.consumer if by_consumer else row.provider]
            act = {"contract_id": UUID(key), "by": SYSTEM, "at": self.at, "when": moment}
            if self.tries(lambda: contracts.end(tenant=tenant, **act), expected):
                self.model.end(row, moment)

    @rule(number=index)
    def end_a_partnership(self, number: int) -> None:
        pairs = sorted(self.model.partners, key=sorted)
        if pairs:
            one, other = sorted(pairs[number % len(pairs)])
            pair = frozenset((one, other))
            partnerships.end(
                tenant=self.u.tenants[one], partnership_id=self.u.partnerships[pair], by=SYSTEM, at=self.at
            )
            self.model.part(one, other, self.at)

    @rule(number=index)
    def become_partners_again(self, number: int) -> None:
        pairs = sorted(
            (sorted(pair) for pair in self.u.partnerships if pair not in self.model.partners),
        )
        if pairs:
            self.u.join(*pairs[number % len(pairs)], self.at)

    @rule(name=tenant_names)
    def suspend_or_resume_a_tenant(self, name: str) -> None:
        suspended = self.model.tenants[name]
        if naive.lives(suspended, self.at):
            tenant_acts.resume(tenant=self.u.tenants[name], by=SYSTEM, at=self.at)
            naive.cut(suspended, self.at)
        else:
            tenant_acts.suspend(tenant=self.u.tenants[name], reason="", by=SYSTEM, at=self.at)
            suspended.append([self.at, None])

    @rule(application=application_ids)
    def suspend_or_resume_an_application(self, application: str) -> None:
        known = self.model.applications[application]
        act = {"application_id": application, "by": SYSTEM, "at": self.at}
        tenant = self.u.tenants[known.owner]
        in_operation = known.life[1] is None
        if naive.lives(known.suspended, self.at):
            if self.tries(lambda: applications.resume(tenant=tenant, **act), in_operation):
                naive.cut(known.suspended, self.at)
        elif self.tries(lambda: applications.suspend(tenant=tenant, reason="", **act), in_operation):
            known.suspended.append([self.at, None])

    @rule(application=application_ids, really=st.integers(0, 3))
    def retire(self, application: str, really: int) -> None:
        known = self.model.applications[application]
        if really == 0 and known.life[1] is None:
            tenant = self.u.tenants[known.owner]
            applications.retire(tenant=tenant, application_id=application, by=SYSTEM, at=self.at)
            self.model.retire(application, self.at)

    @rule(application=application_ids, roles=role_sets)
    def declare(self, application: str, roles: tuple[str, ...]) -> None:
        if self.model.applications[application].life[1] is None:
            self.u.declare(application, roles, self.at)

    @rule(
        tenant=tenant_names,
        kind=st.sampled_from(["user", "team", "top", "application", "application"]),
        caller=application_ids,
        called=application_ids,
        key=st.sampled_from(list(PRIVILEGES)),
        number=index,
        through_access=st.booleans(),
        dates=st.tuples(maybe_offset, maybe_offset),
    )
    def assign(self, tenant, kind, caller, called, key, number, through_access, dates) -> None:
        role = self.model.living_role(called, key, self.at)
        contract = None
        if through_access and (found := self.pick(number, "accepted")) and found[1].type == "access":
            contract = found[0]
            tenant = found[1].consumer
            role = found[1].terms[0].role
        if role is None:
            return
        principal = {"user": tenant, "application": caller}.get(kind, f"{tenant}/{kind}")
        start = self.later(dates[0]) or self.at
        known = naive.Assignment(
            tenant=tenant,
            kind={"team": "group", "top": "group"}.get(kind, kind),
            principal=principal,
            application=role.application,
            key=role.key,
            role=self.model.living_role(role.application, role.key, self.at) or role,
            contract=contract,
            life=[start, start + dates[1] if dates[1] else None],
        )
        self.tries(lambda: self.u.assign(known, self.at))

    @rule(number=index)
    def withdraw_an_assignment(self, number: int) -> None:
        living = [
            (pk, known)
            for pk, known in self.model.assignments.items()
            if (known.life[1] is None or known.life[1] > self.at) and known.life[0] != known.life[1]
        ]
        if living:
            pk, known = living[number % len(living)]
            act = {"assignment_id": UUID(pk), "by": SYSTEM, "at": self.at}
            self.tries(lambda: assignments.withdraw(tenant=self.u.tenants[known.tenant], **act), True)
            naive.cut([known.life], self.at)

    @rule(name=tenant_names)
    def leave_or_join_the_team(self, name: str) -> None:
        living = [m for m in self.model.members if m[0] == name and naive.lives([m[2]], self.at)]
        tenant, user, group = self.u.tenants[name], self.u.users[name], self.u.groups[f"{name}/team"]
        act = {"group_id": group.id, "user_id": user.id, "by": SYSTEM, "at": self.at}
        with tenant_scope(tenant.id):
            if living:
                memberships.remove(tenant=tenant, **act)
                naive.cut([living[0][2]], self.at)
            elif self.tries(
                lambda: memberships.add(tenant=tenant, **act), naive.lives(self.model.users[name][1], self.at)
            ):
                self.model.members.append((name, f"{name}/team", [self.at, None]))

    @rule(name=tenant_names)
    def deactivate_or_reactivate(self, name: str) -> None:
        active = self.model.users[name][1]
        act = {"tenant": self.u.tenants[name], "user_id": self.u.users[name].id, "by": SYSTEM, "at": self.at}
        with tenant_scope(self.u.tenants[name].id):
            if naive.lives(active, self.at):
                users.deactivate(**act)
                naive.cut(active, self.at)
            else:
                users.reactivate(**act)
                active.append([self.at, None])

    @rule()
    def the_job_runs(self) -> None:
        done = watch.run(at=self.at)
        assert not done.busy
        assert not done.healed
        assert not readmodel.passed_turns(applications=None, tenants=None, after=None, until=self.at)

    # --- comparisons ---

    def probes(self) -> list[datetime]:
        """Now and two others, past or planned: often a boundary, sometimes a second beside one."""
        self.turn += 1
        dice = random.Random(self.turn)
        moments = self.model.moments()
        return [
            self.at,
            *(dice.choice(moments) + timedelta(seconds=dice.choice([0, 0, -1, 1])) for _ in range(2)),
        ]

    @invariant()
    def everything_agrees(self) -> None:
        probes = self.probes()
        sharing = facts.sharing(APPS, tenant_ids=[tenant.id for tenant in self.u.tenants.values()])
        for at in probes:
            for application in APPS:
                for name, tenant in self.u.tenants.items():
                    self.pure_agrees(sharing[application], application, name, str(tenant.id), at)
        assert readmodel.differences() == {"grants": [], "availability": []}
        self.rows_agree(probes)
        self.list_agrees(self.turn, probes)
        self.acl_agrees(APPS[self.turn % 3], probes[self.turn % 2])
        self.calls_agree(self.turn, probes)
        self.users_agree(TENANTS[self.turn % 4], probes)
        self.events_agree()
        self.doors_agree(self.turn)
        self.accounts_stay()

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
        self.compare_acl(found.resources, application, at)

    def compare_acl(self, entries: list[dict[str, Any]], application: str, at: datetime) -> None:
        served: dict[str, set[tuple]] = {}
        for entry in entries:
            name = self.u.named(entry["owningTenantId"])
            assert name not in served, "one static resource, one entry"
            served[name] = set()
            for grant in entry["grants"]:
                *_, scope, app, key = grant["role"].split(":")
                assert (self.u.named(scope), app) == (name, application)
                served[name].add((key, tuple(grant["privileges"])))
        assert served == self.model.acl(application, at), (application, at)

    def calls_agree(self, turn: int, probes: list[datetime]) -> None:
        for number in (turn, turn + 5):
            caller, name = APPS[number % 3], TENANTS[number % 4]
            tenant = self.u.tenants[name]
            known = load.calls(caller=self.u.applications[caller], target_ids=list(APPS), tenant_id=tenant.id)
            for at in probes:
                for target in APPS:
                    call = may_call(known[target], at=at)
                    told = {(role.key, self.u.named(role.scope_tenant_id)) for role in call.roles}
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

    def events_agree(self) -> None:
        """What was told, and what the next run of the job will tell, is exactly what happened, in order."""
        told: dict[tuple[str, str], list[tuple[datetime, bool]]] = {(a, t): [] for a in APPS for t in TENANTS}
        rows = Event.objects.filter(type__startswith="iam.application.", type__endswith="available.v1")
        for application, tenant_id, kind, at in rows.order_by("id").values_list(
            "application_id", "tenant_id", "type", "at"
        ):
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

    def accounts_stay(self) -> None:
        for pk, application, tenant_id in ServiceAccount.objects.values_list(
            "id", "application_id", "tenant_id"
        ):
            assert self.accounts.setdefault((application, str(tenant_id)), pk) == pk

    # --- the doors, over HTTP, a few each time ---

    def doors_agree(self, turn: int) -> None:
        self.old_token_agrees()
        dice = random.Random(turn * 7)
        known = [(a.principal, a.application, a.tenant) for a in self.model.assignments.values()]
        services = [one for one in known if one[0] in APPS and one[0] != one[1]]
        caller, target, name = dice.choice(services) if dice.random() < 0.7 else _any_call(dice)
        if (caller, name) == ("gamma.planner", "gamma"):
            name = "beta"  # where its access contract leads
        self.token_agrees(caller, target, name)
        if turn % 2:
            self.read_applications_agrees(APPS[turn % 3])
        else:
            self.read_acl_agrees(APPS[turn % 3])

    def ask_token(self, caller: str, target: str, name: str) -> Any:
        path = f"{BASE}/tenants/{self.u.tenants[name].id}/openid-connect/token"
        form = urlencode({"grant_type": "client_credentials", "scope": f"aud:{target}"})
        return self.browser.post(
            path,
            form,
            content_type="application/x-www-form-urlencoded",
            headers=basic(caller, self.u.secrets[caller]),
        )

    def introspect(self, target: str, name: str, token: str) -> Any:
        path = f"{BASE}/tenants/{self.u.tenants[name].id}/openid-connect/token/introspect"
        return self.browser.post(
            path,
            urlencode({"token": token}),
            content_type="application/x-www-form-urlencoded",
            headers=basic(target, self.u.secrets[target]),
        )

    def token_agrees(self, caller: str, target: str, name: str) -> None:
        answer = self.ask_token(caller, target, name)
        if self.model.applications[caller].life[1] is not None:
            assert answer.status_code == 401
            return
        roles = self.model.may_call(caller, target, name, self.at)
        assert answer.status_code == (200 if roles else 400), (caller, target, name, answer.content)
        if roles:
            body = answer.json()
            assert body["expires_in"] == self.expected_life(caller, target, name, roles).total_seconds()
            self.token = (caller, target, name, self.at, roles)
            self.value = body["access_token"]
            self.expires_at = self.at + timedelta(seconds=body["expires_in"])
            self.old_token_agrees()
        else:
            assert answer.json()["error"] == "invalid_scope"
            assert "KC-5" in answer.json()["error_description"] or answer.json().get("reasons")

    def expected_life(self, caller: str, target: str, name: str, roles: set[tuple]) -> timedelta:
        """Until the first moment at which the call, or one of its roles, falls."""
        ends = {life[1] for a in self.model.assignments.values() for life in [a.life] if life[1]}
        for moment in sorted({*self.model.moments(), *ends}):
            if self.at < moment < self.at + TOKEN_LIFE:
                if not self.model.may_call(caller, target, name, moment) >= roles:
                    return moment - self.at
        return TOKEN_LIFE

    def old_token_agrees(self) -> None:
        """Introspection decides now: with the very act that takes a right away, and with the clock."""
        if self.token is None:
            return
        caller, target, name, _, roles = self.token
        answer = self.introspect(target, name, self.value)
        if self.model.applications[target].life[1] is not None:
            assert answer.status_code == 401
            return
        now = self.model.may_call(caller, target, name, self.at) if self.at < self.expires_at else set()
        body = answer.json()
        assert body["active"] == bool(now), (self.token, self.at, body)
        if now:
            told = {tuple(role.split(":")[-1:]) + (role.split(":")[3],) for role in body["roles"]}
            assert {(key, self.u.named(scope)) for key, scope in told} == now
        else:
            assert answer.content == self.introspect(target, name, "nonsense").content

    def read_applications_agrees(self, caller: str) -> None:
        """The list over HTTP, with a service token for the portal."""
        name = OWNERS[caller]
        answer = self.ask_token(caller, "iam-portal", name)
        if answer.status_code != 200:
            assert not self.model.available(caller, name, self.at)
            return
        assert self.model.available(caller, name, self.at)
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        root = f"/iam/application-management/v1/tenants/{self.u.tenants[name].id}/applications"
        self.compare_list(self.browser.get(root, headers=bearer).json()["items"], name, self.at)
        for application in APPS:
            here = bool(self.model.available(application, name, self.at))
            one = self.browser.get(f"{root}/{application}", headers=bearer)
            assert one.status_code == (200 if here else 404)
            asked = self.browser.get(f"{root}/{application}/availability", headers=bearer).json()
            assert asked["available"] == here
            assert asked["reasons"]

    def read_acl_agrees(self, application: str) -> None:
        answer = self.browser.get(
            f"{BASE}/application/acl", headers=basic(application, self.u.secrets[application])
        )
        if self.model.applications[application].life[1] is not None:
            assert answer.status_code == 401
        else:
            self.compare_acl(answer.json()["resources"], application, self.at)


BORN = Clock.at


def _wire(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _any_call(dice: random.Random) -> tuple[str, str, str]:
    caller, target = dice.sample(APPS, 2)
    return caller, target, dice.choice(TENANTS)


def _lasting(turned: list[tuple[datetime, bool]]) -> list[tuple[datetime, bool]]:
    """Without what was taken back at the very moment at which it happened."""
    last: dict[datetime, bool] = dict(turned)
    found: list[tuple[datetime, bool]] = []
    for at, now in sorted(last.items()):
        if now != (found[-1][1] if found else False):
            found.append((at, now))
    return found


@pytest.fixture
def universe(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Universe]:
    """Told once; the doors' clock is the machine's."""
    monkeypatch.setattr(timezone, "now", lambda: Clock.at)
    keys.forget()
    yield Universe.create(BORN)
    keys.forget()


@pytest.mark.urls("tests.support.api_urls")
def test_every_answer_agrees_with_the_naive_model(universe: Universe) -> None:
    machine = type("Sharing", (Sharing,), {"universe": universe})
    run_state_machine_as_test(machine, settings=PROFILE)
