"""Three organizations: acme shares with beta, gamma is no party; the same names in each of them."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from django.test import Client
from django.utils import timezone

from accesscontrol.actions import assignments, portal
from applications import manifest as manifests
from applications.actions import applications, contracts
from applications.actions.applications import Details
from applications.actions.drafts import Offer
from applications.actions.manifests import declare
from applications.models import Application, Contract
from iam_portal.gate import Actor
from tenants.http import cookie_name
from tenants.models import Tenant, User
from tests.support import factories

ROLES = ("reader", "planner")


def manifest() -> manifests.Manifest:
    kinds = {"type": "urn:fleet:tour", "id": "tours", "name": "Tours", "privileges": ["read", "modify"]}
    permission = {"resourceType": "urn:fleet:tour", "resourceId": "tours", "privileges": ["read"]}
    roles = [{"key": key, "name": key.capitalize(), "permissions": [permission]} for key in ROLES]
    return manifests.parse({"resources": [kinds], "roles": roles})


@dataclass
class Party:
    """An organization with an administrator who is signed in."""

    tenant: Tenant
    user: User
    client: Client
    applications: dict[str, Application] = field(default_factory=dict)

    def fork(self) -> "Party":
        """For one test: signed in alike, with cookies and rows of its own."""
        client = Client()
        client.cookies.load(self.client.cookies.output(header="", sep=";"))
        rows = {name: copy(row) for name, row in self.applications.items()}
        return Party(copy(self.tenant), copy(self.user), client, rows)

    @property
    def actor(self) -> Actor:
        return factories.acting(self.user)

    def url(self, path: str = "") -> str:
        return f"/t/{self.tenant.slug}/{path}"

    def get(self, path: str = "", **query: str):
        return self.client.get(self.url(path), query)

    def post(self, path: str, **data: object):
        return self.client.post(self.url(path), data)

    def confirm(self, path: str, **data: object):
        """As a person does: open the confirmation, then send it with what it carried."""
        page = self.get(path)
        assert page.status_code == 200, page.content.decode()[:2000]
        form, confirm = page.context["form"], page.context["confirm"]
        shown = form["shown"].value() or ""
        revision = confirm.get("revision", "")
        return self.post(path, **{"shown": shown, "revision": revision, **data})


def signed_in(user: User, at: datetime) -> Client:
    client = Client()
    client.cookies[cookie_name(user.tenant_id)] = factories.sign_in(user, at=at)
    return client


def party(slug: str, *, roles: Sequence[str] | None = None) -> Party:
    """``roles``: some of the portal's; None: all of them, as the first administrator has."""
    at = timezone.now()
    tenant = factories.make_tenant(slug, at=at)
    user = factories.make_user(tenant, at=at)
    portal.make_first_administrator(tenant=tenant, user=user, at=at)
    made = Party(tenant, user, signed_in(user, at))
    made.applications["planner"] = register(made, "Fleet Planner")
    return made


def person(organization: Party, username: str, *roles: str) -> Client:
    """Somebody else of the organization, with these roles of the portal."""
    at = timezone.now()
    user = factories.make_user(organization.tenant, username, at=at)
    for role in roles:
        wanted = assignments.Wanted(role=role, application_id="iam-portal", user_id=user.id)
        assignments.assign(tenant=organization.tenant, wanted=wanted, by=factories.SYSTEM, at=at)
    return signed_in(user, at)


def register(owner: Party, name: str, *, with_roles: bool = True) -> Application:
    at = timezone.now()
    key = name.lower().replace(" ", "-")
    made = applications.register(
        owner=owner.tenant,
        details=Details(name=key, display_name=name),
        application_id=f"{owner.tenant.slug}.{key}",
        by=factories.acting(owner.user),
        at=at,
    )
    if with_roles:
        declare(application=made, manifest=manifest(), by=owner.actor, at=at)
    return made


def share(
    provider: Party,
    consumer: Party,
    application: Application,
    *,
    type: str = "provision",
    until: str = "accepted",
    onward: bool = False,
    **dates: datetime,
) -> Contract:
    """A contract, as far as the state that is asked for."""
    roles = [(application.id, role) for role in ROLES]
    offer = Offer(type=type, roles=roles, onward_access=onward, note="For the depots", **dates)
    made = contracts.draft(
        provider=provider.tenant,
        consumer_id=consumer.tenant.id,
        offer=offer,
        by=provider.actor,
        at=timezone.now(),
    )
    who = {"contract_id": made.id}
    if until != "draft":
        made = contracts.propose(tenant=provider.tenant, by=provider.actor, at=timezone.now(), **who)
    if until == "accepted":
        made = contracts.accept(tenant=consumer.tenant, by=consumer.actor, at=timezone.now(), **who)
    return made
