"""Making what is remembered: by the functions of the long way, over one snapshot of facts and version."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from accesscontrol.actions import keys
from accesscontrol.actions.keys import ParsedKey
from accesscontrol.decide import CallFacts, call_moments
from accesscontrol.oauth import clients, decision, exchange
from accesscontrol.oauth.claims import Bearer, Grant, access_token, audience_of, issuer
from accesscontrol.oauth.clients import own_keys, secrets
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.introspection import service_members
from accesscontrol.oauth.realms import has_part
from accesscontrol.oauth.short.asked import Asked
from accesscontrol.oauth.short.kept import (
    Ground,
    Holder,
    Known,
    Presented,
    Proofs,
    StandingAnswer,
    TokenAnswer,
)
from accesscontrol.oauth.short.signing import signer
from accesscontrol.oauth.short.versions import SharedReader, rests_on
from applications.models import Client, ServiceAccount
from applications.models.clients import REQUIRED
from iam_portal.walls import tenant_scope
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant

LONGEST = timedelta(hours=1)  # that anything is remembered
EDGE = timedelta(seconds=2)  # before a planned change the long way looks at each moment by itself
_EXP, _IAT, _JTI = 4_102_444_801, 4_102_444_802, "0"
_MOMENT = datetime.fromtimestamp(_IAT, UTC)
_MOVING = f'"exp":{_EXP},"iat":{_IAT},"nbf":{_IAT},"jti":"{_JTI}"'.encode()


def token_answer(known: Known, asked: Asked, *, at: datetime) -> TokenAnswer | None:
    """Of a service token that is granted; None for everything that is refused or not so plain."""
    with _snapshot():
        client = living(asked.client_id, at).first()
        held = keys.as_of_now(at=at)
        key = _signing(client, held, at)
        if client is None or key is None or client.dpop == REQUIRED:
            return None
        said = exchange.understood(client, known.form.get("scope", ""), [known.form.get("resource", "")])
        tenant = _tenant(known, client, at)
        if tenant is None:
            return None
        with tenant_scope(tenant.id):
            account = ServiceAccount.objects.filter(application=client.application, tenant=tenant).first()
            if account is None or not has_part(client.application, tenant.id):
                return None
            targets, facts = decision.facts_for(client.application, said.targets, tenant_id=tenant.id)
        allowed = exchange.granted(decision.rule(targets, facts, at=at, limit=at + 2 * LONGEST), said)
        ground = _ground((known, asked), (client, tenant), facts, held, at) if allowed else None
    if ground is None:
        return None
    grant = exchange.grant_of(allowed, said, str(tenant.id))
    before, after = _claims(client, tenant, account, grant)
    uses = [use for each in allowed for use in exchange.uses(each, client.application_id, str(tenant.id), at)]
    return TokenAnswer(
        ground=ground,
        life=lifetime(tenant, Lifetime.ACCESS_TOKEN),
        falls_at=grant.expires_at,
        before=before,
        after=after,
        scope=json.dumps(" ".join(grant.scopes)).encode(),
        signer=signer(key),
        uses=uses,
    )


def standing_answer(
    known: Known, asked: Asked, presented: Presented, *, at: datetime
) -> StandingAnswer | None:
    """Of a service token that is active for this client; None for every other."""
    claims = presented.claims
    with _snapshot():
        client = living(asked.client_id, at).first()
        tenant = known.address.find()
        if client is None or tenant is None or claims["tid"] != str(tenant.id):
            return None
        target_id = client.application_id
        found = decision.grounds(claims, target_id=target_id) if target_id in audience_of(claims) else None
        standing = found and decision.judged(*found, claims, target_id=target_id, at=at)
        if not found or not standing:
            return None
        held = keys.as_of_now(at=at)
        ground = _ground((known, asked), (client, tenant), {target_id: found[1]}, held, at)
    if ground is None:
        return None
    verifying = {kid: key.withdrawn_at for kid, key in held.items()}
    return StandingAnswer(ground, verifying, service_members(standing, claims))


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of everything that is read, the version included: what is committed meanwhile is not in it."""
    if connection.in_atomic_block:  # of a test, which sees its own
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _tenant(known: Known, client: Client, at: datetime) -> Tenant | None:
    asking = exchange.Exchange(at, known.address, _presented(known), client=client)
    return asking.tenant(known.form)


def _presented(known: Known) -> clients.Presented:
    return clients.Presented("", known.form, known.address)


def _signing(client: Client | None, held: Mapping[str, ParsedKey], at: datetime) -> ParsedKey | None:
    algorithm = client.algorithm if client is not None else ""
    return next((key for key in held.values() if key.algorithm == algorithm and key.signs(at)), None)


def _ground(
    request: tuple[Known, Asked],
    parties: tuple[Client, Tenant],
    facts: Mapping[str, CallFacts],
    held: Mapping[str, ParsedKey],
    at: datetime,
) -> Ground | None:
    """None where something changes within a moment."""
    (known, asked), (client, tenant) = request, parties
    until = min([*_planned(facts, held, at), at + LONGEST]) - EDGE
    holders, proofs = _proving(asked, at)
    if until <= at or not holders:
        return None
    tenants = {str(tenant.id), str(client.application.owner_id), *(call.home_id for call in facts.values())}
    on = rests_on(facts, application_ids=[client.application_id], tenant_ids=tenants)
    seen = SharedReader().read(on)
    signs = asked.assertion is not None
    allowed = own_keys.audiences(_presented(known), client) if signs else frozenset()
    return Ground(on, seen.version, at, until, holders, proofs, allowed)


def _proving(asked: Asked, at: datetime) -> tuple[Mapping[str, Holder], Proofs]:
    """All that proves the client in the way in which it is asked."""
    if asked.assertion is not None:
        keys = own_keys.living_keys(asked.client_id, at=at)
        by_id = {str(each.id): Holder(each.id, each.until, each.last_used_at) for each in keys}
        return by_id, Proofs(keys=tuple(keys))
    live = secrets.living_secrets(asked.client_id, method=asked.method, at=at)
    by_digest = {each.digest: Holder(each.id, each.until, each.last_used_at) for each in live}
    return by_digest, Proofs(tuple((each.digest, each.pepper) for each in live))


def _planned(
    facts: Mapping[str, CallFacts], held: Mapping[str, ParsedKey], at: datetime
) -> Iterator[datetime]:
    """What is to come of all that the answer was made of."""
    found: set[datetime | None] = set()
    for call in facts.values():
        found |= {*call_moments(call)}
        for contract in (*call.caller.contracts, *call.target.contracts):
            found |= {contract.starts_at, contract.ends_at}
    for key in held.values():
        found |= {key.active_from, key.retired_at, key.withdrawn_at}
    return (moment for moment in found if moment is not None and moment > at)


def _claims(client: Client, tenant: Tenant, account: ServiceAccount, grant: Grant) -> tuple[bytes, bytes]:
    """The claims around their moments and their id, as JSON. Quotes in a name are escaped in it."""
    tenant_id = str(tenant.id)
    claims = access_token(
        issuer=issuer(settings.PORTAL_BASE_URL, tenant_id),
        bearer=Bearer(
            subject=str(account.id),
            client_id=client.client_id,
            tenant_id=tenant_id,
            tenant_name=tenant.name,
        ),
        grant=grant,
        issued_at=_MOMENT,
        jti=_JTI,
    )
    text = json.dumps(claims | {"exp": _EXP}, ensure_ascii=False, separators=(",", ":")).encode()
    before, after = text.split(_MOVING)
    return before, after
