"""An organization and its first administrator, whom it is handed over to by an invitation."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import policies
from tenants.actions import tenants, users
from tenants.history import record
from tenants.models import Tenant, User
from tenants.signals import tenant_founded


class OrganizationJoined(DomainError):
    """Somebody there has set a password: from then on its people are its own affair."""

    code = "organization_joined"


def found(
    *, name: str, slug: str, display_name: str, email: str, username: str, by: Actor, at: datetime
) -> Tenant:
    """A new organization. Its first administrator gets a link by mail, which stands nowhere else."""
    with transaction.atomic():
        tenant = tenants.create(name=name, slug=slug, by=by, at=at)
        hand_over(tenant=tenant, display_name=display_name, email=email, username=username, by=by, at=at)
    return tenant


def hand_over(
    *, tenant: Tenant, display_name: str, email: str, username: str, by: Actor, at: datetime
) -> User:
    """Invite the first administrator of an organization that never had one."""
    with transaction.atomic(), tenant_scope(tenant.id):
        user = users.invite(
            tenant=tenant, username=username, email=email, display_name=display_name, by=by, at=at
        )
        tenant_founded.send(sender=Tenant, tenant=tenant, user=user, by=by, at=at)
    return user


def invite_again(*, tenant: Tenant, by: Actor, at: datetime, email: str | None = None) -> None:
    """Send the first invitation again, to another mailbox if one is given. Older links stop working.

    Only as long as nobody has come in: afterwards it would let the operator in as somebody else. Whoever
    accepts at the same time holds the same row; the second of the two is refused.
    """
    installation = Actor("system", "system", "installation", None, by.request_id)
    with transaction.atomic(), tenant_scope(tenant.id):
        policies.hold(tenant)
        first = _first(tenant)
        elsewhere = bool(email) and str(email).strip().casefold() != first.email.casefold()
        if elsewhere:
            users.change(tenant=tenant, user_id=first.id, email=email, by=installation, at=at)
        users.invite_again(tenant=tenant, user_id=first.id, by=installation, at=at)
        subject = ("tenant", tenant.id, tenant.name)
        concerned: list[Tenant | UUID] = [tenant]
        if by.tenant_id is not None:
            concerned.append(by.tenant_id)
        after = {"otherMailbox": elsewhere}  # whose it is, is not the operator's record to keep
        record(action="tenant.invitation_sent", tenants=concerned, by=by, at=at, subject=subject, after=after)


def _first(tenant: Tenant) -> User:
    """Who was invited first, locked; refused when anybody has joined.

    A deleted person's row no longer tells whether he had: only who has joined deletes one, so it counts.
    """
    first = tenant.users.select_for_update(no_key=True).order_by("created_at", "id").first()
    came_in = ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX) | Q(last_login__isnull=False)
    joined = came_in | Q(deleted_at__isnull=False)
    if first is None or User.everyone.filter(joined, tenant=tenant).exists():
        raise OrganizationJoined("Somebody has joined already: its administrators invite from now on.")
    return first
