"""Which roles count at a moment, whoever holds them: a few hundred answers instead of one for each person."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from accesscontrol.decide import (
    AssignmentFact,
    Ground,
    HeldRole,
    Permission,
    PrincipalFacts,
    RoleBook,
    roles_on,
)
from accesscontrol.models import TenantRole
from applications.availability import SharingFacts
from applications.models import ApplicationRole
from iam_portal.spans import Span

ALWAYS = (Span(),)
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
    """All that could be assigned of the application here, whether it counts or not. Two queries.

    Of the tenant's own making only roles that hold something in it, as the book says.
    """
    application_id = sharing.application.id
    declared = ApplicationRole.objects.filter(application=application_id).values_list("id", "key")
    contracts = [None, *(each.id for each in sharing.contracts if each.consumer_id == tenant_id)]
    own = TenantRole.objects.filter(tenant=UUID(tenant_id), key__in={*book.tenant, *book.own})
    made = own.exclude(during__isempty=True).values_list("id", "key", "name")
    return [
        *(
            Slot(pk, contract_id, _fact(tenant_id, application_id, role=key, contract_id=contract_id))
            for pk, key in declared
            for contract_id in contracts
        ),
        *(Slot(pk, None, _fact(tenant_id, application_id, made=key, called=name)) for pk, key, name in made),
    ]


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
