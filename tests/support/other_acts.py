"""What happens to partners, suspensions, roles, assignments and people: rules of a random history."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accesscontrol.actions import assignments
from applications import readmodel
from applications.actions import applications, watch
from iam_portal.walls import tenant_scope
from tenants.actions import memberships, partners, partnerships, users
from tenants.actions import tenants as tenant_acts
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.happening import History, application_ids, index, maybe_offset, role_sets, tenant_names
from tests.support.universe import PRIVILEGES


class OtherActs(History):
    """Everything that is not an act on one contract."""

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

    @rule(number=index, turned=st.booleans(), types=st.sets(st.sampled_from(["provision", "access"])))
    def say_yes_in_advance(self, number: int, turned: bool, types: set[str]) -> None:
        pairs = sorted(self.model.partners, key=sorted)
        if pairs:
            pair = pairs[number % len(pairs)]
            one, other = sorted(pair, reverse=turned)
            partners.accept_automatically(
                tenant=self.u.tenants[one],
                partnership_id=self.u.partnerships[pair],
                contract_types=types,
                by=SYSTEM,
                at=self.at,
            )
            self.model.auto = {yes for yes in self.model.auto if yes[:2] != (one, other)}
            self.model.auto |= {(one, other, type) for type in types}

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
