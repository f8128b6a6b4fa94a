"""What an act takes away: where something becomes unavailable, and which contracts fall with it.

The facts are read before the act and after it, and the same rule is asked about both, at every moment from
the act's on at which an answer can change. People and services are added by the app that knows them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from applications import facts as load
from applications.availability import SharingFacts, available, granted
from applications.impact_scope import Scope, scope_of
from applications.models import Contract, ContractState
from applications.signals import impact_asked
from iam_portal.decision import rfc3339
from tenants.impact import Act, Part

# A role held by ownership or provision, or (with its id) by one access contract.
Slot = tuple[str, str | None]
MOST_ITEMS = 500  # of one list; the counts are always whole


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair that loses something: all of the application (``unavailable``) or some roles (``narrowed``)."""

    application_id: str
    application: str
    tenant_id: str
    tenant: str
    at: datetime
    becomes: str
    roles: tuple[str, ...]
    contracts: frozenset[str] = field(default=frozenset())  # whose grants counted before, and then do not

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "applicationId": self.application_id,
            "applicationName": self.application,
            "tenantId": self.tenant_id,
            "tenantName": self.tenant,
            "becomes": self.becomes,
            "roles": list(self.roles),
            "at": rfc3339(self.at),
        }


def look(act: Act) -> Callable[[], Part] | None:
    """The first look, before the act; the answer takes the second. ``None``: it moves no availability."""
    scope = scope_of(act)
    if scope is None:
        return None
    before, standing = _facts(scope), _standing(scope)
    answers: list[tuple[Any, Any]] = impact_asked.send(sender=Act, act=act, scope=scope)
    further = [second for _, second in answers if second is not None]

    def again() -> Part:
        losses = compare(before, _facts(scope), scope.pairs, when=act.moment)
        fallen = _fallen(scope, standing, _standing(scope), losses)
        shown: dict[str, Any] = {
            "pairs": [loss.as_json() for loss in losses],
            "contracts": _contracts(fallen, act, losses),
        }
        weighed: list[Any] = [
            scope.revision,
            [(loss.application_id, loss.tenant_id, loss.becomes, loss.roles) for loss in losses],
            sorted(fallen.items()),
        ]
        for second in further:
            part = second()
            shown |= part.shown
            weighed.append(part.weighed)
        return Part(shown, weighed)

    return again


def compare(
    before: Mapping[str, SharingFacts],
    after: Mapping[str, SharingFacts],
    pairs: Mapping[str, frozenset[str]],
    *,
    when: datetime,
) -> list[Loss]:
    """Each pair that holds something at some moment from ``when`` on, and then does not any more."""
    found = []
    for application_id, tenants in pairs.items():
        if application_id not in before or application_id not in after:
            continue
        for tenant_id in tenants:
            was, becomes = before[application_id].about(tenant_id), after[application_id].about(tenant_id)
            loss = _loss(was, becomes, tenant_id, when) if was != becomes else None
            if loss is not None:
                found.append(loss)
    return sorted(
        found, key=lambda loss: (loss.application, loss.tenant, loss.application_id, loss.tenant_id)
    )


def moments_of(before: SharingFacts, after: SharingFacts, *, when: datetime) -> list[datetime]:
    """``when`` and every later moment at which one of the two may answer otherwise."""
    return sorted(
        {when, *(moment for facts in (before, after) for moment in facts.moments() if moment > when)}
    )


def _loss(before: SharingFacts, after: SharingFacts, tenant_id: str, when: datetime) -> Loss | None:
    first: datetime | None = None
    gone: datetime | None = None
    slots: set[Slot] = set()
    contracts: set[str] = set()
    for moment in moments_of(before, after, when=when):
        held, kept = _held(before, tenant_id, moment), _held(after, tenant_id, moment)
        lost = held[1] - kept[1]
        if (held[0] and not kept[0]) or lost:
            first = first or moment
            slots |= lost
            contracts |= held[2] - kept[2]
        if held[0] and not kept[0]:
            gone = gone or moment
    if first is None:
        return None
    application = before.application
    return Loss(
        application_id=application.id,
        application=application.name,
        tenant_id=tenant_id,
        tenant=before.name(tenant_id),
        at=gone or first,
        becomes="unavailable" if gone else "narrowed",
        roles=tuple(sorted({key for key, _ in slots})),
        contracts=frozenset(contracts),
    )


def _held(facts: SharingFacts, tenant_id: str, at: datetime) -> tuple[bool, set[Slot], set[str]]:
    """Whether it is available, the roles that are held, and the contracts by which they are."""
    answer = available(facts, tenant_id=tenant_id, at=at)
    slots: set[Slot] = set()
    contracts: set[str] = set()
    for key in facts.application.roles if answer else ():
        for way in granted(facts, role=key, tenant_id=tenant_id, at=at).holding:
            slots.add((key, way.contract_id if way.relation == "access" else None))
            contracts |= {way.contract_id} if way.contract_id else set()
    return bool(answer), slots, contracts


def _facts(scope: Scope) -> dict[str, SharingFacts]:
    everyone = frozenset[str]().union(*scope.pairs.values())
    return load.sharing(scope.pairs, tenant_ids=everyone) if everyone else {}


def _standing(scope: Scope) -> dict[UUID, tuple[str, datetime | None, int]]:
    """State, end and number of pauses of the contracts that the act is about."""
    rows = Contract.objects.filter(id__in=scope.contracts).prefetch_related("pauses")
    return {row.id: (row.state, row.ends_at, len(row.pauses.all())) for row in rows}


def _fallen(
    scope: Scope,
    before: Mapping[UUID, tuple[str, datetime | None, int]],
    after: Mapping[UUID, tuple[str, datetime | None, int]],
    losses: Iterable[Loss],
) -> dict[str, str]:
    """Contract id → what becomes of it: ends, withdrawn, pauses, narrows, or falls (its ground is gone)."""
    found = {contract_id: "falls" for loss in losses for contract_id in loss.contracts}
    for contract_id, (state, ends_at, pauses) in after.items():
        former = before[contract_id]
        if state != former[0]:
            found[str(contract_id)] = "withdrawn" if state == ContractState.WITHDRAWN else "ends"
        elif ends_at != former[1]:
            found[str(contract_id)] = "ends"
        elif pauses != former[2]:
            found[str(contract_id)] = "pauses"
        elif str(contract_id) in found and scope.subject_is_contract:
            found[str(contract_id)] = "narrows"
    return found


def _contracts(fallen: Mapping[str, str], act: Act, losses: Iterable[Loss]) -> dict[str, Any]:
    """All are counted; named are those of which the tenant is a side, or whose application it owns."""
    rows = Contract.objects.filter(id__in=list(fallen)).select_related("provider", "consumer")
    owned = {loss.application_id for loss in losses} & set(
        act.tenant.applications.values_list("id", flat=True)
    )
    over_owned = {key for loss in losses if loss.application_id in owned for key in loss.contracts}
    items = [
        {
            "contractId": str(row.id),
            "effect": fallen[str(row.id)],
            "type": row.type,
            "provider": {"tenantId": str(row.provider_id), "name": row.provider.name},
            "consumer": {"tenantId": str(row.consumer_id), "name": row.consumer.name},
            "applications": sorted({term.role.application.display_name for term in row.terms.all()}),
        }
        for row in rows.prefetch_related("terms__role__application").order_by("created_at", "id")
        if act.tenant.id in (row.provider_id, row.consumer_id) or str(row.id) in over_owned
    ]
    return {"count": len(fallen), "items": items[:MOST_ITEMS]}
