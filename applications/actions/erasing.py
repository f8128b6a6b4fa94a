"""The name of a person who was deleted, wherever what his tenant owns says who made or ended it."""

from collections.abc import Collection

from applications.models import (
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
