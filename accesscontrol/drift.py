"""Required roles in a tenant: which are held, which are open, which cannot be had, and who may give them.

The drift report asks it about what is available; an acceptance about what its contract would bring.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accesscontrol import facts as load
from accesscontrol import gate
from accesscontrol.decide import (
    AssignmentFact,
    Met,
    PermissionFact,
    PrincipalFacts,
    Requirement,
    RoleBook,
    may_grant,
    met,
)
from accesscontrol.models import Assignment
from applications import facts as sharing_facts
from applications.availability import ContractFact, SharingFacts, Term
from applications.models import Application, Availability, Contract, ContractState, RequiredRole
from applications.models.applications import PORTAL_ID
from applications.policies import keys_now
from iam_portal.decision import Decision
from iam_portal.gate import Actor
from iam_portal.spans import Span
from iam_portal.spelled import Spelled
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Required:
    """One line of the report. Names are those that the tenant may know, else the ids."""

    requirement: Requirement
    application: str
    wanted: str
    named: bool  # the tenant may know the wanted application
    since: datetime
    met: Met
    may_grant: Decision

    @property
    def key(self) -> tuple[str, str, str]:
        """Its place in the report."""
        asked = self.requirement
        return asked.application_id, asked.wanted_application, asked.wanted_role


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every line needs; loaded once."""

    tenant: Tenant
    at: datetime
    sharing: Mapping[str, SharingFacts]
    holders: Mapping[tuple[str, str], PrincipalFacts]
    grantable: Callable[[str, str], Decision]
    keys: Mapping[tuple[str, str], str]  # of roles that have a new one since they were required

    def line(self, row: RequiredRole) -> Required:
        key = self.keys.get((row.wanted_application, row.wanted_role), row.wanted_role)
        asked = Requirement(row.application_id, row.wanted_application, key)
        facts = self.sharing.get(asked.wanted_application)
        nobody = PrincipalFacts(row.application_id, str(self.tenant.id), load.ALWAYS)
        holder = self.holders.get((row.application_id, row.wanted_application), nobody)
        return Required(
            requirement=asked,
            application=row.application.display_name,
            wanted=facts.application.name if facts else asked.wanted_application,
            named=facts is not None,
            since=row.during.lower,
            met=met(asked, facts, holder, tenant=self.tenant.name, at=self.at),
            may_grant=self.grantable(asked.wanted_application, key),
        )


def report(
    *,
    tenant: Tenant,
    actor: Actor,
    at: datetime,
    now: datetime,
    application_id: str | None = None,
    contract: Contract | None = None,
) -> list[Required]:
    """Every required role of what the tenant has as owned or by provision, in order. Twelve queries at most.

    With ``contract``, one that the tenant receives: of what it shares, as from its start on, proposed or not.
    ``now`` is when the actor's own rights are asked.
    """
    moment = max(at, contract.starts_at or at) if contract is not None else at
    if contract is not None:
        chosen = Q(application__in=_bringing(contract))
    else:
        chosen = Q(pk__in=[pk for (pk,) in _HERE.rows(tenant=tenant.pk, at=at)])
    rows = _rows(chosen if application_id is None else chosen & Q(application=application_id), at)
    wanted = {row.wanted_application for row in rows}
    if not rows:
        return []
    sharing = _sharing(wanted, tenant, contract, moment)
    ground = _Ground(
        tenant=tenant,
        at=moment,
        sharing=sharing,
        holders=_holders(tenant, {row.application_id for row in rows}, wanted, moment),
        grantable=_grantable(tenant, actor, wanted, now),
        keys=_keys(rows, sharing, at),
    )
    lines = {line.key: line for line in map(ground.line, rows)}
    return [lines[key] for key in sorted(lines)]


def _keys(
    rows: Iterable[RequiredRole], sharing: Mapping[str, SharingFacts], at: datetime
) -> dict[tuple[str, str], str]:
    """Of what the tenant may know; of others a new key would tell that they are there. Two queries."""
    gone = {
        (row.wanted_application, row.wanted_role)
        for row in rows
        if (facts := sharing.get(row.wanted_application)) is not None
        and not any(span.covers(at) for span in facts.application.roles.get(row.wanted_role, ()))
    }
    return keys_now(gone, at=at) if gone else {}


def _rows(chosen: Q, at: datetime) -> list[RequiredRole]:
    """Nothing is asked for nothing, which is what most tenants have."""
    rows = RequiredRole.objects.at(at).filter(chosen).select_related("application")
    return list(rows.order_by("application_id", "wanted_application", "wanted_role"))


