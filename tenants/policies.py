"""Small rules that several actions ask, and the locks that keep two of them apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.transaction import TransactionManagementError

from iam_portal.errors import DomainError, Kind, NotFound
from tenants.models import (
    Branding,
    Group,
    IdentityMapper,
    IdentityProvider,
    Partnership,
    Tenant,
    TenantSuspension,
    User,
    UserActivity,
)
from tenants.signals import people_leaving

_HOLD = "SELECT FROM tenants_tenant WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"


class Stale(DomainError):
    """Somebody else changed the row after the caller looked at it."""

    code = "revision_mismatch"
    kind = Kind.STALE


Revised = User | Group | Partnership | Tenant | Branding | IdentityProvider | IdentityMapper


def require_revision(row: Revised, revision: int | None) -> None:
    """Refuse when the caller saw another revision of the locked row. ``None`` asks for no comparison."""
    if revision is not None and row.revision != revision:
        raise Stale(
            "This was changed meanwhile. Nothing was changed by you.", data={"revision": f"r-{row.revision}"}
        )


def hold(*tenants: Tenant | UUID) -> None:
    """Lock tenant rows, in order of id, against changes that compare rows of a whole tenant.

    With it, ``full_clean()`` sees every name that is taken: two at once cannot both pass. It waits for,
    and keeps out, acts on contracts of these tenants (they take FOR SHARE). Rows that merely refer to the
    tenant pass (FOR NO KEY UPDATE).
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError  # they would be let go at once
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [_ids(tenants)])


@contextmanager
def guarded(*, tenant: Tenant, at: datetime, foreseen: User | None = None) -> Iterator[None]:
    """Hold the tenant for an act that takes people out of what they hold: guards look before and after.

    ``foreseen`` is whose end is only foreseen: nothing is written, and the look at it holds the tenant.
    """
    if foreseen is None:
        hold(tenant)
    answers: list[tuple[Any, Any]] = people_leaving.send(
        sender=Tenant, tenant=tenant, at=at, going=foreseen.pk if foreseen else None
    )
    yield
    for _, look_again in answers:
        look_again()


def locked_user(*, tenant: Tenant, user_id: UUID | str) -> User:
    """The user of this tenant, locked; another tenant's is not found, and who was deleted neither."""
    found = held_user(tenant=tenant, user_id=user_id)
    if found is None:
        raise NotFound
    return found


def held_user(*, tenant: Tenant, user_id: UUID | str) -> User | None:
    """The same for who has to say in his own words that there is nobody."""
    return tenant.users.select_for_update(no_key=True).filter(pk=user_id).first()


def present(*, tenant_id: UUID, at: datetime) -> QuerySet[User]:
    """Who may be here at the moment: active, not deleted, and the tenant not suspended."""
    active = UserActivity.objects.at(at).filter(user=OuterRef("pk"))
    suspended = TenantSuspension.objects.at(at).filter(tenant=tenant_id)
    return User.objects.filter(Exists(active), ~Exists(suspended), tenant=tenant_id)


def is_active(*, user: User, at: datetime) -> bool:
    """Whether the user may sign in at the moment and holds what is assigned to him."""
    return UserActivity.objects.at(at).filter(user=user).exists()


def _ids(tenants: tuple[Tenant | UUID, ...]) -> list[UUID]:
    return [tenant.id if isinstance(tenant, Tenant) else tenant for tenant in tenants]
