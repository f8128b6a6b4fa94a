"""Mappers of an identity provider: made, changed, taken away, by who could do himself what they do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Actor, require
from tenants.actions.groups import locked
from tenants.actions.mapper_rows import FIELDS, snapshot, told
from tenants.actions.mapping import HOLE, NAMING
from tenants.models import Group, IdentityMapper, IdentityProvider, Membership, Tenant
from tenants.policies import require_revision
from tenants.signals import membership_changing

MOST = 200  # mappers of one provider
Chosen = Mapping[str, Any]  # of FIELDS


class MapperUnsound(Invalid):
    """A group without claim and value, or a template without a claim in it."""

    code = "mapper_unsound"


def create(
    *,
    tenant: Tenant,
    provider: IdentityProvider,
    group_id: UUID | None,
    chosen: Chosen,
    by: Actor,
    at: datetime,
) -> IdentityMapper:
    """From the next sign-in on. The actor must be able to give what the group holds, or to change names."""
    with transaction.atomic():
        provider = _held(tenant, provider)
        if provider.mappers.count() >= MOST:
            raise MapperUnsound("This provider has as many mappers as it can have.")
        row = IdentityMapper(tenant=tenant, provider=provider, created_at=at)
        _set(row, group_id, chosen, by=by, at=at)
        _require_another(row)
        row.save(force_insert=True)
        told("mapper.created", row, by, at, after=snapshot(row))
    return row


def change(
    *,
    tenant: Tenant,
    provider: IdentityProvider,
    mapper_id: UUID,
    group_id: UUID | None,
    chosen: Chosen,
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> IdentityMapper:
    """Another rule, in the name of who changes it. Memberships that it made stay until its claim is gone."""
    with transaction.atomic():
        provider = _held(tenant, provider)
        # Before the mapper itself: so does who ends the group with its mappers.
        if group_id is not None:
            list(tenant.groups.filter(pk=group_id).select_for_update(no_key=True))
        row = _locked(tenant, provider, mapper_id)
        require_revision(row, revision)
        before = snapshot(row)
        _set(row, group_id, {**{name: getattr(row, name) for name in FIELDS}, **chosen}, by=by, at=at)
        _require_another(row)
        row.revision += 1
        row.save()
        after = {**snapshot(row), "revision": f"r-{row.revision}"}
        told("mapper.changed", row, by, at, before=before, after=after)
    return row


def delete(*, tenant: Tenant, provider: IdentityProvider, mapper_id: UUID, by: Actor, at: datetime) -> None:
    """It moves nobody any more; who is in the group by it stays there."""
    with transaction.atomic():
        row = _locked(tenant, provider, mapper_id)
        told("mapper.deleted", row, by, at, before=snapshot(row))
        # Whom it is just putting in is waited for: what is seen to hang on it goes along.
        IdentityMapper.objects.select_for_update().get(pk=row.pk)
        row.delete()


def of(provider: IdentityProvider, mapper_id: UUID) -> IdentityMapper:
    """The mapper of this provider, or NotFound."""
    row: IdentityMapper | None = provider.mappers.select_related("group").filter(pk=mapper_id).first()
    if row is None:
        raise NotFound
    return row


def _held(tenant: Tenant, provider: IdentityProvider) -> IdentityProvider:
    """Its rules are compared with each other: one who writes them at a time."""
    return IdentityProvider.objects.select_for_update(no_key=True).get(pk=provider.pk, tenant=tenant)


def _locked(tenant: Tenant, provider: IdentityProvider, mapper_id: UUID) -> IdentityMapper:
    rows = IdentityMapper.objects.select_for_update(no_key=True)
    row = rows.filter(tenant=tenant, provider=provider, pk=mapper_id).first()
    if row is None:
        raise NotFound
    return row


def _set(row: IdentityMapper, group_id: UUID | None, chosen: Chosen, *, by: Actor, at: datetime) -> None:
    for name in FIELDS:
        setattr(row, name, chosen.get(name, getattr(row, name)))
    row.maker_kind, row.maker_id = by.kind, by.id
    if row.kind == IdentityMapper.Kind.GROUP:
        if group_id is None or not row.claim or not row.value:
            raise MapperUnsound("Choose a group, a claim and its value.")
        row.template = ""
        row.group = _group(row.tenant, group_id, by=by, at=at)
    else:
        require(actor=by, tenant_id=row.tenant_id, permission=NAMING, at=at)
        if not HOLE.search(row.template):
            raise MapperUnsound("A template names a claim in braces, like {email}.")
        row.group, row.claim, row.value = None, "", ""
    row.full_clean(exclude=["tenant", "provider", "group"])


def _require_another(row: IdentityMapper) -> None:
    """A form sent twice makes one rule: of two, the one that is deleted would seem to be still there."""
    alike = {name: getattr(row, name) for name in (*FIELDS, "group")}
    if row.provider.mappers.filter(**alike).exclude(pk=row.pk).exists():
        raise MapperUnsound("This provider has such a mapper already.")


def _group(tenant: Tenant, group_id: UUID, *, by: Actor, at: datetime) -> Group:
    group = locked(tenant=tenant, group_ids=[group_id], at=at)[group_id]
    membership_changing.send(
        sender=Membership, actor=by, tenant=tenant, users=[], group=group, parent=None, at=at
    )
    return group
