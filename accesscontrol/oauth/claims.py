"""What a token says: pure, from a decided call to claims (RFC 9068 §2.2) and back."""

import base64
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accesscontrol.decide import HeldRole
from accesscontrol.models.tokens import MADE_OF

ACTOR = "act"  # who acts in the name of ``sub`` (RFC 8693 §4.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who gets a token, and in which tenant.

    ``actor`` and ``made_of`` are those of an exchanged one.
    """

    subject: str
    client_id: str
    tenant_id: str
    tenant_name: str
    sid: str = ""  # of a person: the sign-in (OpenID Connect Front-Channel Logout §3) that gave the token
    actor: Mapping[str, Any] | None = None
    made_of: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What was decided: targets, the scopes that say so, roles where they are asked for, and the end.

    ``roles`` is ``None`` when the token does not list them.
    """

    audience: Sequence[str]
    scopes: Sequence[str]
    roles: Sequence[str] | None
    scope_tenants: Sequence[Mapping[str, str]]
    expires_at: datetime


def issuer(base_url: str, tenant_id: object) -> str:
    """A tenant's issuer; always by id, whatever the address of the request was."""
    return f"{base_url}/iam/auth/realms/{tenant_id}"


def seconds(moment: datetime) -> int:
    """NumericDate (RFC 7519 §2), rounded down: a token never outlives what it rests on."""
    return int(moment.timestamp())


def access_token(
    *,
    issuer: str,
    bearer: Bearer,
    grant: Grant,
    issued_at: datetime,
    jti: str,
    thumbprint: str | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    """The claims of an access token. A single audience is a string, several are a sorted list.

    With a ``thumbprint`` it is bound to that certificate (RFC 8705 §3.1), with a ``key`` to the one of that
    thumbprint (RFC 9449 §6.1).
    """
    audience = sorted(grant.audience)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": bearer.subject,
        "aud": audience[0] if len(audience) == 1 else audience,
        "exp": seconds(grant.expires_at),
        "iat": seconds(issued_at),
        "nbf": seconds(issued_at),
        "jti": jti,
        "client_id": bearer.client_id,
        "azp": bearer.client_id,
        "scope": " ".join(grant.scopes),
        "tid": bearer.tenant_id,
        "tname": bearer.tenant_name,
    }
    if bearer.sid:
        claims["sid"] = bearer.sid
    if bearer.actor is not None:
        claims |= {ACTOR: dict(bearer.actor), MADE_OF: list(bearer.made_of)}
    if grant.roles is not None:
        claims["roles"] = list(grant.roles)
    claims |= _bound({"x5t#S256": thumbprint, "jkt": key})
    if grant.scope_tenants:
        claims["scope_tenants"] = [dict(entry) for entry in grant.scope_tenants]
    return claims


def _bound(to: Mapping[str, str | None]) -> dict[str, Any]:
    confirmed = {name: value for name, value in to.items() if value is not None}
    return {"cnf": confirmed} if confirmed else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What an ID token says of a sign-in."""

    nonce: str
    authenticated_at: datetime
    methods: Sequence[str]  # RFC 8176; none are known of a session that is older than their recording
    about: Mapping[str, Any]  # further claims about the person


def id_token(
    *,
    issuer: str,
    bearer: Bearer,
    signed_in: SignedIn,
    access_token: str,
    issued_at: datetime,
    life: timedelta,
) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core §2), bound to its access token (§3.1.3.6)."""
    half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": bearer.subject,
        "aud": bearer.client_id,
        "azp": bearer.client_id,
        "exp": seconds(issued_at + life),
        "iat": seconds(issued_at),
        "auth_time": seconds(signed_in.authenticated_at),
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode("ascii"),
        "sid": bearer.sid,
        "tid": bearer.tenant_id,
        "tname": bearer.tenant_name,
        **signed_in.about,
    }
    if signed_in.methods:
        claims["amr"] = list(signed_in.methods)
    if signed_in.nonce:
        claims["nonce"] = signed_in.nonce
    return claims


def about_person(
    *, scopes: Collection[str], username: str, name: str, email: str, email_verified: bool
) -> dict[str, Any]:
    """What ``profile`` and ``email`` open (OpenID Connect Core §5.4)."""
    found: dict[str, Any] = {}
    if "profile" in scopes:
        found |= {"name": name, "preferred_username": username}
    if "email" in scopes:
        found |= {"email": email, "email_verified": email_verified}
    return found


def scope_tenants(roles: Iterable[HeldRole], *, tenant_id: str) -> list[dict[str, str]]:
    """Where a role covers data of another tenant than the bearer's own: by access contract."""
    found = {
        (role.scope_tenant_id, role.relation)
        for role in roles
        if role.relation == "access" or role.scope_tenant_id != tenant_id
    }
    return [{"tid": tid, "relation": relation} for tid, relation in sorted(found)]


def audience_of(claims: Mapping[str, Any]) -> list[str]:
    """The audience as a list (RFC 7519 §4.1.3); empty for what is none."""
    value = claims.get("aud")
    found = [value] if isinstance(value, str) else value
    return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def narrowed_roles(claims: Mapping[str, Any], application_id: str) -> frozenset[str]:
    """Role keys of the application to which the token was narrowed; empty when it was not."""
    return roles_named(str(claims.get("scope", "")).split(" "), application_id)


def roles_named(scopes: Iterable[str], application_id: str) -> frozenset[str]:
    """Role keys of the application among the words of a scope (``<applicationId>/<role key>``)."""
    prefix = f"{application_id}/"
    return frozenset(scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix))
