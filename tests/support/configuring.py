"""A tenant with something of everything, an empty one with the same people and partners, and a neighbour."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accesscontrol.actions import assignments, portal, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import contracts
from iam_portal.walls import tenant_scope
from tenants.actions import mappers
from tenants.models import HistoryEvent, Tenant, User
from tests.applications.story import Party, party, person, register, share, signed_in
from tests.support import factories
from tests.support.coming_from import make_provider

PORTAL = "iam-portal"
YAML = "application/yaml"
Document = dict[str, Any]


@dataclass
class World:
    """Acme is rich, twin has only people; beta is the partner of both; the neighbour has acme's names."""

    acme: Party
    twin: Party
    beta: Party
    neighbour: Party
    spring: datetime
    people: dict[str, dict[str, Client]] = field(default_factory=dict)

    def export(self, who: Party, client: Client | None = None, **headers: str) -> HttpResponse:
        return (client or who.client).get(address(who.tenant), headers=headers)

    def document(self, who: Party, client: Client | None = None) -> Document:
        reply = self.export(who, client)
        assert reply.status_code == 200, reply.content
        body: Document = reply.json()
        return body

    def plan(self, who: Party, document: Any, client: Client | None = None, query: str = "") -> HttpResponse:
        return send(client or who.client, f"{address(who.tenant)}:plan{query}", document)

    def apply(
        self,
        who: Party,
        document: Any,
        revision: str | None,
        client: Client | None = None,
        query: str = "",
        **headers: str,
    ) -> HttpResponse:
        sent = headers | ({"If-Match": f'"{revision}"'} if revision else {})
        return send(client or who.client, f"{address(who.tenant)}:apply{query}", document, **sent)

    def carry(self, who: Party, document: Any, query: str = "") -> Document:
        """Planned and applied, as it should be."""
        planned = self.plan(who, document, query=query)
        assert (planned.status_code, planned.json()["objections"]) == (200, []), planned.content
        done = self.apply(who, document, planned.json()["revision"], query=query)
        assert done.status_code == 200, done.content
        body: Document = done.json()
        return body

    def history(self, who: Party, action: str) -> list[HistoryEvent]:
        with tenant_scope(who.tenant.id):
            return list(HistoryEvent.objects.filter(tenant=who.tenant, action=action).order_by("id"))


def address(tenant: Tenant) -> str:
    return f"/iam/access-management/v1/tenants/{tenant.id}/configuration"


def send(client: Client, path: str, document: Any, kind: str = "", **headers: str) -> HttpResponse:
    kind = kind or (YAML if isinstance(document, str | bytes) else "application/json")
    body = document if isinstance(document, str | bytes) else json.dumps(document)
    reply: HttpResponse = client.generic("POST", path, body, kind, headers=headers)
    return reply


def visitor(who: Party, user: User) -> Client:
    """A browser of somebody of the organization."""
    return signed_in(user, timezone.now())


def steps(plan: Document) -> list[str]:
    return [f"{step['verb']} {step['section']} {step['name']}" for step in plan["steps"]]


def codes(reply: HttpResponse) -> set[tuple[str, str]]:
    """Where an objection stands, and which."""
    body = reply.json()
    found = body["objections"] if "objections" in body else body["errors"]
    return {(one["pointer"], one["code"]) for one in found}


def make_world() -> World:
    """Through the real actions."""
    acme, beta, neighbour = (party(slug) for slug in ("acme", "beta", "neighbour"))
    twin = _empty("twin")
    for one in (acme, twin):
        factories.make_partners(one.tenant, beta.tenant, at=timezone.now())
    world = World(acme, twin, beta, neighbour, timezone.now().replace(microsecond=0) + timedelta(days=90))
    for one in (acme, twin, neighbour):
        world.people[one.tenant.slug] = {
            name: person(one, name, *roles)
            for name, roles in (
                ("kim", ()),
                ("lee", ()),
                ("looker", ("access-configuration-manager", "user-reader")),
                ("configurer", ("access-configuration-manager",)),
                ("reader", ("access-configuration-reader", "user-reader")),
            )[: 3 if one is neighbour else 5]
        }
    for one in (acme, twin, neighbour):
        with tenant_scope(one.tenant.id):
            make_provider(one.tenant, at=timezone.now())
    for one in (acme, neighbour):
        with tenant_scope(one.tenant.id):
            _furnish(world, one)
    with tenant_scope(acme.tenant.id):
        share(acme, beta, acme.applications["planner"], ends_at=world.spring)
        share(acme, beta, acme.applications["planner"], type="access", until="proposed")
    return world


def _empty(slug: str) -> Party:
    at = timezone.now()
    tenant = factories.make_tenant(slug, at=at)
    user = factories.make_user(tenant, at=at)
    portal.make_first_administrator(tenant=tenant, user=user, at=at)
    return Party(tenant, user, signed_in(user, at))


def _furnish(world: World, one: Party) -> None:
    register(one, "Robot", with_roles=False)
    at, tenant = timezone.now(), one.tenant
    kim, lee = (User.objects.get(tenant=tenant, username=name) for name in ("kim", "lee"))
    plant = factories.make_group(tenant, "Plant", members=(kim,), at=at)
    shift = factories.make_group(tenant, "Night shift", parent=plant, members=(kim, lee), at=at)
    planner = one.applications["planner"]
    permissions = [(planner.id, "urn:fleet:tour", "tours", "read")]
    definition = Definition(key="dispatch", name="Dispatch", description="By night", permissions=permissions)
    given = {"tenant": tenant, "by": factories.SYSTEM, "at": at}
    tenant_roles.define(definition=definition, **given)
    for wanted in (
        Wanted(role="dispatch", group_id=shift.id),
        Wanted(role="reader", application_id=planner.id, user_id=kim.id, ends_at=world.spring),
        Wanted(role="planner", application_id=planner.id, user_id=lee.id, starts_at=world.spring),
        Wanted(role="reader", application_id=planner.id, principal_application_id=f"{tenant.slug}.robot"),
    ):
        assignments.assign(wanted=wanted, **given)
    rules: list[dict[str, Any]] = [
        {"kind": "group", "when": "every", "claim": "groups", "value": "g-17", "group_id": shift.id},
        {"kind": "display_name", "when": "first", "template": "{given_name} {family_name}"},
    ]
    for rule in rules:
        group_id, [provider] = rule.pop("group_id", None), tenant.identity_providers.all()
        asked: dict[str, Any] = {"tenant": tenant, "by": one.actor, "at": at}
        mappers.create(provider=provider, group_id=group_id, chosen=rule, **asked)


def accept_all(world: World, provider: Party) -> None:
    """Beta says yes to whatever waits."""
    for row in provider.tenant.contracts_provided.filter(state="proposed"):
        given = {"tenant": world.beta.tenant, "contract_id": row.id, "by": world.beta.actor}
        contracts.accept(at=timezone.now(), **given)
