"""What roles gained since the provider of an access contract confirmed them: set-based, for any number."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from applications.models import Contract, ContractState, ContractTerm, ContractType, RolePermission

# Lost permissions are lost at once; only what came, or came back, waits for a word.
_GAINED = """
SELECT DISTINCT t.contract_id, r.application_id, a.display_name, r.key, r.name,
    s.type, s.key, s.name, p.privilege, lower(p.during)
FROM applications_contractterm t
JOIN applications_contract c ON c.id = t.contract_id AND c.type = 'access' AND c.state = 'accepted'
JOIN applications_applicationrole r ON r.id = t.role_id
JOIN applications_application a ON a.id = r.application_id
JOIN applications_rolepermission p
    ON p.role_id = r.id AND p.during @> %(at)s AND NOT p.held @> t.confirmed_at
JOIN applications_resource s ON s.id = p.resource_id AND s.owner_tenant_id IS NULL
WHERE t.contract_id = ANY(%(contracts)s) AND NOT isempty(t.during)
    AND (upper_inf(t.during) OR upper(t.during) > %(at)s)
ORDER BY t.contract_id, r.application_id, r.key, s.type, s.key, p.privilege
"""


@dataclass(frozen=True, slots=True)
class Gain:
    """A permission that a role of a contract holds and its provider has not confirmed."""

    contract_id: UUID
    application_id: str
    application: str
    role: str
    role_name: str
    resource_type: str
    resource_id: str
    resource: str
    privilege: str
    since: datetime


def gained(contracts: Collection[UUID], *, at: datetime) -> list[Gain]:
    """Everything that waits for confirmation in these contracts, in a stable order. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_GAINED, {"contracts": list(contracts), "at": at})
        return [Gain(*row) for row in cursor.fetchall()]


def by_role(gains: Sequence[Gain]) -> dict[tuple[str, str], list[Gain]]:
    """The same by (application id, role key), in order."""
    found: dict[tuple[str, str], list[Gain]] = {}
    for gain in gains:
        found.setdefault((gain.application_id, gain.role), []).append(gain)
    return found


def waiting(at: datetime) -> QuerySet[Any]:
    """Terms whose role holds something that was not confirmed."""
    fresh = RolePermission.objects.at(at).filter(role=OuterRef("role"))
    fresh = fresh.exclude(held__contains=OuterRef("confirmed_at"))
    return ContractTerm.objects.not_over(at).filter(Exists(fresh))


def counted(rows: QuerySet[Contract], *, tenant_id: UUID, at: datetime) -> QuerySet[Any]:
    """Contracts with ``to_confirm``: how many roles wait for the tenant's word; None where it has no say."""
    terms = waiting(at).filter(contract=OuterRef("pk"))
    number = terms.order_by().values("contract").annotate(number=Count("role", distinct=True))
    found = Coalesce(Subquery(number.values("number")), 0)
    mine = When(provider_id=tenant_id, type=ContractType.ACCESS, state=ContractState.ACCEPTED, then=found)
    return rows.annotate(to_confirm=Case(mine, default=None, output_field=IntegerField(null=True)))
