"""Decisions, the user ACL and the access review beside the naive model, below the doors."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from accesscontrol import facts as load
from accesscontrol import personal, questions
from accesscontrol.actions.tenant_roles import available_here
from accesscontrol.decide import effective_roles
from accesscontrol.offered import After, offered
from accesscontrol.questions import Asked, Told
from accesscontrol.review import review
from applications import facts
from applications.models import Resource
from applications.models.applications import PORTAL_ID
from iam_portal.errors import NotFound
from iam_portal.walls import tenant_scope
from tenants.models import Tenant
from tests.support.comparing import Comparing
from tests.support.happening import APPS
from tests.support.naive_own import STATIC
from tests.support.universe import NAMES, OWNERS, TENANTS

MODEL_PRIVILEGES = ("read", "modify", "delete")


class AskingAll(Comparing):
    """Each method asks as the administrator of one tenant."""

    def questions_agree(self, turn: int, at: datetime) -> None:
        """A person, a group and a service, each about one privilege in the data of one tenant."""
        dice = random.Random(turn)
        application, privilege = APPS[turn % 3], dice.choice(MODEL_PRIVILEGES)
        name, owner = TENANTS[turn % 4], dice.choice(TENANTS)
        given = [each for each in self.model.assignments.values() if each.kind != "application"]
        if given and dice.random() < 0.7:  # where somebody holds something, if only by an access contract
            chosen = dice.choice(given)
            name, application = chosen.tenant, chosen.application
        owner = name if dice.random() < 0.5 else owner
        tenant, target = self.u.tenants[name], (application, dice.choice([STATIC, *NAMES]), privilege)
        with tenant_scope(tenant.id):
            told = self.ask(tenant, owner, target, at, user_id=self.u.users[name].id)
            held = self.model.held(name, "user", name, application, at)
            self.told_agrees(told, self.allows(target, held, owner, at))
            group = f"{name}/{dice.choice(['top', 'team'])}"
            told = self.ask(tenant, owner, target, at, group_id=self.u.groups[group].id)
            held = self.of_group(name, group, application, at)
            self.told_agrees(told, self.allows(target, held, owner, at))
            self.service_agrees(dice.choice(APPS), tenant, owner, target, at)

    def service_agrees(
        self, caller: str, tenant: Tenant, owner: str, target: tuple[str, str, str], at: datetime
    ) -> None:
        """On its own tenant's data, and as its owner on that of others."""
        if OWNERS[caller] != tenant.slug:
            owner = tenant.slug
        application = target[0]
        calls = self.model.may_call(caller, application, owner, at)
        allowed = self.allows(target, [(key, mark, owner) for key, _, mark in calls], owner, at)
        try:
            told = self.ask(tenant, owner, target, at, application_id=caller)
        except NotFound:
            assert OWNERS[caller] != tenant.slug
            assert not any(
                known.tenant == tenant.slug and known.principal == caller
                for known in (*self.model.assignments.values(), *self.model.given.values())
            )
            return
        if caller == application:
            assert (bool(told.decision), told.needs) == (False, ())
            return
        self.told_agrees(told, allowed)

    def ask(
        self, tenant: Tenant, owner: str, target: tuple[str, str, str], at: datetime, **who: object
    ) -> Told:
        application, name, privilege = target
        asked = Asked(
            tenant=tenant,
            principal=load.Principal(tenant.id, **who),  # type: ignore[arg-type]
            application_id=application,
            type="urn:test",
            key=name,
            privilege=privilege,
            owning_tenant_id=self.u.tenants[owner].id,
        )
        return questions.answer(asked, at=at)

    def told_agrees(self, told: Told, allowed: bool) -> None:
        assert bool(told.decision) == allowed, told
        assert told.decision.reasons
        assert bool(told.needs) == (not allowed), told

    def of_group(self, name: str, group: str | None, application: str, at: datetime) -> set[tuple]:
        found: set[tuple] = set()
        while group is not None:
            found |= self.model.held(name, "group", group, application, at)
            group = self.model.group_above(group, at)
        return found

    def allows(self, target: tuple[str, str, str], held: Iterable[tuple], owner: str, at: datetime) -> bool:
        application, name, privilege = target
        return privilege in self.amount(application, held, owner, name, at)

    def amount(
        self, application: str, held: Iterable[tuple], owner: str, name: str, at: datetime
    ) -> set[str]:
        """What the roles come to on a resource in the data of one tenant."""
        return {
            privilege
            for key, contract, scope in held
            if scope == owner
            for privilege in self.model.on(application, key, contract, owner, name, at)
        }

    def places_agree(self, turn: int) -> None:
        """Around a moment at which a resource moved or offered something else: the answers of then."""
        moved = [known for known in self.model.kept if len(known.places) > 1]
        if not moved:
            return
        dice = random.Random(turn)
        known = dice.choice(moved)
        moments = [moment for *_, life in known.places for moment in life if moment is not None]
        at = dice.choice(moments) + timedelta(seconds=dice.choice([0, -1]))
        self.acl_agrees(known.application, at)
        self.user_acl_agrees(known.tenant, known.application, at)
        tenant, owner = self.u.tenants[known.tenant], known.tenant
        with tenant_scope(tenant.id):
            for privilege in MODEL_PRIVILEGES:
                target = (known.application, known.name, privilege)
                told = self.ask(tenant, owner, target, at, user_id=self.u.users[owner].id)
                held = self.model.held(owner, "user", owner, known.application, at)
                self.told_agrees(told, self.allows(target, held, owner, at))

    def user_acl_agrees(self, name: str, application: str, at: datetime) -> None:
        """What the person of a token reads."""
        tenant = self.u.tenants[name]
        with tenant_scope(tenant.id):
            who = load.Principal(tenant.id, user_id=self.u.users[name].id)
            person = load.principal(who, application_ids=[application])[application]
            book = load.books([application], tenant_id=tenant.id)[application]
            sharing = facts.of_application(application, tenant_id=tenant.id)
            assert sharing is not None
            roles = effective_roles(person, sharing, book, at=at).held
            entries = personal.entries(roles, sharing, book, at=at)
        told = {
            (self.u.named(entry["owningTenantId"]), entry["resourceId"]): set(entry["privileges"])
            for entry in entries
        }
        held = self.model.held(name, "user", name, application, at)
        expected = {
            (scope, resource): self.amount(application, held, scope, resource, at)
            for _, _, scope in held
            for resource in (STATIC, *NAMES)
        }
        assert told == {slot: found for slot, found in expected.items() if found}

    def offered_agrees(self, name: str, at: datetime) -> None:
        """What roles can be made of, page by page: static ones by the rule, and the tenant's own."""
        tenant, found, after = self.u.tenants[name], [], None
        with tenant_scope(tenant.id):
            while page := offered(tenant.id, at=at, most=2, after=after):
                found += page
                after = After(page[-1].application_id, page[-1].type, page[-1].key, page[-1].id)
            allowed = available_here(tenant, {*APPS, PORTAL_ID}, at)
            here = {app for app in APPS if self.model.own_way(app, name, at)}
            living = Resource.objects.placed(at).filter(application_id__in={*here, PORTAL_ID})
            expected = [
                (
                    row.application_id,
                    row.type,
                    row.key,
                    row.owner_tenant_id is not None,
                    frozenset(privileges),
                )
                for row in living.order_by("application_id", "type", "key", "id")
                if (privileges := _offers(row, allowed))
            ]
        told = [(row.application_id, row.type, row.key, row.dynamic, row.privileges) for row in found]
        assert told == expected, (name, at)

    def review_agrees(self, name: str, application: str, moments: Iterable[datetime]) -> None:
        """Every role of every person and service of the tenant, at moments past and planned."""
        tenant, moments = self.u.tenants[name], list(moments)
        with tenant_scope(tenant.id):
            try:
                found = review(tenant=tenant, application_id=application, since=min(moments))
            except NotFound:
                assert not self.model.held(name, "user", name, application, self.at)
                return
            for at in moments:
                told: dict[tuple, set[tuple[str, str]]] = defaultdict(set)
                for line in found.lines(at):
                    scope = self.u.named(line.role.scope_tenant_id)
                    who = name if line.kind == "user" else line.principal_id
                    slot = (line.kind, who, line.role.key, line.role.contract_id, scope)
                    assert slot not in told, "one line for a role"
                    told[slot] = {(resource, privilege) for _, resource, privilege in line.permissions}
                    assert line.through
                assert told == self.reviewed(name, application, at), (name, application, at)

    def reviewed(self, name: str, application: str, at: datetime) -> dict[tuple, set[tuple[str, str]]]:
        found: dict[tuple, set[tuple[str, str]]] = {}

        def add(kind: str, who: str, held: Iterable[tuple]) -> None:
            for key, contract, scope in held:
                amount = self.model.named(application, key, contract, at)
                found[kind, who, key, contract, scope] = set(amount)

        add("user", name, self.model.held(name, "user", name, application, at))
        for caller in APPS:
            held = self.model.held(name, "application", caller, application, at)
            for key, contract, scope in held:
                calls = {called for called, *_ in self.model.may_call(caller, application, scope, at)}
                ours = OWNERS[caller] == name or contract is None
                if (
                    key in calls
                    and ours
                    and not (contract and self.given_there(caller, application, scope, at))
                ):
                    add("service", caller, [(key, contract, scope)])
        return found

    def given_there(self, caller: str, application: str, scope: str, at: datetime) -> bool:
        """What the owner of the data gave itself goes before what a contract gives."""
        local = self.model.held(scope, "application", caller, application, at)
        own = self.model.own_way(caller, scope, at)
        return own and any(contract is None for _, contract, _ in local)


def _offers(row: Resource, allowed: set[tuple[str, str, str, str]]) -> frozenset[str]:
    if row.owner_tenant_id is not None:
        return frozenset(row.privileges)
    address = (row.application_id, row.type, row.key)
    return frozenset(each for each in row.privileges if (*address, each) in allowed)
