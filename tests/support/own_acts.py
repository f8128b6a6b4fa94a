"""Applications keep resources for tenants, tenants make roles over them: rules of a random history."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from accesscontrol.actions import assignments
from iam_portal.walls import tenant_scope
from tenants.actions import groups
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.happening import History, application_ids, index, maybe_offset, tenant_names
from tests.support.naive_own import STATIC, Kept
from tests.support.universe import NAMES

names = st.sampled_from(NAMES)
offers = st.sampled_from([("read",), ("read", "modify"), ("modify", "delete")])
parents = st.sampled_from([None, STATIC, STATIC, *NAMES])
permissions = st.tuples(
    application_ids, st.sampled_from([STATIC, *NAMES]), st.sampled_from(["read", "modify", "delete"])
)


class OwnActs(History):
    """Resources of a tenant's own come, move and go; roles over them are made and given."""

    @rule(number=index, name=names, offered=offers, parent=parents)
    def keep(self, number: int, name: str, offered: tuple[str, ...], parent: str | None) -> None:
        application, tenant = self.somewhere(number)
        here = self.model.kept_at(application, tenant, self.at)
        above = here.get(parent) if parent in NAMES else parent
        known = here.get(name)
        stands = above is not None if parent is not None else True
        if isinstance(above, Kept):
            stands = known is None or known not in (above, *self.model.above(above, self.at))
        expected = self.model.own_way(application, tenant, self.at) and stands and parent != name
        self.tries(lambda: self.u.keep(application, tenant, name, offered, parent, self.at), expected)

    @rule(number=index, name=names)
    def let_go(self, number: int, name: str) -> None:
        application, tenant = self.somewhere(number)
        expected = self.model.own_way(application, tenant, self.at)
        self.tries(lambda: self.u.let_go(application, tenant, name, self.at), expected)

    @rule(tenant=tenant_names, wanted=st.lists(permissions, max_size=4, unique=True))
    def define_a_role(self, tenant: str, wanted: list[tuple[str, str, str]]) -> None:
        expected = all(self.may_name(tenant, *each) for each in wanted)
        self.tries(lambda: self.u.define(tenant, wanted, self.at), expected)

    def may_name(self, tenant: str, application: str, name: str, privilege: str) -> bool:
        if name != STATIC:
            known = self.model.kept_at(application, tenant, self.at).get(name)
            offered = known is not None and privilege in known.offered(self.at)
            return offered and self.model.own_way(application, tenant, self.at)
        whole = naive.Made(tenant, "", [(application, None, privilege, [self.at, None])])
        return bool(self.model.static_part(whole, application, self.at))

    @rule(
        tenant=tenant_names,
        kind=st.sampled_from(["user", "team", "top", "application"]),
        caller=application_ids,
        dates=st.tuples(maybe_offset, maybe_offset),
    )
    def give_that_role(self, tenant, kind, caller, dates) -> None:
        made = self.model.made.get(f"{tenant}-night")
        if made is None:
            return
        principal = {"user": tenant, "application": caller}.get(kind, f"{tenant}/{kind}")
        start = self.later(dates[0]) or self.at
        life = [start, start + dates[1] if dates[1] else None]
        kind = {"team": "group", "top": "group"}.get(kind, kind)
        self.tries(
            lambda: self.u.give_made(naive.Given(tenant, kind, principal, made, life), self.at),
        )

    @rule(number=index)
    def take_that_role(self, number: int) -> None:
        living = [
            (pk, known)
            for pk, known in self.model.given.items()
            if (known.life[1] is None or known.life[1] > self.at) and known.life[0] != known.life[1]
        ]
        if living:
            pk, known = living[number % len(living)]
            act = {"assignment_id": UUID(pk), "by": SYSTEM, "at": self.at}
            self.tries(lambda: assignments.withdraw(tenant=self.u.tenants[known.tenant], **act), True)
            naive.cut([known.life], self.at)

    @rule(tenant=tenant_names)
    def move_the_team(self, tenant: str) -> None:
        """Out from under the top, or back."""
        team, top = (self.u.groups[f"{tenant}/{name}"] for name in ("team", "top"))
        there = self.model.group_above(f"{tenant}/team", self.at)
        act = {"group_id": team.id, "by": SYSTEM, "at": self.at}
        with tenant_scope(self.u.tenants[tenant].id):
            groups.move(tenant=self.u.tenants[tenant], parent_id=None if there else top.id, **act)
        if there:
            naive.cut([life for group, _, life in self.model.places if group == f"{tenant}/team"], self.at)
        else:
            self.model.places.append((f"{tenant}/team", f"{tenant}/top", [self.at, None]))

    def somewhere(self, number: int) -> tuple[str, str]:
        """Where an application runs, mostly."""
        pairs = [
            (application, tenant)
            for application in sorted(self.model.applications)
            for tenant in sorted(self.model.tenants)
            if number == 9 or self.model.own_way(application, tenant, self.at)
        ]
        return pairs[number % len(pairs)] if pairs else ("acme.meter", "acme")
