"""What it takes from people and services when a role of a tenant's own making holds less, or ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from accesscontrol.decide import PrincipalFacts
from accesscontrol.holdings import Holdings
from accesscontrol.impact import look
from accesscontrol.models import Assignment, TenantRole, TenantRolePermission
from applications.impact import UNMOVED
from applications.impact_scope import Scope
from tenants.impact import Act, Part, is_foreseen
from tenants.policies import hold


def look_at_role(act: Act, role: TenantRole) -> Callable[[], Part]:
    """It moves no availability: the pairs are where its permissions lie.

    Whoever holds it loses it, also who cannot use it just now. Foreseen, what is left after its end is known:
    nobody holds it, and thousands of rows need not be written and taken back for that.
    """
    hold(act.tenant)
    revision = TenantRole.objects.values_list("revision", flat=True).get(id=role.id)
    before = _assigned(role, act.at)
    rows = TenantRolePermission.objects.not_over(act.at).filter(role=role)
    applications = rows.values_list("resource__application_id", flat=True)
    pairs = {application_id: frozenset({str(act.tenant.id)}) for application_id in applications}
    foreseen = is_foreseen("delete", role)

    def ended(held: Holdings) -> Holdings:
        return _without(held, role)

    second = look(act, Scope(pairs), role_id=role.id, ended=ended if foreseen else None)

    def again() -> Part:
        part = second()
        withdrawn = sorted(before if foreseen else before - _assigned(role, act.at))
        return replace(
            part,
            shown={**UNMOVED, **part.shown},
            weighed=[part.weighed, revision, withdrawn],
            harmless=part.harmless and not withdrawn,
        )

    return again


def _assigned(role: TenantRole, at: datetime) -> set[str]:
    rows = Assignment.objects.not_over(at).filter(tenant_id=role.tenant_id, tenant_role=role)
    return set(map(str, rows.values_list("id", flat=True)))


def _without(held: Holdings, role: TenantRole) -> Holdings:
    """Once the role has ended. Of people only what they hold by it was looked at."""
    tenant_id = str(role.tenant_id)

    def rest(facts: PrincipalFacts) -> PrincipalFacts:
        kept = [one for one in facts.assignments if (one.tenant_id, one.tenant_role) != (tenant_id, role.key)]
        return replace(facts, assignments=tuple(kept))

    calls = {
        call: replace(facts, local=rest(facts.local), at_home=rest(facts.at_home))
        for call, facts in held.calls.items()
    }
    return replace(held, people={}, calls=calls)


__all__ = ["look_at_role"]
