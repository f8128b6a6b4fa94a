"""What an act takes away: where something becomes unavailable, and which contracts fall with it.

The facts are read before the act and after it, and the same rule is asked about both, at every moment from
the act's on at which an answer can change. People and services are added by the app that knows them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from applications import facts as load
from applications.availability import SharingFacts, available, granted
from applications.impact_scope import Scope, scope_of
from applications.models import Availability, Contract, ContractState
from applications.signals import impact_asked
from iam_portal.decision import rfc3339
from tenants.impact import Act, Part
from tenants.models import Tenant

# A role held by ownership or provision, or (with its id) by one access contract.
Slot = tuple[str, str | None]
Renamed = Mapping[tuple[str, ...], tuple[str, ...]]  # ``Act.renamed``
UNNAMED: Renamed = {}
# What an act shows that moves no availability.
UNMOVED: Mapping[str, Any] = {"pairs": [], "pairCount": 0, "contracts": {"count": 0, "items": []}}
MOST_ITEMS = 500  # of one list; the counts are always whole


@dataclass(frozen=True, slots=True)
class Loss:
    """A pair that loses something: all of the application (``unavailable``) or some roles (``narrowed``)."""

    application_id: str
    application: str
    owner_id: str
    tenant_id: str
    tenant: str
    at: datetime
    becomes: str
    roles: tuple[str, ...]
    fell: Mapping[str, datetime]  # contracts whose grants of some role counted before, and then do not

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
        after = _facts(scope)
        losses = compare(before, after, scope.pairs, when=act.moment, renamed=act.renamed)
        effects = _effects(losses, after, scope.pairs, act.moment) | _done_to(standing, _standing(scope))
        parts = [_part(act, scope, losses, effects), *(second() for second in further)]
        return Part(
            {name: value for part in parts for name, value in part.shown.items()},
            [part.weighed for part in parts],
            all(part.harmless for part in parts),
        )

    return again


def compare(
    before: Mapping[str, SharingFacts],
    after: Mapping[str, SharingFacts],
    pairs: Mapping[str, frozenset[str]],
    *,
    when: datetime,
    renamed: Renamed,
) -> list[Loss]:
    """Each pair that holds something at some moment from ``when`` on, and then does not any more."""
    found = []
    for application_id, tenants in pairs.items():
        if application_id not in before or application_id not in after:
            continue
        for tenant_id in tenants:
            was, becomes = before[application_id].about(tenant_id), after[application_id].about(tenant_id)
            loss = _loss(was, becomes, tenant_id, when, renamed) if was != becomes else None
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


def _loss(
    before: SharingFacts, after: SharingFacts, tenant_id: str, when: datetime, renamed: Renamed
) -> Loss | None:
    first: datetime | None = None
    gone: datetime | None = None
    slots: set[Slot] = set()
    fell: dict[str, datetime] = {}
    for moment in moments_of(before, after, when=when):
        held = _held(before, tenant_id, moment, renamed)
        kept = _held(after, tenant_id, moment)
        lost = held.slots - kept.slots
        if (held.available and not kept.available) or lost:
            first = first or moment
            slots |= lost
        if held.available and not kept.available:
            gone = gone or moment
        for contract_id, _ in held.by_contract - kept.by_contract:
            fell.setdefault(contract_id, moment)
    if first is None and not fell:
        return None
    application = before.application
    return Loss(
        application_id=application.id,
        application=application.name,
        owner_id=application.owner_id,
        tenant_id=tenant_id,
        tenant=before.name(tenant_id),
        at=gone or first or min(fell.values()),
        becomes="unavailable" if gone else "narrowed" if first else "unchanged",
        roles=tuple(sorted({key for key, _ in slots})),
        fell=fell,
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """Whether it is available, the roles that are held, and by which contracts which of them are."""

    available: bool
    slots: frozenset[Slot]
    by_contract: frozenset[tuple[str, str]]


def _held(facts: SharingFacts, tenant_id: str, at: datetime, renamed: Renamed = UNNAMED) -> _Held:
    """``renamed``: roles that are told by the name that the act gives them."""
    answer = available(facts, tenant_id=tenant_id, at=at)
    slots: set[Slot] = set()
    by_contract: set[tuple[str, str]] = set()
    for former in facts.application.roles if answer else ():
        address = (facts.application.id, former)
        key = renamed.get(address, address)[1]
        for way in granted(facts, role=former, tenant_id=tenant_id, at=at).holding:
            slots.add((key, way.contract_id if way.relation == "access" else None))
            by_contract |= {(way.contract_id, key)} if way.contract_id else set()
    return _Held(bool(answer), frozenset(slots), frozenset(by_contract))


def _facts(scope: Scope) -> dict[str, SharingFacts]:
    everyone = frozenset[str]().union(*scope.pairs.values())
    return load.sharing(scope.pairs, tenant_ids=everyone) if everyone else {}


def _part(act: Act, scope: Scope, losses: list[Loss], effects: Mapping[str, str]) -> Part:
    viewer = str(act.tenant.id)
    lost = [loss for loss in losses if loss.becomes != "unchanged"]
    contracts = contracts_part(act.tenant, effects, losses)
    party = {
        item["contractId"]
        for item in contracts["items"]
        if viewer in (item["provider"]["tenantId"], item["consumer"]["tenantId"])
    }
    named = [loss for loss in lost if viewer in (loss.tenant_id, loss.owner_id) or party & set(loss.fell)]
    shown = {
        "pairs": [loss.as_json() for loss in named],
        "pairCount": len(lost),
        "contracts": contracts,
    }
    weighed = [
        scope.revision,
        [(loss.application_id, loss.tenant_id, loss.becomes, loss.roles) for loss in lost],
        sorted(effects.items()),
    ]
    # A role of one's own that nobody else has may simply go.
    harmless = not effects and all(loss.becomes == "narrowed" and loss.tenant_id == viewer for loss in lost)
    return Part(shown, weighed, harmless)


def _effects(
    losses: Iterable[Loss],
    after: Mapping[str, SharingFacts],
    pairs: Mapping[str, frozenset[str]],
    when: datetime,
) -> dict[str, str]:
    """Contract id → ``narrows`` where it still gives some role when it first loses one, else ``falls``."""
    found: dict[str, str] = {}
    for loss in losses:
        for contract_id, moment in loss.fell.items():
            others = [facts for app, facts in after.items() if loss.tenant_id in pairs.get(app, ())]
            gives = any(
                contract_id == kept
                for facts in others
                for kept, _ in _held(facts.about(loss.tenant_id), loss.tenant_id, moment).by_contract
            )
            found[contract_id] = "narrows" if gives else "falls"
    if found:  # what it gives of applications that the act does not touch, it keeps
        living = Availability.objects.not_over(when).filter(contract__in=list(found))
        elsewhere = living.exclude(application__in=list(after)).values_list("contract_id", flat=True)
        found |= {str(contract_id): "narrows" for contract_id in elsewhere}
    return found


def _standing(scope: Scope) -> dict[UUID, tuple[str, datetime | None, int]]:
    """State, end and number of pauses of the contracts that the act is about."""
    rows = Contract.objects.filter(id__in=scope.contracts).prefetch_related("pauses")
    return {row.id: (row.state, row.ends_at, len(row.pauses.all())) for row in rows}


def _done_to(
    before: Mapping[UUID, tuple[str, datetime | None, int]],
    after: Mapping[UUID, tuple[str, datetime | None, int]],
) -> dict[str, str]:
    """What the act itself did to its contracts: ends, withdrawn, pauses."""
    found: dict[str, str] = {}
    for contract_id, (state, ends_at, pauses) in after.items():
        former = before[contract_id]
        if state != former[0]:
            found[str(contract_id)] = "withdrawn" if state == ContractState.WITHDRAWN else "ends"
        elif ends_at is not None and ends_at != former[1]:
            found[str(contract_id)] = "ends"
        elif pauses > former[2]:
            found[str(contract_id)] = "pauses"
    return found


def contracts_part(tenant: Tenant, effects: Mapping[str, str], losses: Iterable[Loss]) -> dict[str, Any]:
    """All are counted; named are those of which the tenant is a side, or by which its application is lost.

    Of a contract between others only the tenant's own applications are told.
    """
    viewer = str(tenant.id)
    owned = {(key, loss.application_id) for loss in losses if loss.owner_id == viewer for key in loss.fell}
    rows = Contract.objects.filter(id__in=list(effects)).select_related("provider", "consumer")
    items = []
    for row in rows.prefetch_related("terms__role__application").order_by("created_at", "id"):
        mine = tenant.id in (row.provider_id, row.consumer_id)
        names = {
            term.role.application.display_name
            for term in row.terms.all()
            if mine or (str(row.id), term.role.application_id) in owned
        }
        if mine or names:
            items.append(
                {
                    "contractId": str(row.id),
                    "effect": effects[str(row.id)],
                    "type": row.type,
                    "provider": {"tenantId": str(row.provider_id), "name": row.provider.name},
                    "consumer": {"tenantId": str(row.consumer_id), "name": row.consumer.name},
                    "applications": sorted(names),
                }
            )
    return {"count": len(effects), "items": items[:MOST_ITEMS]}
