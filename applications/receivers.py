"""What applications do when something below them changed: same transaction, same refusal."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from applications.actions.availability import moving
from applications.actions.contracts import end_all
from applications.models import Application, Contract, ContractTerm
from applications.models.applications import PORTAL_ID
from applications.policies import in_force_between
from iam_portal.gate import Actor
from tenants import signals
from tenants.models import Partnership, Tenant


@receiver([signals.tenant_suspended, signals.tenant_resumed])
def rebuild_for_tenant(*, tenant: Tenant, at: datetime, **kwargs: Any) -> None:
    """Every pair in which the tenant is owner, provider or consumer may have moved."""
    shared = ContractTerm.objects.filter(
        Q(contract__provider=tenant) | Q(contract__consumer=tenant), contract__state="accepted"
    ).values("role__application_id")
    touched = Application.objects.filter(Q(owner=tenant) | Q(id__in=shared)).exclude(id=PORTAL_ID)
    with moving(applications=touched.values_list("id", flat=True), tenants=None, at=at):
        pass


@receiver(signals.partnership_ended)
def end_contracts(*, partnership: Partnership, by: Actor, at: datetime, **kwargs: Any) -> None:
    """A contract needs a partnership: those of the two tenants end, proposals are withdrawn."""
    if partnership.invitee is None:
        return
    contracts = list(in_force_between(partnership.inviter, partnership.invitee))
    end_all(contracts=contracts, by=by, at=at, note="The partnership ended.", tenant_id=by.tenant_id)


@receiver(signals.partnership_ending)
def contracts_that_end(
    *, page: Any, partnership: Partnership, at: datetime, **kwargs: Any
) -> list[dict[str, str]]:
    """What the question before the end of a partnership lists."""
    if partnership.invitee is None:
        return []
    rows = in_force_between(partnership.inviter, partnership.invitee).select_related("provider", "consumer")
    rows = rows.filter(Q(ends_at=None) | Q(ends_at__gt=at)).prefetch_related("terms__role__application")
    return [
        {
            "text": f"{_shared(row)}: {row.provider.name} → {row.consumer.name}",
            "url": page.url("applications:contract-detail", contract_id=row.pk),
        }
        for row in rows.order_by("created_at", "id")
    ]


def _shared(contract: Contract) -> str:
    """The names of the applications that a contract is about."""
    names = {term.role.application.display_name for term in contract.terms.all()}
    return ", ".join(sorted(names)) or str(contract.get_type_display())
