"""What a role amounts to through an access contract: what its provider confirmed, and it still holds."""

from collections.abc import Iterable
from datetime import datetime

from accesscontrol.decide.covering import Permission
from accesscontrol.decide.held import PermissionFact
from applications.availability import ContractFact


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
