"""An organization with one of everything, under names that its neighbours use too."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from accesscontrol.actions import assignments, scim_tokens, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import (
    amendments,
    client_certificates,
    client_keys,
    clients,
    contracts,
    drafts,
    manifests,
    pauses,
    trusted_issuers,
    webhook_requests,
    webhooks,
)
from applications.actions.changes import Change
from applications.models import Amendment, Application, Contract
from applications.proofs import certificates
from applications.proofs.keys import of_pem
from iam_portal.walls import tenant_scope
from tenants.actions import identity_links
from tenants.models import Group, Partnership, Tenant, User
from tests.applications.sharing import accepted, register
from tests.support.coming_from import make_mapper, make_provider
from tests.support.factories import SYSTEM, acting, make_group, make_partners, make_tenant
from tests.support.knocking import Knocker, browser, person, service
from tests.support.proving import certified, ec_key, pem, public_pem
from tests.support.universe import manifest_of


@dataclass
class Side:
    """An organization, its partner, and one of everything in it."""

    tenant: Tenant
    partner: Tenant
    partnership: Partnership
    user: User
    group: Group
    application: Application
    proofs: dict[str, Any]
    webhook_id: UUID
    delivery_id: int
    draft: Contract
    contract: Contract
    pause_id: int
    amendment: Amendment
    assignment: Assignment
    person: Knocker
    robot: Knocker
    names: set[str] = field(default_factory=set)

    def known(self) -> dict[str, Any]:
        """Its ids, by the names that addresses use."""
        return {
            "application_id": self.application.id,
            "client_id": self.application.id,
            **self.proofs,
            "webhook_id": self.webhook_id,
            "delivery_id": self.delivery_id,
            "contract_id": self.contract.id,
            "pause_id": self.pause_id,
            "amendment_id": self.amendment.id,
            "assignment_id": self.assignment.id,
            "partnership_id": self.partnership.id,
            "user_id": self.user.id,
            "group_id": self.group.id,
        }


def make_side(slug: str) -> Side:
    at = datetime.now(UTC)
    tenant, partner = make_tenant(slug, at=at), make_tenant(f"{slug}-partner", at=at)
    partnership = make_partners(tenant, partner, at=at)
    user, session = person(tenant, "jane", *ROLE_KEYS)
    at = datetime.now(UTC)
    group = make_group(tenant, "Dispatch", members=(user,), at=at)
    application, private = register(tenant, "meter", at), register(tenant, "private", at)
    require(application, private, at)
    contract = accepted(tenant, partner, application.id, at=at)
    pauses.pause(tenant=tenant, contract_id=contract.id, by=SYSTEM, at=at, when=at + timedelta(days=365))
    offer = drafts.Offer(type="provision", roles=[(private.id, "viewer")])
    draft = contracts.draft(provider=tenant, consumer_id=partner.id, offer=offer, by=SYSTEM, at=at)
    wanted = Wanted(role="viewer", application_id=application.id, user_id=user.id)
    permission = (application.id, "urn:test", "machines", "read")
    role = Definition(key="night-shift", name="Night shift", description="", permissions=[permission])
    tenant_roles.define(tenant=tenant, definition=role, by=SYSTEM, at=at)
    assignment = assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)
    webhook_id, delivery_id = make_webhook(tenant, at)
    made = Side(
        tenant=tenant,
        partner=partner,
        partnership=partnership,
        user=user,
        group=group,
        application=application,
        proofs={**proofs_of(application, at), **provider_of(user, group, at), **directory_of(user, at)},
        webhook_id=webhook_id,
        delivery_id=delivery_id,
        draft=draft,
        contract=contract,
        pause_id=contract.pauses.get().id,
        amendment=widening(contract, application, at),
        assignment=assignment,
        person=browser(tenant, session),
        robot=service(tenant, "robot", *ROLE_KEYS),
    )
    made.names = {str(tenant.id), str(partner.id), slug, f'{slug.capitalize()}"'}
    return made


def proofs_of(application: Application, at: datetime) -> dict[str, UUID]:
    """One of everything that proves its client, by the names that addresses use."""
    given = {"tenant": application.owner, "client_id": application.id, "by": SYSTEM, "at": at}
    secret, _ = clients.add_secret(**given)
    key = client_keys.add(key=of_pem(public_pem(ec_key())), **given)
    certificate = client_certificates.add(certificate=certificates.of_pem(pem(certified())), **given)
    trust = trusted_issuers.Trust(issuer="https://issuer.example", subject="robot")
    issuer = trusted_issuers.add(trust=trust, **given)
    return {
        "secret_id": secret.id,
        "key_id": key.id,
        "certificate_id": certificate.id,
        "issuer_id": issuer.id,
    }


def provider_of(user: User, group: Group, at: datetime) -> dict[str, Any]:
    """An identity provider with a mapper, and the person linked."""
    with tenant_scope(user.tenant_id):
        provider = make_provider(user.tenant, f"{user.tenant.slug}-login", at=at)
        wanted = {"kind": "group", "group": group, "claim": "groups", "value": "g", "template": ""}
        mapper = make_mapper(provider, user, at=at, **wanted)
        identity_links.put(provider=provider, user=user, subject="s-1", by=SYSTEM, at=at)
    return {"provider_key": provider.key, "mapper_id": mapper.id}


def directory_of(user: User, at: datetime) -> dict[str, Any]:
    """What a directory shows."""
    given = {"note": "Directory", "welcome": "none", "expires_at": at + timedelta(days=9)}
    with tenant_scope(user.tenant_id):
        token, _ = scim_tokens.make(tenant=user.tenant, by=acting(user), at=at, **given)
    return {"token_id": token.id}


def widening(contract: Contract, application: Application, at: datetime) -> Amendment:
    """A proposal of the provider that nobody has answered."""
    change = Change(add=[(application.id, "editor")])
    return amendments.amend(
        tenant=contract.provider, contract_id=contract.id, change=change, by=SYSTEM, at=at
    )


def require(application: Application, other: Application, at: datetime) -> None:
    """The one needs a role of the other."""
    needing = manifest_of(("viewer", "editor"), required=[(other.id, "viewer")])
    manifests.declare(application=application, manifest=needing, by=SYSTEM, at=at)


def make_webhook(tenant: Tenant, at: datetime) -> tuple[UUID, int]:
    """A webhook and a delivery that waits."""
    wanted = webhooks.Wanted("https://receiver.example/hook", ("iam.contract.*",))
    with tenant_scope(tenant.id):
        made, _ = webhooks.subscribe(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)
        asked = webhook_requests.send_test(tenant=tenant, webhook_id=made.id, by=SYSTEM, at=at)
    return made.id, asked.id
