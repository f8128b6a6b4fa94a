"""Roles that an application requires of others: does it hold them in a tenant, and if not, could it?"""

from dataclasses import dataclass
from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.ground import own_way
from accesscontrol.decide.held import PrincipalFacts, RoleBook
from accesscontrol.decide.roles import effective_roles
from applications.availability import SharingFacts, granted
from applications.reasons import no_contract, role_unknown
from iam_portal.decision import Decision

STATES = ("held", "open", "not_available")


@dataclass(frozen=True, slots=True)
class Requirement:
    """An application, and a role of another one, as it was declared."""

    application_id: str
    wanted_application: str
    wanted_role: str


@dataclass(frozen=True, slots=True)
class Met:
    """``held`` (it counts), ``open`` (it could be given now) or ``not_available``; with the chain."""

    state: str
    decision: Decision


def met(
    requirement: Requirement,
    sharing: SharingFacts | None,
    holder: PrincipalFacts,
    *,
    tenant: str,
    at: datetime,
) -> Met:
    """How the requirement stands in the holder's tenant, whose name is ``tenant``.

    ``sharing`` is None for an application that nothing ever connected with the tenant: it answers like one
    that does not exist.
    """
    wanted, key = requirement.wanted_application, requirement.wanted_role
    if sharing is None:
        return _not(no_contract(wanted, wanted, tenant, holder.tenant_id))
    application = sharing.application
    if not any(span.covers(at) for span in application.roles.get(key, ())):
        return _not(role_unknown(application.name, application.id, key))
    # Only roles that applications declare are required: no permission of a tenant's own making is asked.
    held = [role for role in effective_roles(holder, sharing, RoleBook(), at=at).held if role.key == key]
    if held:
        return Met("held", Decision.yes(*held[0].reasons))
    answer = granted(sharing, role=key, tenant_id=holder.tenant_id, at=at)
    if own_way(answer):
        return Met("open", Decision.yes(*answer.decision.reasons))
    if not answer:
        return Met("not_available", answer.decision)
    broken = [way.decision.reasons for way in answer.ways if way.relation != "access"]
    only = (say.only_by_access(application.name, application.id, tenant),)
    return _not(*dict.fromkeys(reason for reasons in broken or [only] for reason in reasons))


def _not(*reasons: say.Reason) -> Met:
    return Met("not_available", Decision.no(*reasons))
