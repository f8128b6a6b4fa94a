"""The name of a person who was deleted, wherever what his tenant owns says who made or ended it."""

from collections.abc import Collection

from django.db.models import Q

from applications.models import (
    Amendment,
    ApplicationSuspension,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    Contract,
    ContractPause,
    TrustedIssuer,
    Webhook,
)
from tenants.models import Tenant


def erase(*, tenant: Tenant, names: Collection[str], pseudonym: str) -> None:
    """Also in contracts, where the other side reads it."""
    for proof in (ClientSecret, ClientKey, ClientCertificate, TrustedIssuer):
        made = proof.objects.filter(client__application__owner=tenant, created_by__in=names)
        made.update(created_by=pseudonym)
    Webhook.objects.filter(tenant=tenant, created_by__in=names).update(created_by=pseudonym)
    suspended = ApplicationSuspension.objects.filter(application__owner=tenant, by_name__in=names)
    suspended.update(by_name=pseudonym)
    paused = ContractPause.objects.filter(contract__provider=tenant, by_name__in=names)
    paused.update(by_name=pseudonym)
    Contract.objects.filter(ended_by_tenant=tenant, ended_by__in=names).update(ended_by=pseudonym)
    Amendment.objects.filter(proposed_by_tenant=tenant, proposed_by__in=names).update(proposed_by=pseudonym)
    Amendment.objects.filter(_answered(tenant), answered_by__in=names).update(answered_by=pseudonym)


def _answered(tenant: Tenant) -> Q:
    """Amendments whose last word was this side's: the other side may have somebody of the same name."""
    state = Amendment.State
    ours = Q(proposed_by_tenant=tenant)
    either = Q(contract__provider=tenant) | Q(contract__consumer=tenant)
    waited = Q(widens=True, state__in=(state.ACCEPTED, state.DECLINED))
    at_once = Q(widens=False) | Q(state=state.WITHDRAWN)
    ended = Q(state=state.CANCELLED, contract__ended_by_tenant=tenant)
    return (waited & either & ~ours) | (at_once & ours & ~Q(state=state.CANCELLED)) | ended
