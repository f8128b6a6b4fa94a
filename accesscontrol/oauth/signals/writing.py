"""One security event token (RFC 8417) for one application: whether it is told, and what it says.

Told is of people who hold a role of the application or have signed in to it, where it serves their
organization itself at the moment; and of a change of access only where what the person holds there changed.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from accesscontrol.decide import SignInFacts, may_sign_in
from accesscontrol.models import Authorization
from accesscontrol.oauth import sign_in_decision, tokens
from accesscontrol.oauth.claims import issuer, seconds
from accesscontrol.oauth.signals import kinds
from applications.availability import available
from applications.delivery.telling import VERIFICATION
from applications.models import Client, Event, SignalStream, Webhook

TYPE = "secevent+jwt"  # RFC 8417 §2.3: no token of another kind passes for it, nor it for one
_JUST_BEFORE = timedelta(microseconds=1)


def written(*, webhook: Webhook, event: Event, at: datetime) -> bytes | None:
    """The token for the application of the stream; None where the event is not its business now.

    Runs in the scope of the stream's tenant, whose event it is.
    """
    if event.type == VERIFICATION:
        state = SignalStream.objects.values_list("verifying", flat=True).get(webhook=webhook)
        said = {"state": state} if state else {}
        subject: dict[str, Any] = {"format": "opaque", "id": str(webhook.pk)}
        return _signed(webhook, event, subject, {kinds.VERIFICATION: said}, at)
    user_id = UUID(event.data["userId"])
    facts = _facts(webhook, user_id, at)
    body = _body(webhook, event, facts, user_id, at) if facts is not None else None
    if body is None:
        return None
    iss = issuer(settings.PORTAL_BASE_URL, webhook.tenant_id)
    subject = {"format": "iss_sub", "iss": iss, "sub": str(user_id)}
    if session := event.data.get("sessionId"):
        # With the person alone as its subject, all his sessions would be meant (CAEP 1.0 §3.1).
        named = {"format": "opaque", "id": session}
        subject = {"format": "complex", "user": subject, "session": named}
    return _signed(webhook, event, subject, {kinds.uri_of(event.type): body}, at)


def _facts(webhook: Webhook, user_id: UUID, at: datetime) -> SignInFacts | None:
    """Of an application that runs for the tenant itself; by an access contract it has no stream there."""
    assert webhook.application_id is not None
    facts = sign_in_decision.facts_of(
        user_id=user_id, application_id=webhook.application_id, tenant_id=webhook.tenant_id
    )
    if facts is None:
        return None
    here = available(facts.sharing, tenant_id=facts.tenant_id, at=at)
    return facts if any(way.relation != "access" for way in here.holding) else None


def _body(
    webhook: Webhook, event: Event, facts: SignInFacts, user_id: UUID, at: datetime
) -> dict[str, Any] | None:
    """What is said of the event; None where it is not told."""
    body: dict[str, Any] = {"event_timestamp": seconds(event.at)}
    if initiator := event.data.get("initiator"):
        body["initiating_entity"] = initiator
    kind = kinds.uri_of(event.type)
    if kind == kinds.SESSION_REVOKED:  # of this application's own, by the query
        return body
    before = may_sign_in(facts, at=event.at - _JUST_BEFORE).urns()
    now = may_sign_in(facts, at=at).urns()
    if kind == kinds.TOKEN_CLAIMS_CHANGE:
        return {**body, "claims": {"roles": sorted(now)}} if before != now else None
    if not before and not now and not _has_signed_in(webhook, user_id):
        return None
    if kind == kinds.CREDENTIAL_CHANGE:
        changed = {"credential_type": event.data["credential"], "change_type": event.data["change"]}
        return {**body, **changed}
    return body


def _has_signed_in(webhook: Webhook, user_id: UUID) -> bool:
    rows = Authorization.objects.filter(tenant_id=webhook.tenant_id, user_id=user_id)
    return rows.filter(client__application_id=webhook.application_id).exists()


def _signed(
    webhook: Webhook, event: Event, subject: dict[str, Any], events: dict[str, Any], at: datetime
) -> bytes:
    claims = {
        "iss": issuer(settings.PORTAL_BASE_URL, webhook.tenant_id),
        "aud": webhook.application_id,
        "iat": seconds(at),
        "jti": str(event.event_id),  # the same each time that it is sent
        "sub_id": subject,
        "events": events,
    }
    clients = Client.objects.filter(client_id=webhook.application_id)
    algorithm = clients.values_list("algorithm", flat=True).first() or "ES256"
    return tokens.sign(claims, at=at, algorithm=algorithm, type=TYPE).encode()
