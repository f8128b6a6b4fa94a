"""Somebody comes from an identity provider: in, to his second factor, or to the page for who is new here.

Nobody is known by an e-mail address. Who is linked comes in; who is not proves here who he is, is linked by
an administrator, or, where the organization wants that, becomes a new person.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants import hashers, policies
from tenants.actions import came_by, identity_links, mapping, steps, users
from tenants.actions.came_by import Vouched
from tenants.actions.entering import Halfway, Origin, SignedIn, enter
from tenants.actions.identity_links import IdentityTaken
from tenants.actions.sessions import AccountClosed
from tenants.models import (
    IdentityLink,
    IdentityProvider,
    ProviderArrival,
    SignInStep,
    Tenant,
    UserSession,
)

LIFETIME = timedelta(minutes=15)
_OVER = "This took too long, or was finished elsewhere. Begin again."


class ArrivalOver(DomainError):
    """It took too long, was finished elsewhere, or the provider is trusted no longer."""

    code = "arrival_over"
    kind = Kind.FORBIDDEN


class NotKnown(DomainError):
    """Nobody here is linked, and nobody is made by this provider's word."""

    code = "not_known"
    kind = Kind.FORBIDDEN


class EmailUnproven(DomainError):
    """Nobody becomes a person here by an address that is not proven to be his."""

    code = "email_unproven"
    kind = Kind.FORBIDDEN


class EmailTaken(DomainError):
    """Somebody here has this address. He signs in as himself, and links the account there."""

    code = "email_taken"


