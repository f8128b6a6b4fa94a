"""People who are signed in to an application: rows and tokens as the code grant would leave them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.models import Assignment, Authorization, RefreshToken
from accesscontrol.oauth import tokens
from accesscontrol.oauth.claims import Bearer, Grant, access_token, issuer
from applications.models import Client
from iam_portal.walls import tenant_scope
from tenants import hashers
from tenants.models import User, UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.support.factories import SYSTEM, make_user, sign_in

SCOPE = "aud:acme.meter openid profile email"


@dataclass
class SignedIn:
    """What a client has in its hands, and the cookie of the person's browser."""

    authorization: Authorization
    access_token: str
    refresh_token: str
    claims: dict[str, Any]
    cookie: str


def person(world: World, name: str = "jane", tenant: Any = None) -> User:
    return make_user(tenant or world.globex, name, at=world.clock.at)


def give(world: World, user: User, role: str = "viewer", target: str = "acme.meter") -> Assignment:
    wanted = Wanted(role=role, application_id=target, user_id=user.id)
    return assignments.assign(tenant=user.tenant, wanted=wanted, by=SYSTEM, at=world.clock.at)


def signed_in(
    world: World,
    user: User,
    client_id: str = "acme.meter",
    scope: str = SCOPE,
    *,
    offline: bool = False,
    cookie: str = "",
) -> SignedIn:
    """The person signs in at the tenant's page and from there to the client."""
    at, tenant = world.clock.at, user.tenant
    cookie = cookie or sign_in(user, at=at)
    client, value = Client.objects.get(client_id=client_id), hashers.fresh()
    with tenant_scope(tenant.id):
        session = UserSession.objects.get(digest=hashers.digest(cookie))
        row = Authorization.objects.create(
            tenant=tenant,
            user=user,
            client=client,
            session=None if offline else session,
            scope=scope,
            authenticated_at=at,
            created_at=at,
            used_at=at,
        )
        RefreshToken.objects.create(
            digest=hashers.digest(value), tenant=tenant, authorization=row, created_at=at
        )
    claims = claims_for(world, row)
    return SignedIn(row, tokens.sign(claims, at=at), value, claims, cookie)


def claims_for(world: World, row: Authorization, **changed: Any) -> dict[str, Any]:
    """The claims of an access token of this sign-in; ``changed`` ones are not what we would say."""
    at = world.clock.at
    bearer = Bearer(
        subject=str(row.user_id),
        client_id=row.client.client_id,
        tenant_id=str(row.tenant_id),
        tenant_name=row.tenant.name,
    )
    grant = Grant(
        audience=[row.client.application_id],
        scopes=row.scope.split(" "),
        roles=None,
        scope_tenants=(),
        expires_at=at + timedelta(seconds=300),
    )
    made = access_token(
        issuer=issuer("http://testserver", row.tenant_id),
        bearer=bearer,
        grant=grant,
        issued_at=at,
        jti=uuid4().hex,
    )
    return {**made, "sid": str(row.id), **changed}
