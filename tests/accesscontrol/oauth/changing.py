"""What may change of a token: by the public actions, each at the moment of the world."""

from collections.abc import Callable
from typing import Any

from accesscontrol.actions import assignments, keys, rotation, tenant_roles
from accesscontrol.models import Assignment
from applications.actions import applications, client_settings, clients, contracts, manifests, pauses
from applications.actions.client_settings import Settings
from applications.manifest import parse
from applications.models import ClientSecret, Contract
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import lifetimes, partnerships, tenants
from tenants.lifetimes import Lifetime
from tenants.models import Partnership
from tests.accesscontrol.oauth.conftest import MANIFEST, World
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"
OPERATOR = Actor.system("Olga")


def contract_of(world: World) -> Contract:
    return Contract.objects.filter(terms__role__application_id=METER, consumer=world.globex).distinct().get()


def pause(world: World) -> None:
    pauses.pause(tenant=world.acme, contract_id=contract_of(world).id, by=SYSTEM, at=world.clock.at)


def end_contract(world: World) -> None:
    contracts.end(tenant=world.globex, contract_id=contract_of(world).id, by=SYSTEM, at=world.clock.at)


def fewer_roles(world: World) -> None:
    less = {**MANIFEST, "roles": MANIFEST["roles"][1:]}
    meter = world.acme.applications.get(id=METER)
    manifests.declare(application=meter, manifest=parse(less), by=SYSTEM, at=world.clock.at)


def withdraw_role(world: World) -> None:
    with tenant_scope(world.globex.id):
        row = Assignment.objects.get(application_id=READER, application_role__application_id=METER)
        world.withdraw(row)


def one_more_role(world: World) -> None:
    world.assign(world.globex, READER, METER, role="editor")


def own_role(world: World) -> None:
    wanted = [(METER, "urn:test", "machines", "read")]
    made = {"key": "watcher", "name": "Watcher", "description": ""}
    definition = tenant_roles.Definition(**made, permissions=wanted)
    tenant_roles.define(tenant=world.globex, definition=definition, by=SYSTEM, at=world.clock.at)
    wish = assignments.Wanted(role="watcher", principal_application_id=READER)
    assignments.assign(tenant=world.globex, wanted=wish, by=SYSTEM, at=world.clock.at)


def revoke_secret(world: World, client_id: str) -> None:
    secret = ClientSecret.objects.get(client__client_id=client_id)
    owner = world.acme if client_id == METER else world.globex
    clients.revoke_secret(
        tenant=owner, client_id=client_id, secret_id=secret.id, by=SYSTEM, at=world.clock.at
    )


def change_client(world: World, **columns: Any) -> None:
    settings = Settings(**columns)
    client_settings.change(
        tenant=world.globex, client_id=READER, settings=settings, by=SYSTEM, at=world.clock.at
    )


def suspend_application(world: World, tenant: str, name: str) -> None:
    owner = getattr(world, tenant)
    applications.suspend(tenant=owner, application_id=name, reason="", by=SYSTEM, at=world.clock.at)


def shorter(world: World) -> None:
    lifetimes.change(tenant=world.globex, chosen={Lifetime.ACCESS_TOKEN: 60}, by=SYSTEM, at=world.clock.at)


def withdraw_key(world: World) -> None:
    kid = keys.signing_key(algorithm="ES256", at=world.clock.at).kid
    rotation.withdraw(kids=[kid], by=OPERATOR, at=world.clock.at)


def end_partnership(world: World) -> None:
    row = Partnership.objects.get(inviter=world.acme, invitee=world.globex)
    partnerships.end(tenant=world.acme, partnership_id=row.id, by=SYSTEM, at=world.clock.at)


CHANGES: dict[str, Callable[[World], Any]] = {
    "paused": pause,
    "contract ended": end_contract,
    "a role less in the manifest": fewer_roles,
    "role withdrawn": withdraw_role,
    "one more role": one_more_role,
    "a role of the tenant's own": own_role,
    "secret of the caller revoked": lambda world: revoke_secret(world, READER),
    "secret of the called revoked": lambda world: revoke_secret(world, METER),
    "no token without target": lambda world: change_client(world, token_without_target=False),
    "other method": lambda world: change_client(world, authentication_method="client_secret_post"),
    "caller suspended": lambda world: suspend_application(world, "globex", READER),
    "called suspended": lambda world: suspend_application(world, "acme", METER),
    "caller retired": lambda world: applications.retire(
        tenant=world.globex, application_id=READER, by=SYSTEM, at=world.clock.at
    ),
    "called retired": lambda world: applications.retire(
        tenant=world.acme, application_id=METER, by=SYSTEM, at=world.clock.at
    ),
    "tenant suspended": lambda world: tenants.suspend(
        tenant=world.globex, reason="", by=SYSTEM, at=world.clock.at
    ),
    "owner suspended": lambda world: tenants.suspend(
        tenant=world.acme, reason="", by=SYSTEM, at=world.clock.at
    ),
    "tenant renamed": lambda world: tenants.rename(
        tenant=world.globex, name='Glob"ex ü', by=SYSTEM, at=world.clock.at
    ),
    "shorter lives": shorter,
    "key withdrawn": withdraw_key,
    "partnership ended": end_partnership,
}
