"""Security event tokens (RFC 8417) for one application: which events it is told, and what they say.

Told is of people who hold a role of the application or have signed in to it, where it serves their
organization itself at the moment; and of a change of access only where what the person holds there changed.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings

from accesscontrol.books import of_tenant as books
from accesscontrol.decide import PrincipalFacts, RoleBook, SignInFacts, may_sign_in
from accesscontrol.models import Authorization
from accesscontrol.oauth import tokens
from accesscontrol.oauth.claims import issuer, seconds
from accesscontrol.oauth.signals import kinds
from accesscontrol.review.people import people
from applications import facts as sharing_facts
from applications.availability import available
from applications.delivery.telling import VERIFICATION
from applications.models import Client, Event, SignalStream, Webhook

TYPE = "secevent+jwt"  # RFC 8417 §2.3: no token of another kind passes for it, nor it for one
_JUST_BEFORE = timedelta(microseconds=1)


def writer(webhook: Webhook, events: Collection[Event], *, at: datetime) -> "Writer":
    """For one look at some events of the stream, in the scope of its tenant."""
    return Writer(webhook, events, at)


class Writer:
    """Writes the token of each event. What decides is read once for all people whom they are about.

    That is a fixed number of statements.
    """

    def __init__(self, webhook: Webhook, events: Collection[Event], at: datetime) -> None:
        assert webhook.application_id is not None
        self.webhook, self.application_id, self.at = webhook, webhook.application_id, at
        self.tenant_id = webhook.tenant_id
        self._user_ids = {UUID(event.data["userId"]) for event in events if event.type != VERIFICATION}

    def __call__(self, event: Event) -> bytes | None:
        """The token; None where the event, one of those named, is not the application's business now."""
        if event.type == VERIFICATION:
            state = SignalStream.objects.values_list("verifying", flat=True).get(webhook=self.webhook)
            said = {"state": state} if state else {}
            subject: dict[str, Any] = {"format": "opaque", "id": str(self.webhook.pk)}
            return self._signed(event, subject, {kinds.VERIFICATION: said})
        user_id = UUID(event.data["userId"])
        facts = self.facts.get(user_id)
        body = self._body(event, facts, user_id) if facts is not None else None
        if body is None:
            return None
        iss = issuer(settings.PORTAL_BASE_URL, self.tenant_id)
        subject = {"format": "iss_sub", "iss": iss, "sub": str(user_id)}
        if session := event.data.get("sessionId"):
            # With the person alone as its subject, all his sessions would be meant (CAEP 1.0 §3.1).
            named = {"format": "opaque", "id": session}
            subject = {"format": "complex", "user": subject, "session": named}
        return self._signed(event, subject, {kinds.uri_of(event.type): body})

    @cached_property
    def facts(self) -> dict[UUID, SignInFacts]:
        """Of an application that runs for the tenant itself; by an access contract it has no stream there."""
        tenant_id = str(self.tenant_id)
        sharing = sharing_facts.of_application(self.application_id, tenant_id=tenant_id)
        if sharing is None:
            return {}
        here = available(sharing, tenant_id=tenant_id, at=self.at)
        if all(way.relation == "access" for way in here.holding):
            return {}
        found = people(self._user_ids, tenant_id=tenant_id, application_ids=[self.application_id])
        held = found.held.get(self.application_id, {})
        # Permissions decide only where a role of the tenant's own making is held.
        made = any(each.tenant_role is not None for facts in held.values() for each in facts.assignments)
        shelf = books([self.application_id], tenant_id=tenant_id) if made else {}
        book = shelf.get(self.application_id, RoleBook())
        # To whom nothing was ever assigned holds nothing, active or not.
        nobody = {user_id: PrincipalFacts(str(user_id), tenant_id, ()) for user_id in self._user_ids}
        return {
            user_id: SignInFacts(tenant_id, sharing, book, person)
            for user_id, person in {**nobody, **held}.items()
        }

    @cached_property
    def _signed_in(self) -> set[UUID]:
        """Who of them has signed in to the application."""
        rows = Authorization.objects.filter(tenant_id=self.tenant_id, user_id__in=self._user_ids)
        return set(rows.filter(client__application_id=self.application_id).values_list("user_id", flat=True))

    @cached_property
    def _algorithm(self) -> str:
        clients = Client.objects.filter(client_id=self.application_id)
        return clients.values_list("algorithm", flat=True).first() or "ES256"

    def _body(self, event: Event, facts: SignInFacts, user_id: UUID) -> dict[str, Any] | None:
        """What is said of the event; None where it is not told."""
        body: dict[str, Any] = {"event_timestamp": seconds(event.at)}
        if initiator := event.data.get("initiator"):
            body["initiating_entity"] = initiator
        kind = kinds.uri_of(event.type)
        if kind == kinds.SESSION_REVOKED:  # of this application's own, by the query
            return body
        before = may_sign_in(facts, at=event.at - _JUST_BEFORE).urns()
        now = may_sign_in(facts, at=self.at).urns()
        if kind == kinds.TOKEN_CLAIMS_CHANGE:
            return {**body, "claims": {"roles": sorted(now)}} if before != now else None
        if not before and not now and user_id not in self._signed_in:
            return None
        if kind == kinds.CREDENTIAL_CHANGE:
            changed = {"credential_type": event.data["credential"], "change_type": event.data["change"]}
            return {**body, **changed}
        return body

    def _signed(self, event: Event, subject: dict[str, Any], events: dict[str, Any]) -> bytes:
        claims = {
            "iss": issuer(settings.PORTAL_BASE_URL, self.tenant_id),
            "aud": self.application_id,
            "iat": seconds(self.at),
            "jti": str(event.event_id),  # the same each time that it is sent
            "sub_id": subject,
            "events": events,
        }
        return tokens.sign(claims, at=self.at, algorithm=self._algorithm, type=TYPE).encode()
