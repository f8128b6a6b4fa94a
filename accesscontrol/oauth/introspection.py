"""Introspection (RFC 7662) of every kind of token: decided now, not at issue.

An access token is judged by the applications in its audience, a refresh token by its own client alone. ID
tokens are for their client to read, and tell nothing here.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from accesscontrol.decide import HeldRole
from accesscontrol.models import Authorization, RefreshToken
from accesscontrol.oauth import decision, delegation, metrics, people, tokens
from accesscontrol.oauth.claims import ACTOR, audience_of, issuer, scope_tenants, seconds
from applications.models import Client
from iam_portal.walls import tenant_scope
from tenants import hashers
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant

INACTIVE = b'{"active": false}'  # one answer, alike to the byte, for every reason
REFRESH_TOKEN = "refresh_token"  # noqa: S105  (a kind of token)
REFRESH_FORM = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 random bytes; access tokens have dots


def answer(*, token: str, client: Client, tenant: Tenant | None, at: datetime) -> dict[str, Any] | None:
    """The members of an active answer, or ``None``.

    A refresh token is known by its form: ``token_type_hint`` (§2.1) has nothing to say.
    """
    if tenant is None:
        return None
    look = _refresh if REFRESH_FORM.fullmatch(token) else _access
    return look(token, client, tenant, at)


def _access(token: str, client: Client, tenant: Tenant, at: datetime) -> dict[str, Any] | None:
    """For a confidential client in the token's audience, at the tenant that issued it.

    Roles are those of this moment: they shrink with what was withdrawn.
    """
    try:
        claims = tokens.read(token, at=at)
    except tokens.Unreadable:
        return None
    if claims["tid"] != str(tenant.id) or client.application_id not in audience_of(claims):
        return None
    if ACTOR in claims:
        return _exchanged(claims, client, tenant, at)
    if "sid" in claims:
        return _person(claims, tenant, at)
    with metrics.deciding("introspection"):
        found = decision.standing(claims, target_id=client.application_id, at=at)
    if found is None:
        return None
    return active(claims, service_members(found, claims))


def _person(claims: Mapping[str, Any], tenant: Tenant, at: datetime) -> dict[str, Any] | None:
    found = people.standing(claims, tenant=tenant, at=at)
    if found is None:
        return None
    application_id = found.authorization.client.application_id
    caller = {"kind": "user", "applicationId": application_id, "userId": claims["sub"]}
    return active(claims, _members(claims, found.roles, caller))


def _exchanged(
    claims: Mapping[str, Any], client: Client, tenant: Tenant, at: datetime
) -> dict[str, Any] | None:
    """Whom it stands for, and who acts (RFC 8693): decided now, for both."""
    with metrics.deciding("introspection"):
        found = delegation.standing(claims, target_id=client.application_id, tenant=tenant, at=at)
    if found is None:
        return None
    acting, subject = found.actor.application_id, found.subject
    caller = {"kind": subject.kind, "applicationId": acting}
    if subject.application is None:
        caller["userId"] = subject.id
    else:
        caller["applicationId"] = subject.application.id
    return active(claims, _members(claims, found.roles, caller) | {"actor": {"applicationId": acting}})


def active(claims: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """The whole answer: what the token says, and what was decided now."""
    return {"active": True, **claims, **members}


def service_members(standing: decision.Standing, claims: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided of a service: alike for all its tokens that are narrowed alike."""
    caller = {"kind": "service", "applicationId": standing.account.application_id}
    return _members(claims, standing.call.roles, caller)


def _members(
    claims: Mapping[str, Any], roles: tuple[HeldRole, ...], caller: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "token_type": "DPoP" if "jkt" in claims.get("cnf", ()) else "Bearer",
        "roles": sorted({role.urn for role in roles}),
        "scope_tenants": scope_tenants(roles, tenant_id=claims["tid"]),
        "caller": {**caller, "clientId": claims["client_id"], "tenantId": claims["tid"]},
    }


def _refresh(token: str, client: Client, tenant: Tenant, at: datetime) -> dict[str, Any] | None:
    """For its own client, while it could be exchanged. ``exp`` is when it falls if nobody does.

    It says nothing that a resource server asks for, no audience and no roles, and its ``token_type`` is not
    Bearer: one that is presented as an access token must not pass for one.
    """
    with tenant_scope(tenant.id):
        living = Authorization.objects.living(tenant=tenant, at=at).filter(client=client)
        rows = RefreshToken.objects.filter(
            tenant=tenant, digest=hashers.digest(token), used_at=None, authorization__in=living
        )
        found = rows.select_related("authorization__client", "authorization__session").first()
        if found is None:
            return None
        given = found.authorization
        if people.of(given, scope=given.scope, at=at) is None:
            return None
    idle = Lifetime.REFRESH_IDLE if given.session else Lifetime.OFFLINE_IDLE
    until = given.used_at + lifetime(tenant, idle)
    return {
        "active": True,
        "iss": issuer(settings.PORTAL_BASE_URL, tenant.id),
        "client_id": client.client_id,
        "sub": str(given.user_id),
        "scope": given.scope,
        "iat": seconds(found.created_at),
        "exp": seconds(min(until, given.session.expires_at) if given.session else until),
        "token_type": REFRESH_TOKEN,
        "tid": str(tenant.id),
        "sid": str(given.id),
    }
