"""Token exchange (RFC 8693): an application calls another one in the name of whoever called it.

The caller is a confidential client that its owner lets do so, and the token that it shows was made for it.
What it gets is for one other application, never for the portal; it holds what both may do there, and ends no
later than what it was made of. There is no refresh token: with a living token another one can be had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from oauthlib.oauth2.rfc6749.errors import UnauthorizedClientError

from accesscontrol import reasons as say
from accesscontrol.models.tokens import MADE_OF
from accesscontrol.oauth import decision, delegation, refusals, scopes, tokens
from accesscontrol.oauth.claims import ACTOR, Bearer, audience_of, narrowed_roles
from accesscontrol.oauth.decision import Ruling
from accesscontrol.oauth.delegation import Held, Subject
from accesscontrol.oauth.exchange import Exchange, grant_of, settled, understood, uses
from accesscontrol.oauth.refusals import NO_COMMON_ROLE, BadRequest
from accesscontrol.oauth.scopes import Asked, Target
from applications import usage
from applications.models import Client, ServiceAccount
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  (a name)
REFUSED = "The subject token is not valid here, not for this client, or over."


def by_subject_token(exchange: Exchange, form: Mapping[str, str], resources: Sequence[str]) -> dict[str, Any]:
    """The reply (§2.2.1). What is wrong with the subject token is ``invalid_request`` (§2.2.2)."""
    client = exchange.client
    assert client is not None
    require_switch(client)
    _refuse_other_kinds(form)
    asked, target = wanted(client, form, resources)
    claims = _read(exchange, form["subject_token"])
    tenant = exchange.tenant(form)
    if claims is None or tenant is None or claims["tid"] != str(tenant.id):
        raise BadRequest(REFUSED)
    with tenant_scope(tenant.id):
        subject = delegation.behind(
            claims, application_id=client.application_id, tenant=tenant, at=exchange.at
        )
        if subject is None:
            raise BadRequest(REFUSED)
        narrowed = narrowed_roles(claims, target.application_id)
        told = str(client.application.owner_id)
        ruling = both(client, tenant, asked, subject, narrowed=narrowed, told=told, at=exchange.at)
        account, _ = ServiceAccount.objects.get_or_create(application=client.application, tenant=tenant)
    exchange.use_proof()
    grant = grant_of([ruling], asked, str(tenant.id))
    ends = datetime.fromtimestamp(claims["exp"], UTC)
    exchange.grant = replace(grant, expires_at=min(grant.expires_at, ends))
    exchange.bearer = _bearer(claims, client, account, tenant)
    usage.note(uses(ruling, client.application_id, str(tenant.id), exchange.at), at=exchange.at)
    return {
        "access_token": exchange.token(),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": exchange.token_type,
        "expires_in": exchange.expires_in,
        "scope": " ".join(exchange.grant.scopes),
        "jti": exchange.jti,
    }


def require_switch(client: Client) -> None:
    """Its owner lets this client act in the name of others; UnauthorizedClientError for every other."""
    if client.client_type != Client.CLIENT_CONFIDENTIAL or not client.token_exchange:
        raise UnauthorizedClientError(description="This client may not exchange tokens.")


def _refuse_other_kinds(form: Mapping[str, str]) -> None:
    """§2.1: what is asked for and shown are access tokens of ours. The client itself is who acts."""
    if not form.get("subject_token"):
        raise BadRequest("The parameter subject_token is missing.")
    if form.get("subject_token_type") != ACCESS_TOKEN:
        raise BadRequest(f"The only subject_token_type is {ACCESS_TOKEN}.")
    if form.get("actor_token") or form.get("actor_token_type"):
        raise BadRequest("An actor_token is not taken: the client that asks is the actor.")
    if form.get("requested_token_type") not in (None, "", ACCESS_TOKEN):
        raise BadRequest(f"The only requested_token_type is {ACCESS_TOKEN}.")


def wanted(client: Client, form: Mapping[str, str], resources: Sequence[str]) -> tuple[Asked, Target]:
    """The one target: by ``scope``, ``resource`` or ``audience`` (§2.1), all of which must mean the same."""
    audience = form.get("audience", "")
    named = [*resources, scopes.RESOURCE + audience] if audience else resources
    asked = understood(client, form.get("scope", ""), named)
    if len(asked.targets) != 1:
        raise refusals.ScopeRefused("invalid_target", "An exchange names one target.")
    (target,) = asked.targets
    if target.application_id == PORTAL_ID:
        raise refusals.ScopeRefused("invalid_target", "No token is exchanged for one of the portal.")
    return asked, target


def _read(exchange: Exchange, value: str) -> dict[str, Any] | None:
    """The claims of a subject token that this client was called with; None for every other.

    One that is bound to a key is its holder's alone: whoever shows it proves that key, too (RFC 8705 §3).
    """
    assert exchange.client is not None
    try:
        claims = tokens.read(value, at=exchange.at)
    except tokens.Unreadable:
        return None
    if exchange.client.application_id not in audience_of(claims):
        return None
    if delegation.actors(claims) >= delegation.MOST_ACTORS:
        raise BadRequest("This token was exchanged too often.")
    return claims if exchange.proves(claims.get("cnf")) else None


def both(
    client: Client,
    tenant: Tenant,
    asked: Asked,
    subject: Subject,
    *,
    narrowed: frozenset[str],
    told: str,
    at: datetime,
) -> Ruling:
    """What the caller may do there, as far as the subject may do it, too. In the tenant's scope.

    A token that was narrowed at this very target stays so. ``told`` is the tenant that hears the answer.
    """
    (ruling,) = settled(client.application, tenant, asked, told=told, at=at)
    limit = at + lifetime(tenant, Lifetime.ACCESS_TOKEN)
    own = Held(ruling.call.roles, ruling.until)
    asking = replace(ruling.target, roles=narrowed)
    common = own.common(delegation.held_by(subject, asking, tenant=tenant, at=at, limit=limit))
    keys = frozenset(role.key for role in common.roles)
    if not common.roles or ruling.target.roles - keys:
        raise _nothing_in_common(ruling, client, tenant, told)
    target = replace(ruling.target, roles=ruling.target.roles or (keys if narrowed else frozenset()))
    return replace(ruling, call=replace(ruling.call, roles=common.roles), target=target, until=common.until)


def _nothing_in_common(ruling: Ruling, client: Client, tenant: Tenant, told: str) -> refusals.ScopeRefused:
    """What the subject holds is no affair of the caller: it hears that it is not enough, if it may know."""
    named, facts = ruling.target, ruling.facts
    disclosure = None
    if facts is not None and decision.may_know(facts, tenant_id=str(tenant.id), home_id=told):
        target = facts.target.application
        reason = say.no_common_role(client.application.name, target.name, target.id, tenant.name)
        disclosure = refusals.Disclosure(NO_COMMON_ROLE, (reason,), None)
    return refusals.target_refused(named.named, by_resource=named.by_resource, disclosure=disclosure)


def _bearer(claims: Mapping[str, Any], client: Client, account: ServiceAccount, tenant: Tenant) -> Bearer:
    """In whose name, and by whom; those who acted before stand inside (§4.1)."""
    actor: dict[str, Any] = {"sub": str(account.id), "client_id": client.client_id}
    if ACTOR in claims:
        actor[ACTOR] = claims[ACTOR]
    return Bearer(
        subject=claims["sub"],
        client_id=client.client_id,
        tenant_id=str(tenant.id),
        tenant_name=tenant.name,
        sid=claims.get("sid", ""),
        actor=actor,
        made_of=(claims["jti"], *claims.get(MADE_OF, ())),
    )
