"""A small universe told twice: to the portal through its actions, and to the naive model."""

import base64
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment
from applications.actions import applications, clients, contracts, manifests
from applications.actions.applications import Details
from applications.actions.drafts import Offer
from applications.actions.requirements import Tick
from applications.manifest import parse
from applications.models import Application, Contract
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships
from tenants.models import Group, Tenant, User
from tests.support import naive
from tests.support.factories import SYSTEM, make_partners, make_tenant, make_user
from tests.support.naive_own import STATIC
from tests.support.universe_own import Keeping

TENANTS = ("acme", "beta", "gamma", "delta")
OWNERS = {"acme.meter": "acme", "beta.reader": "beta", "gamma.planner": "gamma"}
NAMES = ("plant", "press")  # of resources that tenants keep
PRIVILEGES = {"viewer": ["read"], "editor": ["read", "modify"]}


Held = Mapping[str, Sequence[str]]


def manifest_of(keys: tuple[str, ...], held: Held = PRIVILEGES, required: Sequence[Any] = ()) -> Any:
    """A declaration with one resource, these roles, and the roles of others that it requires."""
    permission = {"resourceType": "urn:test", "resourceId": "machines"}
    return parse(
        {
            "resources": [{"type": "urn:test", "id": "machines", "privileges": ["read", "modify"]}],
            "roles": [{"key": key, "permissions": [{**permission, "privileges": held[key]}]} for key in keys],
            "requiredRoles": [{"applicationId": other, "role": key} for other, key in required],
        }
    )


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The headers of a client that authenticates by Basic."""
    encoded = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


@dataclass
class Universe(Keeping):
    """Four tenants that are all partners, three applications with two roles each, a user and two groups each.

    Names stand for ids in the naive model; ``named`` finds the name behind an id.
    """

    tenants: dict[str, Tenant] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    partnerships: dict[frozenset[str], UUID] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    model: naive.Naive = field(default_factory=naive.Naive)

    @classmethod
    def create(cls, at: datetime) -> "Universe":
        """Built once; every example works in a savepoint and on a copy of the model."""
        made = cls()
        for slug in TENANTS:
            made._tenant(slug, at)
        for one in TENANTS:
            for other in TENANTS:
                if one < other:
                    made.join(one, other, at)
        for application_id, owner in OWNERS.items():
            made._application(application_id, owner, at)
        made._first_shares(at)
        made._first_own(at)
        return made

    def fork(self) -> "Universe":
        """For one example."""
        partnerships, model = dict(self.partnerships), deepcopy(self.model)
        return Universe(
            self.tenants,
            self.applications,
            self.secrets,
            self.users,
            self.groups,
            partnerships,
            self.names,
            model,
        )

    def named(self, tenant_id: object) -> str:
        return self.names[str(tenant_id)]

    def join(self, one: str, other: str, at: datetime) -> None:
        pair = frozenset((one, other))
        self.partnerships[pair] = make_partners(self.tenants[one], self.tenants[other], at=at).id
        self.model.partners.add(pair)

    def declare(self, application: str, keys: tuple[str, ...], at: datetime, held: Held = PRIVILEGES) -> None:
        """The manifest with exactly these roles, holding exactly this."""
        row = self.applications[application]
        asked = sorted(self.model.required.get(application, ()))
        manifests.declare(application=row, manifest=manifest_of(keys, held, asked), by=SYSTEM, at=at)
        for key in PRIVILEGES:
            living = self.model.living_role(application, key, at)
            if living is not None and key not in keys:
                self.model.take_role_away(application, key, at)
            if key not in keys:
                continue
            if living is None:
                living = naive.Role(application, key, [], [at, None])
                self.model.roles.append(living)
            now = living.privileges(at)
            naive.cut([life for privilege, life in living.held if privilege not in held[key]], at)
            living.held += [(privilege, [at, None]) for privilege in held[key] if privilege not in now]

    def draft(self, provider: str, consumer: str, offer: Offer, at: datetime) -> Contract:
        row = contracts.draft(
            provider=self.tenants[provider],
            consumer_id=self.tenants[consumer].id,
            offer=offer,
            by=SYSTEM,
            at=at,
        )
        roles = [self.model.living_role(*pair, at) for pair in dict.fromkeys(offer.roles)]
        self.model.contracts[str(row.id)] = naive.Contract(
            type=offer.type,
            provider=provider,
            consumer=consumer,
            onward=offer.onward_access,
            terms=[naive.Term(role, [offer.starts_at or at, offer.ends_at]) for role in roles if role],
            starts=offer.starts_at,
            ends=offer.ends_at,
            answer_by=offer.answer_by,
        )
        return row

    def propose(self, contract_id: str, at: datetime) -> None:
        known = self.model.contracts[contract_id]
        tenant = self.tenants[known.provider]
        contracts.propose(tenant=tenant, contract_id=UUID(contract_id), by=SYSTEM, at=at)
        known.state, known.proposed = "proposed", at
        if (known.consumer, known.provider, known.type) in self.model.auto:
            self.model.accept(known, at)

    def accept(self, contract_id: str, at: datetime, ticks: Sequence[Tick] = ()) -> None:
        known = self.model.contracts[contract_id]
        tenant = self.tenants[known.consumer]
        act = {"contract_id": UUID(contract_id), "by": SYSTEM, "at": at}
        contracts.accept(tenant=tenant, required=ticks, **act)
        self.model.accept(known, at)
        for tick in ticks:
            self._note(known.consumer, tick, at)

    def assign(self, known: naive.Assignment, at: datetime) -> str:
        """Give the role; ``known`` says to whom, and its life says when."""
        wanted = Wanted(
            role=known.key,
            application_id=known.application,
            contract_id=UUID(known.contract) if known.contract else None,
            starts_at=known.life[0],
            ends_at=known.life[1],
            **self._principal(known),
        )
        row = assignments.assign(tenant=self.tenants[known.tenant], wanted=wanted, by=SYSTEM, at=at)
        self.model.assignments[str(row.id)] = known
        return str(row.id)

    def give_made(self, known: naive.Given, at: datetime) -> None:
        """The same of a role that the tenant made."""
        start, end = known.life
        wanted = Wanted(role=known.made.key, starts_at=start, ends_at=end, **self._principal(known))
        row = assignments.assign(tenant=self.tenants[known.tenant], wanted=wanted, by=SYSTEM, at=at)
        self.model.given[str(row.id)] = known

    def _principal(self, known: naive.Assignment | naive.Given) -> dict[str, Any]:
        if known.kind == "application":
            return {"principal_application_id": known.principal}
        if known.kind == "user":
            return {"user_id": self.users[known.principal].id}
        return {"group_id": self.groups[known.principal].id}

    def _note(self, tenant: str, tick: Tick, at: datetime) -> None:
        """What came with an acceptance, unless it was there already."""
        role = self.model.living_role(tick.wanted_application, tick.wanted_role, at)
        assert role is not None
        given = naive.Assignment(
            tenant,
            "application",
            tick.application_id,
            role.application,
            role.key,
            role,
            None,
            [at, None],
        )
        if self.model.is_free(given):
            rows = Assignment.objects.filter(
                application_id=tick.application_id, contract=None, application_role__key=role.key
            )
            rows = rows.filter(application_role__application_id=role.application)
            with tenant_scope(self.tenants[tenant].id):
                [row] = rows.filter(tenant=self.tenants[tenant], during__startswith=at, during__isempty=False)
            self.model.assignments[str(row.id)] = given

    def _tenant(self, slug: str, at: datetime) -> None:
        tenant = self.tenants[slug] = make_tenant(slug, at=at)
        self.names[str(tenant.id)] = slug
        self.model.tenants[slug] = []
        user = self.users[slug] = make_user(tenant, at=at)
        self.model.users[slug] = (slug, [[at, None]])
        with tenant_scope(tenant.id):
            top = groups.create(tenant=tenant, name="Top", by=SYSTEM, at=at)
            team = groups.create(tenant=tenant, name="Team", parent_id=top.id, by=SYSTEM, at=at)
            memberships.add(tenant=tenant, group_id=team.id, user_id=user.id, by=SYSTEM, at=at)
        self.groups |= {f"{slug}/top": top, f"{slug}/team": team}
        self.model.places.append((f"{slug}/team", f"{slug}/top", [at, None]))
        self.model.members.append((slug, f"{slug}/team", [at, None]))

    def _application(self, application_id: str, owner: str, at: datetime) -> None:
        tenant = self.tenants[owner]
        name = application_id.partition(".")[2]
        details = Details(name=name, display_name=name.capitalize())
        self.applications[application_id] = applications.register(
            owner=tenant, details=details, by=SYSTEM, at=at, application_id=application_id
        )
        self.model.applications[application_id] = naive.Application(owner, [at, None])
        self.declare(application_id, tuple(PRIVILEGES), at)
        _, value = clients.add_secret(tenant=tenant, client_id=application_id, by=SYSTEM, at=at)
        self.secrets[application_id] = value
        # Reads applications of its own tenant through the portal's API.
        wanted = Wanted(
            role="module-manager", application_id="iam-portal", principal_application_id=application_id
        )
        assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)

    def _first_shares(self, at: datetime) -> None:
        """acme → beta (onward) → gamma, and services that call through both."""
        roles = [("acme.meter", "viewer"), ("acme.meter", "editor")]
        first = str(
            self.draft("acme", "beta", Offer(type="provision", roles=roles, onward_access=True), at).id
        )
        second_offer = Offer(type="access", roles=roles[:1])
        self.propose(first, at)
        self.accept(first, at)
        second = str(self.draft("beta", "gamma", second_offer, at).id)
        self.propose(second, at)
        self.accept(second, at)
        viewer = self.model.living_role("acme.meter", "viewer", at)
        assert viewer is not None
        for tenant, caller, contract in (("beta", "beta.reader", None), ("gamma", "gamma.planner", second)):
            known = naive.Assignment(
                tenant, "application", caller, "acme.meter", "viewer", viewer, contract, [at, None]
            )
            self.assign(known, at)

    def _first_own(self, at: datetime) -> None:
        """Beta keeps a press in a plant that every reader of machines reads; its top has a role over it."""
        self.keep("acme.meter", "beta", "plant", ("read", "modify"), STATIC, at)
        self.keep("acme.meter", "beta", "press", ("modify", "delete"), "plant", at)
        self.define("beta", [("acme.meter", "press", "delete")], at)
        self.give_made(
            naive.Given("beta", "group", "beta/top", self.model.made["beta-night"], [at, None]), at
        )