def _here(*, tenant: UUID, at: datetime) -> QuerySet[RequiredRole, Any]:
    """What is required by what is available as owned or by provision."""
    rows = Availability.objects.at(at).filter(tenant=tenant, relation__in=("owned", "provision"))
    asking = RequiredRole.objects.at(at).filter(application__in=rows.order_by().values("application"))
    return asking.order_by().values_list("pk")


_HERE = Spelled(_here, tenant=UUID, at=datetime)


def _bringing(contract: Contract) -> set[str]:
    return set(contract.terms.values_list("role__application_id", flat=True))


def _sharing(
    wanted: Collection[str], tenant: Tenant, contract: Contract | None, at: datetime
) -> dict[str, SharingFacts]:
    """Facts of what the tenant has to do with; a proposal counts as if it were accepted."""
    found = sharing_facts.sharing(wanted, tenant_ids=[tenant.id])
    if contract is not None and contract.state == ContractState.PROPOSED:
        roles: dict[str, dict[str, tuple[Term, ...]]] = defaultdict(dict)
        for application_id, key in contract.terms.values_list("role__application_id", "role__key"):
            roles[application_id][key] = (Term(at, contract.ends_at),)
        for application_id in set(found) & set(roles):
            facts = found[application_id]
            agreed = (*facts.contracts, _as_agreed(contract, roles[application_id], at))
            found[application_id] = replace(facts, contracts=agreed)
    tenant_id = str(tenant.id)
    return {pk: facts for pk, facts in found.items() if sharing_facts.concerns(facts, tenant_id=tenant_id)}


def _as_agreed(contract: Contract, terms: Mapping[str, tuple[Term, ...]], at: datetime) -> ContractFact:
    return ContractFact(
        id=str(contract.id),
        type=contract.type,
        provider_id=str(contract.provider_id),
        consumer_id=str(contract.consumer_id),
        onward_access=contract.onward_access,
        starts_at=at,
        ends_at=contract.ends_at,
        terms=terms,
    )


def _holders(
    tenant: Tenant, application_ids: Collection[str], wanted: Collection[str], at: datetime
) -> dict[tuple[str, str], PrincipalFacts]:
    """What each of the applications holds in the tenant, of each of the wanted ones. One query."""
    rows = Assignment.objects.at(at).filter(
        tenant=tenant,
        application_id__in=application_ids,
        application_role__application_id__in=wanted,
    )
    found: dict[tuple[str, str], list[AssignmentFact]] = defaultdict(list)
    for row in rows.select_related("application_role").order_by("created_at", "id"):
        fact = _fact(row)
        found[str(row.application_id), str(fact.application_id)].append(fact)
    return {
        pair: PrincipalFacts(pair[0], str(tenant.id), load.ALWAYS, tuple(facts))
        for pair, facts in found.items()
    }


def _fact(row: Assignment) -> AssignmentFact:
    role = row.application_role
    assert role is not None, "only application roles were asked for"
    return AssignmentFact(
        id=str(row.id),
        tenant_id=str(row.tenant_id),
        span=Span.of(row.during),
        by=row.by_name,
        application_id=role.application_id,
        application_role=role.key,
        contract_id=str(row.contract_id) if row.contract_id else None,
    )


def _grantable(
    tenant: Tenant, actor: Actor, wanted: Collection[str], now: datetime
) -> Callable[[str, str], Decision]:
    """May the actor give this role, by a tick as by an assignment? What he holds is read once."""
    holds = gate.permissions(actor=actor, tenant_id=tenant.id, at=now)
    assigning = gate.asked_of(gate.ASSIGNING)
    manager = assigning in holds
    own = load.books([PORTAL_ID], tenant_id=tenant.id)[PORTAL_ID] if PORTAL_ID in wanted else RoleBook()

    def answer(application_id: str, key: str) -> Decision:
        portal = application_id == PORTAL_ID
        facts: Iterable[PermissionFact] = own.application.get(key, ()) if portal else ()
        asked = {fact.permission for fact in facts if fact.span.covers(now)}
        if portal:  # of other applications the Access Manager's word stands for the same
            asked.add(assigning)
        return may_grant(asked=asked, foreign=not portal, holds=holds, access_manager=manager)

    return answer


def of_application(
    application: Application, *, tenant: Tenant, actor: Actor, at: datetime
) -> Sequence[Required]:
    """The application's lines, for its page."""
    return report(tenant=tenant, actor=actor, at=at, now=at, application_id=application.id)


def received(tenant_id: UUID, contract_id: UUID) -> Contract | None:
    """A contract by which the tenant gets applications for itself, proposed or agreed."""
    states = (ContractState.PROPOSED, ContractState.ACCEPTED)
    rows = Contract.objects.filter(consumer_id=tenant_id, type="provision", state__in=states)
    return rows.filter(id=contract_id).first()
