"""Who is who at a provider: by the one name there that never changes, never by an e-mail address."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import emails, policies
from tenants.actions import came_by
from tenants.history import record
from tenants.models import IdentityLink, IdentityProvider, Tenant, User
from tenants.signals import principal_becoming


class IdentityTaken(DomainError):
    """The account there belongs to another person, or the person has another account there."""

    code = "identity_taken"


class LastWayIn(DomainError):
    """Neither password nor passkey is left, nor another provider."""

    code = "last_way_in"


def add(
    *, tenant: Tenant, provider: IdentityProvider, user_id: UUID, subject: str, by: Actor, at: datetime
) -> IdentityLink:
    """An administrator says who it is. He could come in as that person: so he must be able to give it all."""
    with transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
        row = put(provider=provider, user=user, subject=subject.strip(), by=by, at=at)
        tell_linked(row)
        return row


def put(*, provider: IdentityProvider, user: User, subject: str, by: Actor, at: datetime) -> IdentityLink:
    """The link, of whom the caller has locked and knows to be the one."""
    row = IdentityLink(tenant_id=user.tenant_id, provider=provider, user=user, subject=subject, created_at=at)
    others = provider.links.filter(subject=subject) | provider.links.filter(user=user)
    if others.exists():
        raise IdentityTaken(
            said("%(user)s or this account of %(provider)s is linked already.", _named(user, provider))
        )
    row.full_clean(exclude=["tenant"])
    row.save(force_insert=True)
    _record("identity.linked", row, by, at)
    return row


def remove(*, tenant: Tenant, provider: IdentityProvider, user_id: UUID, by: Actor, at: datetime) -> None:
    """He comes in by this provider no more, and whom it let in as him is out."""
    with transaction.atomic():
        _remove(policies.locked_user(tenant=tenant, user_id=user_id), provider, by, at)


def remove_own(*, user: User, provider: IdentityProvider, by: Actor, at: datetime) -> None:
    """The same of one's own. The last way in stays: nobody shuts himself out."""
    with transaction.atomic():
        held = policies.locked_user(tenant=user.tenant, user_id=user.pk)
        if why := why_last(user=held, provider=provider):
            raise LastWayIn(why)
        _remove(held, provider, by, at)


def has_way_in(user: User, *, besides: IdentityProvider | None = None) -> bool:
    """By password, by a passkey alone, or by a provider that is switched on."""
    if user.has_usable_password() or user.passkeys.filter(discoverable=True).exists():
        return True
    links = user.identity_links.filter(provider__enabled=True)
    return bool((links.exclude(provider=besides) if besides else links).exists())


def why_last(*, user: User, provider: IdentityProvider) -> str:
    """Why one's own link to this provider cannot be removed; empty where another way in is left."""
    return "" if has_way_in(user, besides=provider) else _("It is your only way in. Add a passkey first.")


def tell_linked(row: IdentityLink) -> None:
    """Whoever it was who did it, the person hears of another way in."""
    named = {"provider": row.provider.name}
    text = said(
        "an account at %(provider)s was linked to your account. Whoever signs in there with it comes in as "
        "you.",
        named,
    )
    emails.tell(user=row.user, subject=said("A way to sign in was added"), text=text)


def _remove(user: User, provider: IdentityProvider, by: Actor, at: datetime) -> None:
    row = provider.links.filter(user=user).first()
    if row is None:
        raise NotFound
    row.provider = provider
    came_by.part(provider, user=user, by=by, at=at)
    _record("identity.unlinked", row, by, at)
    row.delete()
    text = said(
        "your account is linked to %(provider)s no more. Nobody comes in by it, and where it was so, you are "
        "signed out.",
        {"provider": provider.name},
    )
    emails.tell(user=user, subject=said("A way to sign in was removed"), text=text)


def _named(user: User, provider: IdentityProvider) -> dict[str, object]:
    return {"user": user, "provider": provider}


def _record(action: str, row: IdentityLink, by: Actor, at: datetime) -> None:
    """The account's name there is the person's own: it stays out of history."""
    told = {"provider": str(row.provider_id), "providerName": row.provider.name}
    ended = action == "identity.unlinked"
    record(
        action=action,
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=("user", row.user_id, str(row.user)),
        before=told if ended else None,
        after=None if ended else told,
    )
