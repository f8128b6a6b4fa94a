"""Creating, naming, suspending and resuming tenants."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import policies
from tenants.history import record
from tenants.models import Tenant, TenantSuspension, since
from tenants.signals import tenant_created, tenant_resumed, tenant_suspended

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('iam:organizations', 0))"


class PlatformStays(DomainError):
    """The platform tenant cannot be suspended: nobody would be left to resume it."""

    code = "platform_cannot_be_suspended"


class AlreadySuspended(DomainError):
    """Suspended by somebody else, or before."""

    code = "tenant_suspended_already"


class NotSuspended(DomainError):
    """There is no suspension to end."""

    code = "tenant_not_suspended"


def create(*, name: str, slug: str, by: Actor, at: datetime) -> Tenant:
    """A new organization, without any user. A slug is never free again."""
    tenant = Tenant(name=name.strip(), slug=slug, created_at=at)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)  # of two who want the same slug, the second is told that it is taken
        tenant.full_clean()
        tenant.save(force_insert=True)
        _record("tenant.created", tenant, by=by, at=at, after={"name": tenant.name, "slug": tenant.slug})
        tenant_created.send(sender=Tenant, tenant=tenant, by=by, at=at)
    return tenant


def rename(*, tenant: Tenant, name: str, by: Actor, at: datetime, revision: int | None = None) -> Tenant:
    """Another name; id and slug stay."""
    with transaction.atomic():
        tenant = _locked(tenant)
        policies.require_revision(tenant, revision)
        before = tenant.name
        if name.strip() == before:
            return tenant
        tenant.name = name.strip()
        tenant.revision += 1
        tenant.full_clean()
        tenant.save(update_fields=["name", "revision"])
        _record("tenant.renamed", tenant, by=by, at=at, before={"name": before}, after={"name": tenant.name})
    return tenant


def suspend(
    *,
    tenant: Tenant,
    reason: str,
    by: Actor,
    at: datetime,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> TenantSuspension:
    """From now on, or from ``starts_at``, nothing is available in it, and nothing of it anywhere else.

    With ``ends_at`` it ends by itself. One at a time: another is planned when this one is over.
    """
    begins_at = at if starts_at is None else starts_at
    if begins_at < at:
        raise Invalid("A suspension begins now or later.")
    if ends_at is not None and ends_at <= begins_at:
        raise Invalid("A suspension ends after it began.")
    with transaction.atomic():
        tenant = _locked(tenant)
        if tenant.is_platform:
            raise PlatformStays("The platform organization cannot be suspended.")
        if TenantSuspension.objects.not_over(at).filter(tenant=tenant).exists():
            raise AlreadySuspended(
                said("%(tenant)s is suspended already, or will be by plan.", {"tenant": tenant.name})
            )
        suspension = TenantSuspension(
            tenant=tenant, during=since(begins_at, ends_at), reason=reason, by_name=by.name
        )
        suspension.full_clean()
        suspension.save()
        after = {"suspended": begins_at == at, "reason": reason}
        after |= {"startsAt": rfc3339(starts_at)} if begins_at > at else {}
        after |= {"endsAt": rfc3339(ends_at)} if ends_at else {}
        verb = "suspended" if begins_at == at else "suspension_planned"
        _record(f"tenant.{verb}", tenant, by=by, at=at, before={"suspended": False}, after=after)
        tenant_suspended.send(sender=Tenant, tenant=tenant, by=by, at=at)
    return suspension


def resume(*, tenant: Tenant, by: Actor, at: datetime) -> None:
    """End the running suspension, or cancel the one that is planned."""
    with transaction.atomic():
        tenant = _locked(tenant)
        running = TenantSuspension.objects.at(at).filter(tenant=tenant).exists()
        if not TenantSuspension.objects.filter(tenant=tenant).close(at):
            raise NotSuspended(said("%(tenant)s is not suspended.", {"tenant": tenant.name}))
        before, after = {"suspended": running}, {"suspended": False}
        verb = "resumed" if running else "suspension_cancelled"
        _record(f"tenant.{verb}", tenant, by=by, at=at, before=before, after=after)
        tenant_resumed.send(sender=Tenant, tenant=tenant, by=by, at=at)


def _locked(tenant: Tenant) -> Tenant:
    found = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
    if found is None:
        raise NotFound
    return found


def _record(
    action: str,
    tenant: Tenant,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """For the tenant, and for the operator's own, which has to answer for the act."""
    concerned: list[Tenant | UUID] = [tenant]
    if by.tenant_id is not None:
        concerned.append(by.tenant_id)
    subject = ("tenant", tenant.id, tenant.name)
    record(action=action, tenants=concerned, by=by, at=at, subject=subject, before=before, after=after)
