"""What a role amounts to through an access contract: what its provider confirmed, and it still holds."""

from collections.abc import Iterable
from datetime import datetime

from accesscontrol.decide.covering import Amount, Permission
from accesscontrol.decide.roles import HeldRole, PermissionFact, RoleBook, living, tenant_amount
from applications.availability import ContractFact, SharingFacts


def confirmed_permissions(
    contract: ContractFact, role: str, facts: Iterable[PermissionFact], *, at: datetime
) -> set[Permission]:
    """Permissions that the role had when the contract's provider confirmed it, and never lost since.

    Taken away and declared again without a new confirmation does not count: one span must cover both.
    """
    term = contract.term(role, at)
    if term is None or term.confirmed_at is None:
        return set()
    confirmed_at = term.confirmed_at
    return {
        fact.permission
        for fact in facts
        if fact.span.covers(at) and (fact.held or fact.span).covers(confirmed_at)
    }


def amounts_to(
    role: HeldRole, sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime
) -> Amount:
    """What a held role comes to: by the way by which it is held."""
    if role.relation == "tenant":
        return tenant_amount(role.key, sharing, book, tenant_id=tenant_id, at=at)
    facts = book.application.get(role.key, ())
    contract = sharing.contract(role.contract_id)
    if contract is None:
        return Amount(frozenset(living(facts, at)))
    return Amount(frozenset(confirmed_permissions(contract, role.key, facts, at=at)))