class Stranger(NamedTuple):
    """Somebody whom nobody knows here yet: ``token`` opens the page for that alone."""

    token: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A browser that comes from a provider, and its live session, if it has one."""

    tenant: Tenant
    former: UserSession | None
    origin: Origin
    at: datetime


def arrive(coming: Coming, *, vouched: Vouched) -> SignedIn | Halfway | Stranger:
    """In, or as far as he comes. Mappers act first, so that what they give may ask for a second factor."""
    tenant, at = coming.tenant, coming.at
    with _whole(tenant):
        provider = _trusted(vouched.provider)
        link = provider.links.filter(subject=vouched.subject).first()
        if link is None:
            return _stranger(coming, vouched)
        user = policies.present(tenant_id=tenant.id, at=at).filter(pk=link.user_id).first()
        if user is None:
            raise AccountClosed("This account is deactivated, or its organization is suspended.")
        user.tenant = tenant
        mapping.apply(provider=provider, user=user, claims=vouched.claims, first=False, at=at)
    with _whole(tenant):
        _trusted(vouched.provider)
        IdentityLink.objects.filter(pk=link.pk).update(last_used_at=at)
        return _further(coming, link, vouched)


def bring(coming: Coming, *, vouched: Vouched) -> Stranger:
    """Who is signed in here has shown an account there that is to be his way in, too. Nobody comes in by it.

    ``token`` opens the page that asks him whether to link it.
    """
    with _whole(coming.tenant):
        provider = _trusted(vouched.provider)
        if provider.links.filter(subject=vouched.subject).exists():
            raise IdentityTaken("This account is linked already.")
        assert coming.former is not None
        return _stranger(coming, replace(vouched, brought_by=str(coming.former.user_id)))


def create(coming: Coming, *, token: str, username: str, display_name: str) -> SignedIn | Halfway:
    """A new person, as he confirmed it himself; his address is the one that the provider says is proven."""
    tenant, at = coming.tenant, coming.at
    with _whole(tenant):
        vouched = _take(tenant, token, at)
        if vouched.brought_by:
            raise ArrivalOver(_OVER)
        provider = _trusted(vouched.provider)
        if not provider.makes_people:
            raise NotKnown("Nobody is made here by the word of this provider.")
        email = mapping.proven_email(provider, vouched.claims)
        if not email:
            raise EmailUnproven("The provider does not say that your address is proven.")
        if tenant.users.filter(email__iexact=email).exists():
            raise EmailTaken(
                said("Somebody here has the address %(email)s. Sign in, and link it.", {"email": email})
            )
        by = mapping.speaker(provider)
        names = {"username": username, "email": email, "display_name": display_name}
        user = users.admit(tenant=tenant, **names, by=by, at=at)
        link = identity_links.put(provider=provider, user=user, subject=vouched.subject, by=by, at=at)
        mapping.apply(provider=provider, user=user, claims=vouched.claims, first=True, at=at)
        return _further(coming, link, vouched)


def link(*, session: UserSession, token: str, by: Actor, at: datetime) -> IdentityLink:
    """The account there is his who is signed in here, and has just proved it."""
    with transaction.atomic():
        user = policies.held_user(tenant=session.tenant, user_id=session.user_id)
        vouched = _take(session.tenant, token, at)
        provider = _trusted(vouched.provider)
        if user is None or not is_for(vouched, session.user_id):
            raise ArrivalOver(_OVER)
        user.tenant = session.tenant
        row = identity_links.put(provider=provider, user=user, subject=vouched.subject, by=by, at=at)
        identity_links.tell_linked(row)
        return row


def is_for(vouched: Vouched, user_id: UUID) -> bool:
    """At a browser that several use, what one of them brought is nothing of the next."""
    return vouched.brought_by in ("", str(user_id))


def look(*, tenant: Tenant, token: str, at: datetime) -> Vouched | None:
    """Who stands at the page for who is new here."""
    row = _row(tenant, token, at)
    return came_by.unsealed(row) if row else None


def _take(tenant: Tenant, token: str, at: datetime) -> Vouched:
    """Used up. Of two who come at once, one finds it gone."""
    row = _row(tenant, token, at)
    vouched = came_by.unsealed(row) if row else None
    if row is None or vouched is None or not ProviderArrival.objects.filter(pk=row.pk).delete()[0]:
        raise ArrivalOver(_OVER)
    return vouched


def _row(tenant: Tenant, token: str, at: datetime) -> ProviderArrival | None:
    rows = ProviderArrival.objects.filter(
        tenant=tenant, step=None, digest=hashers.digest(token), expires_at__gt=at, provider__enabled=True
    )
    return rows.select_related("provider").first() if token else None


def _stranger(coming: Coming, vouched: Vouched) -> Stranger:
    """May he link or become somebody, a page asks; what nobody took in time goes."""
    token = _keep(coming, vouched, step=None)
    return Stranger(token)


def _keep(coming: Coming, vouched: Vouched, *, step: SignInStep | None) -> str:
    over = ProviderArrival.objects.filter(tenant=coming.tenant, step=None, expires_at__lte=coming.at)
    over.delete()  # those of a step go with it, never before
    token = hashers.fresh()
    row = ProviderArrival(
        tenant=coming.tenant,
        provider=vouched.provider,
        step=step,
        digest=hashers.digest(token),
        sealed=came_by.sealed(vouched),
        created_at=coming.at,
        expires_at=coming.at + LIFETIME,
    )
    row.save(force_insert=True)
    return token


def _further(coming: Coming, link: IdentityLink, vouched: Vouched) -> SignedIn | Halfway:
    """The same end as every sign-in. A second factor of ours is asked for unless the provider's counts."""
    user = policies.held_user(tenant=coming.tenant, user_id=link.user_id)
    here = policies.present(tenant_id=coming.tenant.id, at=coming.at).select_related("tenant")
    user = here.filter(pk=user.pk).first() if user else None
    if user is None or not IdentityLink.objects.filter(pk=link.pk).exists():
        raise AccountClosed("This account is deactivated, or its organization is suspended.")
    if steps.needed(user=user, at=coming.at) and not vouched.second_factor:
        halfway = steps.begin(user=user, at=coming.at)
        _keep(coming, vouched, step=steps.resolve(tenant=coming.tenant, token=halfway.token, at=coming.at))
        return halfway
    entered = enter(
        user=user,
        former=coming.former,
        methods=vouched.first_methods,
        origin=coming.origin,
        at=coming.at,
    )
    return came_by.note(entered, vouched, proved_here=False, at=coming.at)


def _trusted(provider: IdentityProvider) -> IdentityProvider:
    found = came_by.trusted(provider)
    if found is None:
        raise ArrivalOver("This provider is trusted no longer.")
    return found


@contextmanager
def _whole(tenant: Tenant) -> Iterator[None]:
    with tenant_scope(tenant.id), transaction.atomic():
        yield
