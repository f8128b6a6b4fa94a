"""What applications do when something below them changed: same transaction, same refusal."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from applications.actions.availability import lock_applications, moving
from applications.actions.contracts import end_all
from applications.models import Application, Contract, ContractState, ContractTerm, ContractType
from applications.models.applications import PORTAL_ID
from applications.policies import in_force_between
from iam_portal.gate import Actor
from tenants import signals
from tenants.models import Partnership, Tenant


@receiver([signals.tenant_suspended, signals.tenant_resumed])
def rebuild_for_tenant(*, tenant: Tenant, at: datetime, **kwargs: Any) -> None:
    """Its own applications may have moved everywhere, shared ones in it and in those that use its data.

    Not more: an organization with 300 contracts shares its applications with all the others' customers.
    """
    own = set(Application.objects.filter(owner=tenant).exclude(id=PORTAL_ID).values_list("id", flat=True))
    terms = ContractTerm.objects.filter(contract__state=ContractState.ACCEPTED)
    onward = terms.filter(contract__provider=tenant, contract__type=ContractType.ACCESS)
    received = terms.filter(contract__consumer=tenant)
    shared = set((onward | received).values_list("role__application_id", flat=True)) - own
    lock_applications(own | shared)  # at once and in order, before the two parts lock theirs
    around = {tenant.id, *onward.values_list("contract__consumer_id", flat=True)}
    for applications, tenants in ((own, None), (shared, around)):
        if applications:
            with moving(applications=applications, tenants=tenants, at=at):
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
