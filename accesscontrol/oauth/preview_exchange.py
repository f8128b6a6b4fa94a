"""What an exchange (RFC 8693) would give, asked without the token that it is made of.

The subject is named instead, and has to be one who could call the client at that moment: its token is taken
as issued then, and not narrowed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from accesscontrol.oauth import decision, exchanging, person_grants
from accesscontrol.oauth.claims import Bearer, Grant
from accesscontrol.oauth.delegation import Subject
from accesscontrol.oauth.exchange import grant_of
from accesscontrol.oauth.refusals import BadRequest
from accesscontrol.oauth.scopes import Target
from applications.models import Application, Client, ServiceAccount
from iam_portal.decision import Reason
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, User


class NoSubject(BadRequest):
    """As the endpoint answers to a subject token that is none for this client; the tenant hears why."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(exchanging.REFUSED)


def settled(
    client: Client, words: str, subject: User | Application, *, tenant: Tenant, at: datetime
) -> tuple[Bearer, Grant]:
    """As :func:`accesscontrol.oauth.exchanging.by_subject_token`. The tenant itself hears why not."""
    exchanging.require_switch(client)
    asked, _target = exchanging.wanted(client, {"scope": words}, ())
    behind, ends = _calling(subject, client, tenant, at)
    told = str(tenant.id)
    ruling = exchanging.both(client, tenant, asked, behind, narrowed=frozenset(), told=told, at=at)
    grant = grant_of([ruling], asked, told)
    actor: dict[str, Any] = {"client_id": client.client_id}
    if account := _account(client.application, tenant):
        actor = {"sub": account, **actor}
    bearer = Bearer(
        subject=behind.id,
        client_id=client.client_id,
        tenant_id=told,
        tenant_name=tenant.name,
        actor=actor,
    )
    return bearer, replace(grant, expires_at=min(grant.expires_at, ends))


def _calling(
    subject: User | Application, client: Client, tenant: Tenant, at: datetime
) -> tuple[Subject, datetime]:
    """Who is behind a token for the client's application, and when that token ends."""
    if isinstance(subject, User):
        standing = person_grants.decided(tenant, client, subject, at=at)
        if not standing:
            raise NoSubject(standing.decision.reasons)
        return Subject(str(subject.pk)), standing.until
    targets, facts = decision.facts_for(subject, [Target(client.application_id)], tenant_id=tenant.id)
    limit = at + lifetime(tenant, Lifetime.ACCESS_TOKEN)
    (ruling,) = decision.rule(targets, facts, at=at, limit=limit)
    if not ruling.call:
        told = decision.disclosure([ruling], tenant_id=str(tenant.id), home_id=str(tenant.id), at=at)
        raise NoSubject(told.reasons if told else ())
    return Subject(_account(subject, tenant), application=subject), ruling.until


def _account(application: Application, tenant: Tenant) -> str:
    """Its id; empty for a service that never had a token there."""
    found = ServiceAccount.objects.filter(application=application, tenant=tenant).first()
    return str(found.id) if found else ""
