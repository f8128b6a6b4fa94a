"""A code or a refresh token, exchanged for tokens of a person (RFC 6749 §4.1.3, §6; OIDC Core §3.1.3).

The order is that of the client's own grant: the client is known by now; is the code or token good; is the
application still available there; only then is anything given. What a refusal ends stays ended.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from accesscontrol.actions import sign_ins
from accesscontrol.models import Authorization
from accesscontrol.oauth import claims as build
from accesscontrol.oauth import person_scopes, sign_in_decision, tokens
from accesscontrol.oauth.claims import Bearer, Grant, SignedIn, issuer, roles_named, scope_tenants
from accesscontrol.oauth.exchange import Exchange
from accesscontrol.oauth.refusals import BadRequest, PersonRefused
from accesscontrol.oauth.sign_in_decision import Standing
from applications import usage
from applications.models import Client
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, User

REFUSED = "The code or token is not valid, not this client's, or over."


def by_code(exchange: Exchange, form: Mapping[str, str], resources: Sequence[str]) -> dict[str, Any]:
    """The reply to ``authorization_code``."""
    client, tenant = _who(exchange, form)
    value = form.get("code", "")
    if not value:
        raise BadRequest("The parameter code is missing.")
    _refuse_foreign(form.get("scope", ""), resources, client)
    proof = sign_ins.Proof(
        redirect_uri=form.get("redirect_uri") or None,
        verifier=form.get("code_verifier", ""),
        key_thumbprint=exchange.key or "",
    )
    answer: dict[str, Any] | Standing | None = None
    with tenant_scope(tenant.id):
        code = sign_ins.take(
            tenant=tenant, client=client, value=value, proof=proof, by=_portal(exchange), at=exchange.at
        )
        if code is not None:
            standing = _decided(exchange, tenant, client, code.user)
            if standing:
                offline = person_scopes.OFFLINE in code.scope.split(" ")
                family, refresh = sign_ins.begin(
                    code=code,
                    offline=offline,
                    by=_person(exchange, code.user),
                    at=exchange.at,
                    key_thumbprint=_binding(exchange),
                )
                scopes = tuple(code.scope.split(" "))
                answer = _reply(exchange, tenant, family, standing, scopes=scopes, refresh_token=refresh)
            else:
                answer = standing
    return _given(answer)


def by_refresh_token(exchange: Exchange, form: Mapping[str, str], resources: Sequence[str]) -> dict[str, Any]:
    """The reply to ``refresh_token``. One that is refused for its moment only is not used up."""
    client, tenant = _who(exchange, form)
    value = form.get("refresh_token", "")
    if not value:
        raise BadRequest("The parameter refresh_token is missing.")
    _refuse_foreign("", resources, client)
    answer: dict[str, Any] | Standing | None = None
    with tenant_scope(tenant.id):
        token = sign_ins.current(
            tenant=tenant,
            client=client,
            value=value,
            by=_portal(exchange),
            at=exchange.at,
            key_thumbprint=exchange.key or "",
        )
        if token is not None:
            family = token.authorization
            scopes = person_scopes.narrower(form.get("scope", ""), than=family.scope)
            standing = _decided(exchange, tenant, client, family.user)
            if standing:
                renewed = sign_ins.renew(token=token, at=exchange.at)
                answer = _reply(exchange, tenant, family, standing, scopes=scopes, refresh_token=renewed)
            else:
                answer = standing
    return _given(answer)


def _who(exchange: Exchange, form: Mapping[str, str]) -> tuple[Client, Tenant]:
    """The client, and the tenant of the address; where it names none, as for the client's own tokens."""
    client = exchange.client
    assert client is not None
    tenant = exchange.tenant(form)
    if tenant is None:
        raise InvalidGrantError(description=REFUSED)
    return client, tenant


def _binding(exchange: Exchange) -> str:
    """RFC 9449 §5: of a public client, whose refresh tokens nothing else binds to it."""
    assert exchange.client is not None
    public = exchange.client.client_type == Client.CLIENT_PUBLIC
    return exchange.key or "" if public else ""


def _given(answer: dict[str, Any] | Standing | None) -> dict[str, Any]:
    """Raised out of the transaction: what was used up or ended in it stays so."""
    if answer is None:
        raise InvalidGrantError(description=REFUSED)
    if isinstance(answer, Standing):
        raise PersonRefused(answer.decision)
    return answer


