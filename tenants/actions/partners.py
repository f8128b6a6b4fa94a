"""Who is whose partner now, and what a side accepts from it without looking."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from iam_portal.errors import NotFound
from iam_portal.gate import Actor
from tenants import policies
from tenants.history import record
from tenants.models import AutoAccept, Partnership, Tenant
from tenants.signals import auto_accept_changed

# What a standing yes to contracts of a type needs: it accepts them.
ACCEPTS = {"provision": "ProvisionContracts:execute", "access": "AccessContracts:execute"}


def are_partners(a: Tenant, b: Tenant) -> bool:
    """Whether a confirmed partnership joins the two."""
    return _between(a, b).exists()


def partners_of(tenant: Tenant) -> QuerySet[Tenant]:
    """The organizations joined with this one by a confirmed partnership, by name."""
    confirmed = Partnership.State.CONFIRMED
    # Each side by its own index: joined and sorted out afterwards, every partnership there is would be read.
    rows = Partnership.objects.filter(state=confirmed)
    joined = Q(id__in=rows.filter(invitee=tenant).values("inviter"))
    invited = Q(id__in=rows.filter(inviter=tenant).values("invitee"))
    return Tenant.objects.filter(joined | invited).order_by("name", "id")


def needed_to_accept(*, tenant: Tenant, partnership_id: UUID, contract_types: Collection[str]) -> list[str]:
    """The permissions that this choice takes: for types that are not switched on already.

    Locks the partnership, so that nobody switches one off between this question and the choice.
    """
    own = Partnership.objects.filter(Q(inviter=tenant) | Q(invitee=tenant), pk=partnership_id)
    list(own.select_for_update().values_list("pk"))
    rows = AutoAccept.objects.filter(partnership=partnership_id, tenant=tenant)
    fresh = set(contract_types) - set(rows.values_list("contract_type", flat=True))
    return [ACCEPTS[contract_type] for contract_type in sorted(fresh)]


def accept_automatically(
    *,
    tenant: Tenant,
    partnership_id: UUID,
    contract_types: Collection[str],
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> None:
    """From now on this side accepts proposals of exactly these contract types from the partner unseen."""
    with transaction.atomic():
        found = Partnership.objects.select_for_update().filter(pk=partnership_id, state="confirmed").first()
        if found is None or tenant.id not in (found.inviter_id, found.invitee_id):
            raise NotFound
        policies.require_revision(found, revision)
        rows = AutoAccept.objects.filter(partnership=found, tenant=tenant)
        before = sorted(rows.values_list("contract_type", flat=True))
        wanted = sorted(set(contract_types))
        if before == wanted:
            return
        rows.exclude(contract_type__in=wanted).delete()
        for contract_type in set(wanted) - set(before):
            row = AutoAccept(partnership=found, tenant=tenant, contract_type=contract_type)
            row.full_clean()
            row.save()
        found.revision += 1
        found.save(update_fields=["revision"])
        record(
            action="partnership.auto_accept_changed",
            tenants=[tenant],
            by=by,
            at=at,
            subject=("partnership", found.id, tenant.name),
            before={"contractTypes": before},
            after={"contractTypes": wanted},
        )
        auto_accept_changed.send(
            sender=Partnership, partnership=found, tenant=tenant, contract_types=wanted, at=at
        )


def accepts_automatically(*, tenant: Tenant, partner: Tenant, contract_type: str) -> bool:
    """Whether the tenant's standing yes covers a proposal of this partner."""
    return AutoAccept.objects.filter(
        partnership__in=_between(tenant, partner), tenant=tenant, contract_type=contract_type
    ).exists()


def _between(a: Tenant, b: Tenant) -> QuerySet[Partnership]:
    pair = Q(inviter=a, invitee=b) | Q(inviter=b, invitee=a)
    return Partnership.objects.filter(pair, state=Partnership.State.CONFIRMED)
