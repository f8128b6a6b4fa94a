"""A service that acts in somebody's name (RFC 8693): who is behind a token, and what both of them hold now.

One question for issue and for introspection. What an exchanged token may carry are the roles that its subject
and its actor both hold at the target: neither gets by the other what it has not. Actors before the present
one are told of and decide nothing (§4.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists

from accesscontrol.decide import HeldRole, may_call, may_sign_in
from accesscontrol.models import RevokedToken
from accesscontrol.oauth import decision, people, sign_in_decision
from accesscontrol.oauth.claims import ACTOR, narrowed_roles
from accesscontrol.oauth.clients.living import living
from accesscontrol.oauth.scopes import Target
from applications.models import Application, Client, ServiceAccount
from iam_portal.walls import tenant_scope
from tenants.models import Tenant

MOST_ACTORS = 4  # in a chain; each of them makes the token longer


@dataclass(frozen=True, slots=True)
class Subject:
    """Whoever a living token stands for: a person by his sign-in, or a service by its account."""

    id: str
    sid: str = ""
    application: Application | None = None

    @property
    def kind(self) -> str:
        """As introspection says it."""
        return "user" if self.application is None else "service"


@dataclass(frozen=True, slots=True)
class Held:
    """Roles at the target, all of them until that moment."""

    roles: tuple[HeldRole, ...]
    until: datetime

    def common(self, other: "Held") -> "Held":
        """What both hold: the same role over the same tenant's data, by the same way."""
        urns = {role.urn for role in other.roles}
        return Held(tuple(role for role in self.roles if role.urn in urns), min(self.until, other.until))


@dataclass(frozen=True, slots=True)
class Standing:
    """An exchanged token that is still good: in whose name, by whom, and the roles of both."""

    subject: Subject
    actor: Client
    roles: tuple[HeldRole, ...]


def behind(claims: Mapping[str, Any], *, application_id: str, tenant: Tenant, at: datetime) -> Subject | None:
    """Who is behind a living access token that this application may see; None for every other."""
    if ACTOR in claims:
        found = standing(claims, target_id=application_id, tenant=tenant, at=at)
        return found.subject if found is not None else None
    if "sid" in claims:
        person = people.standing(claims, tenant=tenant, at=at)
        return Subject(claims["sub"], claims["sid"]) if person is not None else None
    service = decision.standing(claims, target_id=application_id, at=at)
    return Subject(claims["sub"], application=service.account.application) if service else None


def held_by(subject: Subject, target: Target, *, tenant: Tenant, at: datetime, limit: datetime) -> Held:
    """What the subject holds at the target, narrowed to what was asked for; nothing where it may not go."""
    if subject.application is None:
        found = sign_in_decision.decide(
            user_id=UUID(subject.id),
            application_id=target.application_id,
            tenant_id=tenant.id,
            at=at,
            limit=limit,
        )
        roles = sign_in_decision.narrowed(found.roles, target.roles) if found else ()
        return Held(roles, found.until)
    targets, facts = decision.facts_for(subject.application, [target], tenant_id=tenant.id)
    (ruling,) = decision.rule(targets, facts, at=at, limit=limit)
    return Held(ruling.call.roles, ruling.until)


def standing(claims: Mapping[str, Any], *, target_id: str, tenant: Tenant, at: datetime) -> Standing | None:
    """Of an exchanged token at its target: decided now, for both.

    It ends with the token that it was made of, and with that one's sign-in.
    """
    if claims["tid"] != str(tenant.id) or not well_formed(claims):
        return None
    actor = living(claims["client_id"], at).filter(token_exchange=True).first()
    if actor is None:
        return None
    with tenant_scope(tenant.id):
        subject = _subject(claims, actor, tenant, at)
        if subject is None:
            return None
        acting = Subject(claims[ACTOR]["sub"], application=actor.application)
        own, theirs = (_now(each, claims, target_id, tenant, at) for each in (acting, subject))
    both = Held(own, at).common(Held(theirs, at))
    return Standing(subject, actor, both.roles) if both.roles else None


def _now(
    subject: Subject, claims: Mapping[str, Any], target_id: str, tenant: Tenant, at: datetime
) -> tuple[HeldRole, ...]:
    """What counts at the very moment, narrowed as the token is."""
    keys = narrowed_roles(claims, target_id)
    if subject.application is None:
        known = sign_in_decision.facts_of(
            user_id=UUID(subject.id), application_id=target_id, tenant_id=tenant.id
        )
        return sign_in_decision.narrowed(may_sign_in(known, at=at).roles, keys) if known else ()
    _, facts = decision.facts_for(subject.application, [Target(target_id)], tenant_id=tenant.id)
    roles = may_call(facts[target_id], at=at).roles if target_id in facts else ()
    return sign_in_decision.narrowed(roles, keys)


def well_formed(claims: Mapping[str, Any]) -> bool:
    """Whether the chain is one that we would have written."""
    named: Any = claims.get(ACTOR)
    for _ in range(MOST_ACTORS):
        if not isinstance(named, dict) or not isinstance(named.get("sub"), str):
            return False
        if (named := named.get(ACTOR)) is None:
            return True
    return False


def actors(claims: Mapping[str, Any]) -> int:
    """How many have acted already."""
    found, named = 0, claims.get(ACTOR)
    while isinstance(named, dict):
        found, named = found + 1, named.get(ACTOR)
    return found


def _subject(claims: Mapping[str, Any], actor: Client, tenant: Tenant, at: datetime) -> Subject | None:
    """Neither this token nor one that it was made of is revoked, and the actor is who it says."""
    accounts: Sequence[ServiceAccount] = list(
        ServiceAccount.objects.filter(
            ~Exists(RevokedToken.objects.of(claims)),
            tenant=tenant,
            id__in=[claims["sub"], claims[ACTOR]["sub"]],
        ).select_related("application")
    )
    by_id = {str(account.id): account for account in accounts}
    acting = by_id.get(claims[ACTOR]["sub"])
    if acting is None or acting.application_id != actor.application_id:
        return None
    if "sid" in claims:
        found = people.signed_in(claims, tenant=tenant, at=at)
        return Subject(claims["sub"], claims["sid"]) if found is not None else None
    account = by_id.get(claims["sub"])
    return Subject(claims["sub"], application=account.application) if account is not None else None
