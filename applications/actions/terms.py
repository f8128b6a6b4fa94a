"""How an amendment changes the facts of a contract: terms, pauses, end. Inside the frame ``changing``."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from applications.actions.changes import Plan
from applications.models import Contract, ContractPause, ContractState, ContractTerm
from iam_portal.spans import earliest
from tenants.models import Spanned, since
from tenants.models.spanned import clipped


def rewrite(contract: Contract, plan: Plan, *, at: datetime, confirmed_at: datetime) -> None:
    """Close what goes, open what comes, move what runs to the end. Nothing begins before ``at``.

    ``confirmed_at`` is the moment of the provider's word on the roles that come.
    """
    if plan.shortens(contract):
        assert plan.ends_at is not None
        cut([contract], plan.ends_at)
    elif plan.moves_end:
        _extend(contract, plan.ends_at)
    if plan.moves_end:
        contract.ends_at = plan.ends_at
    take_away(contract.terms.filter(role__in=[role.id for role in plan.remove.values()]), plan.moment)
    start = max(plan.moment, contract.starts_at or plan.moment)
    for role in plan.add.values():
        term = ContractTerm(
            contract=contract, role=role, during=since(start, contract.ends_at), confirmed_at=confirmed_at
        )
        term.full_clean(validate_constraints=False)
        term.save()


def take_away(terms: Spanned, moment: datetime) -> None:
    """From the moment on these roles are in no contract any more, whatever becomes of its end.

    All terms of a role say so, also the part of its span that a confirmation closed; else the role would stay
    in what is told of the contract. What was never agreed, or over by then, keeps what it was about.
    """
    living = Q(contract__ends_at=None) | Q(contract__ends_at__gt=moment)
    staying = Q(removed_at=None) | Q(removed_at__gt=moment)
    terms.filter(living, staying, contract__state=ContractState.ACCEPTED).update(removed_at=moment)
    terms.close(moment)


def cut(contracts: Collection[Contract], moment: datetime) -> None:
    """End every term and pause at the moment; what was planned after it is cancelled, roles and pauses."""
    terms = ContractTerm.objects.filter(contract__in=contracts)
    # The others end before they began.
    begun = [row.id for row in contracts if row.starts_at is not None and row.starts_at < moment]
    terms.filter(contract__in=begun, during__startswith__gte=moment).update(removed_at=moment)
    terms.filter(during__isempty=False).update(during=clipped(moment))
    pauses = ContractPause.objects.filter(contract__in=contracts)
    pauses.filter(during__startswith__gte=moment).delete()  # planned, never used
    pauses.not_over(moment).update(during=clipped(moment))


def _extend(contract: Contract, ends_at: datetime | None) -> None:
    """The terms that ran to the former end run on, each at most until an amendment takes its role away.

    A pause that ran to the former end stays until somebody resumes: by a later end alone, nothing that was
    stopped may begin again.
    """
    former = contract.ends_at
    running = contract.terms.filter(
        during__isempty=False, during__endswith=former, role__during__endswith__isnull=True
    )
    for term in running:
        term.during = since(term.during.lower, earliest(ends_at, term.removed_at))
        term.save(update_fields=["during"])
    for pause in contract.pauses.filter(during__isempty=False, during__endswith=former):
        pause.during = since(pause.during.lower)
        pause.save(update_fields=["during"])