def _refuse_foreign(scope: str, resources: Sequence[str], client: Client) -> None:
    """A target beside the client's own application (RFC 8707 §2.2); the scope itself was settled before."""
    person_scopes.granted(scope, resources, client=client)


def _decided(exchange: Exchange, tenant: Tenant, client: Client, user: User) -> Standing:
    return decided(tenant, client, user, at=exchange.at)


def decided(tenant: Tenant, client: Client, user: User, *, at: datetime) -> Standing:
    """May the person have tokens at the client, with which roles, until when. Writes nothing."""
    return sign_in_decision.decide(
        user_id=user.pk,
        application_id=client.application_id,
        tenant_id=tenant.id,
        at=at,
        limit=at + lifetime(tenant, Lifetime.ACCESS_TOKEN),
    )


def _reply(
    exchange: Exchange,
    tenant: Tenant,
    family: Authorization,
    standing: Standing,
    *,
    scopes: tuple[str, ...],
    refresh_token: str,
) -> dict[str, Any]:
    exchange.use_proof()
    client, user = family.client, family.user
    exchange.grant = grant_of(standing, scopes, client=client, tenant=tenant)
    exchange.bearer = Bearer(
        subject=str(user.pk),
        client_id=client.client_id,
        tenant_id=str(tenant.id),
        tenant_name=tenant.name,
        sid=str(family.pk),
    )
    access_token = exchange.token()
    usage.note(_uses(standing, client.application_id, str(tenant.id)), at=exchange.at)
    reply: dict[str, Any] = {
        "access_token": access_token,
        "token_type": exchange.token_type,
        "expires_in": exchange.expires_in,
        "scope": " ".join(scopes),
        "jti": exchange.jti,
        "refresh_token": refresh_token,
    }
    if "openid" in scopes:
        reply["id_token"] = _id_token(exchange, tenant, family, scopes, access_token)
    return reply


def grant_of(standing: Standing, scopes: Sequence[str], *, client: Client, tenant: Tenant) -> Grant:
    """What the token of a person says, who may have it with these scopes."""
    roles = sign_in_decision.narrowed(standing.roles, roles_named(scopes, client.application_id))
    return Grant(
        audience=[client.application_id],
        scopes=scopes,
        roles=sorted({role.urn for role in roles}) if "openid" in scopes else None,
        scope_tenants=scope_tenants(roles, tenant_id=str(tenant.id)),
        expires_at=standing.until,
    )


def _id_token(
    exchange: Exchange, tenant: Tenant, family: Authorization, scopes: Sequence[str], access_token: str
) -> str:
    user = family.user
    about = build.about_person(
        scopes=scopes,
        username=user.username,
        name=user.display_name,
        email=user.email,
        email_verified=user.email_proven_at is not None,
    )
    assert exchange.bearer is not None
    claims = build.id_token(
        issuer=issuer(settings.PORTAL_BASE_URL, tenant.id),
        bearer=exchange.bearer,
        signed_in=SignedIn(
            nonce=family.nonce,
            authenticated_at=family.authenticated_at,
            methods=family.methods,
            about=about,
        ),
        access_token=access_token,
        issued_at=exchange.at,
        life=lifetime(tenant, Lifetime.ACCESS_TOKEN),
    )
    return tokens.sign(claims, at=exchange.at, algorithm=family.client.algorithm, type=tokens.ID)


def _uses(standing: Standing, application_id: str, tenant_id: str) -> Iterator[usage.Use]:
    """By which contracts a person uses the application: those of his roles, and by which it is here."""
    contracts: set[str | None] = {each for role in standing.roles for each in role.by_contracts}
    contracts |= {reason.contract_id for reason in standing.decision.reasons if reason.contract_id}
    for contract_id in contracts or {None}:
        yield usage.Use(contract_id, tenant_id, application_id, application_id)


def _person(exchange: Exchange, user: User) -> Actor:
    request_id, address = exchange.origin
    return Actor("user", str(user.pk), str(user), user.tenant_id, request_id, address)


def _portal(exchange: Exchange) -> Actor:
    request_id, address = exchange.origin
    return Actor("system", "system", "portal", None, request_id, address)
