"""Which roles count at a moment, whoever holds them: a few hundred answers instead of one for each person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol.decide import (
    AssignmentFact,
    Ground,
    HeldRole,
    Permission,
    PrincipalFacts,
    RoleBook,
    roles_on,
)
from applications.availability import SharingFacts
from iam_portal.spans import Span

ALWAYS = (Span(),)
_ROLES = """
SELECT id, true, key, name FROM applications_applicationrole WHERE application_id = %(application)s
UNION ALL
SELECT id, false, key, name FROM accesscontrol_tenantrole
WHERE tenant_id = %(tenant)s AND key = ANY(%(made)s) AND NOT isempty(during)
ORDER BY key, id
"""
LineKey = tuple[str, str]  # URN, contract id or nothing
Fits = Callable[[HeldRole, frozenset[Permission]], bool]


@dataclass(frozen=True, slots=True)
class Slot:
    """A role as it may be assigned: by its row, and by the contract through which it is held."""

    role_id: UUID
    contract_id: str | None
    fact: AssignmentFact


@dataclass(frozen=True, slots=True)
class Counted:
    """A line as all who have it share it, with the slots that lead to it."""

    role: HeldRole
    permissions: frozenset[Permission]
    slots: tuple[Slot, ...]


def slots(sharing: SharingFacts, book: RoleBook, *, tenant_id: str) -> Sequence[Slot]:
    """All that could be assigned of the application here, whether it counts or not. One query.

    Of the tenant's own making only roles that hold something in it, as the book says.
    """
    application_id = sharing.application.id
    contracts = [None, *(each.id for each in sharing.contracts if each.consumer_id == tenant_id)]
    values: dict[str, Any] = {
        "application": application_id,
        "tenant": tenant_id,
        "made": sorted({*book.tenant, *book.own}),
    }
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_ROLES, values)
        for pk, declared, key, name in cursor.fetchall():
            if declared:
                facts = [_fact(tenant_id, application_id, role=key, contract_id=each) for each in contracts]
                found += [Slot(pk, fact.contract_id, fact) for fact in facts]
            else:
                found.append(Slot(pk, None, _fact(tenant_id, application_id, made=key, called=name)))
    return found


def counted(found: Iterable[Slot], ground: Ground) -> Mapping[LineKey, Counted]:
    """Those that count on this ground, by the line to which they lead."""
    lines: dict[LineKey, Counted] = {}
    for slot in found:
        holder = PrincipalFacts("", ground.tenant_id, ALWAYS, (slot.fact,))
        for role in roles_on(ground, holder, at=ground.at).held:
            key = (role.urn, role.contract_id or "")
            known = lines.get(key)
            if known is None:
                lines[key] = Counted(role, ground.comes_to(role).together(), (slot,))
            else:
                lines[key] = Counted(known.role, known.permissions, (*known.slots, slot))
    return lines


def _fact(
    tenant_id: str,
    application_id: str,
    *,
    role: str | None = None,
    made: str | None = None,
    called: str = "",
    contract_id: str | None = None,
) -> AssignmentFact:
    return AssignmentFact(
        id="",
        tenant_id=tenant_id,
        span=ALWAYS[0],
        by="",
        application_id=application_id,
        application_role=role,
        tenant_role=made,
        tenant_role_name=called,
        contract_id=contract_id,
    )
