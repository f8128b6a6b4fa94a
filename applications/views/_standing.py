"""Where a contract stands at a moment, for rows and for queries alike."""

from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from applications.models import Contract, ContractPause, ContractState, ContractType
from applications.shapes import phase as standing
from tenants.models import Tenant

__all__ = [
    "STANDINGS",
    "is_provider",
    "partner_of",
    "standing",
    "standing_in",
    "standing_then",
    "type_words",
]

# In the order in which a contract lives through them.
STANDINGS: list[tuple[str, str | Promise]] = [
    ("draft", _("Draft")),
    ("proposed", _("Proposed")),
    ("scheduled", _("Scheduled")),
    ("in_force", _("In force")),
    ("paused", _("Paused")),
    ("ended", _("Ended")),
    ("declined", _("Declined")),
    ("withdrawn", _("Withdrawn")),
    ("lapsed", _("Lapsed")),
]


def standing_in(rows: QuerySet[Contract], wanted: str, at: datetime) -> QuerySet[Contract]:
    """Those rows that stand so."""
    # A comparison with a date that is not set is neither true nor false: negating it would find nothing.
    unanswered = Q(answer_by__isnull=True) | Q(answer_by__gt=at)
    standing_offer = unanswered & (Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    if wanted == "lapsed":
        over = Q(answer_by__lte=at) | Q(ends_at__lte=at)
        return rows.filter(Q(state=ContractState.LAPSED) | Q(over, state=ContractState.PROPOSED))
    if wanted == "proposed":
        return rows.filter(standing_offer, state=ContractState.PROPOSED)
    if wanted in ContractState.values:
        return rows.filter(state=wanted)
    return _living(rows.filter(state=ContractState.ACCEPTED), wanted, at)


def _living(accepted: QuerySet[Contract], wanted: str, at: datetime) -> QuerySet[Contract]:
    if wanted == "ended":
        return accepted.filter(ends_at__lte=at)
    living = accepted.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    if wanted == "scheduled":
        return living.filter(starts_at__gt=at)
    begun = living.filter(starts_at__lte=at)
    return begun.filter(_paused(at) if wanted == "paused" else ~_paused(at))


def _paused(at: datetime) -> Exists:
    return Exists(ContractPause.objects.at(at).filter(contract=OuterRef("pk")))


def standing_then(at: datetime) -> Case:
    """Where a row stood, or will stand as far as it is known, at any moment since it was drafted.

    The stored state is the last word; before it was said, the dates tell what there was.
    """
    return Case(*_not_begun(at), When(_paused(at), then=Value("paused")), default=Value("in_force"))


def _not_begun(at: datetime) -> list[When]:
    over = Q(ends_at__lte=at)
    return [
        When(Q(answered_at__lte=at) & ~Q(state=ContractState.ACCEPTED), then=F("state")),
        When(Q(proposed_at__isnull=True) | Q(proposed_at__gt=at), then=Value("draft")),
        When(Q(answered_at__isnull=True) | Q(answered_at__gt=at), then=_offered(over | Q(answer_by__lte=at))),
        When(over, then=Value("ended")),
        When(starts_at__gt=at, then=Value("scheduled")),
    ]


def _offered(late: Q) -> Case:
    return Case(When(late, then=Value("lapsed")), default=Value("proposed"))


def is_provider(contract: Contract, tenant: Tenant) -> bool:
    """Whether the tenant is the side that shares."""
    return contract.provider_id == tenant.id


def partner_of(contract: Contract, tenant: Tenant) -> Tenant:
    """The other side."""
    return contract.consumer if is_provider(contract, tenant) else contract.provider


def type_words(contract_type: str) -> str | Promise:
    """The type as a word."""
    return _("Provision") if contract_type == ContractType.PROVISION else _("Access")
