"""Creating, naming, suspending and resuming tenants."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from tenants.history import record
from tenants.models import Tenant, TenantSuspension, since
from tenants.signals import tenant_created, tenant_resumed, tenant_suspended


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
        tenant.full_clean()
        tenant.save(force_insert=True)
        _record("tenant.created", tenant, by=by, at=at, after={"name": tenant.name, "slug": tenant.slug})
        tenant_created.send(sender=Tenant, tenant=tenant, by=by, at=at)
    return tenant


def rename(*, tenant: Tenant, name: str, by: Actor, at: datetime) -> Tenant:
    """Another name; id and slug stay."""
    with transaction.atomic():
        tenant = _locked(tenant)
        before = tenant.name
        tenant.name = name.strip()
        tenant.full_clean()
        tenant.save(update_fields=["name"])
        _record("tenant.renamed", tenant, by=by, at=at, before={"name": before}, after={"name": tenant.name})
    return tenant


def suspend(*, tenant: Tenant, reason: str, by: Actor, at: datetime) -> TenantSuspension:
    """From now on nothing is available in this tenant, and nothing of it anywhere else."""
    with transaction.atomic():
        tenant = _locked(tenant)
        if tenant.is_platform:
            raise PlatformStays("The platform organization cannot be suspended.")
        if TenantSuspension.objects.not_over(at).filter(tenant=tenant).exists():
            raise AlreadySuspended(f"{tenant.name} is suspended already.")
        suspension = TenantSuspension(tenant=tenant, during=since(at), reason=reason, by_name=by.name)
        suspension.full_clean()
        suspension.save()
        after = {"suspended": True, "reason": reason}
        _record("tenant.suspended", tenant, by=by, at=at, before={"suspended": False}, after=after)
        tenant_suspended.send(sender=Tenant, tenant=tenant, by=by, at=at)
    return suspension


def resume(*, tenant: Tenant, by: Actor, at: datetime) -> None:
    """End the running suspension."""
    with transaction.atomic():
        tenant = _locked(tenant)
        if not TenantSuspension.objects.filter(tenant=tenant).close(at):
            raise NotSuspended(f"{tenant.name} is not suspended.")
        before, after = {"suspended": True}, {"suspended": False}
        _record("tenant.resumed", tenant, by=by, at=at, before=before, after=after)
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
