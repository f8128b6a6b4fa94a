"""Who is who at a provider: by the one name there that never changes, never by an e-mail address."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import policies
from tenants.actions import came_by
from tenants.actions.entering import tell_ended
from tenants.history import record
from tenants.models import IdentityLink, IdentityProvider, Tenant, User, UserSession
from tenants.signals import principal_becoming


class IdentityTaken(DomainError):
    """The account there belongs to another person, or the person has another account there."""

    code = "identity_taken"


def add(
    *, tenant: Tenant, provider: IdentityProvider, user_id: UUID, subject: str, by: Actor, at: datetime
) -> IdentityLink:
    """An administrator says who it is. He could come in as that person: so he must be able to give it all."""
    with transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
        return put(provider=provider, user=user, subject=subject.strip(), by=by, at=at)


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
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        row = provider.links.filter(user=user).first()
        if row is None:
            raise NotFound
        came_by.drop_of(user, provider)
        came = UserSession.objects.filter(by_provider__provider=provider, user=user, ended_at=None)
        if came.update(ended_at=at):
            tell_ended(tenant_id=tenant.id, user_id=user.pk, by=by, at=at)
        _record("identity.unlinked", row, by, at)
        row.delete()


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
