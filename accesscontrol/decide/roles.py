"""``effective roles``: what a principal holds of an application, over facts and a moment."""

from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.covering import Permission
from accesscontrol.decide.ground import Ground
from accesscontrol.decide.held import (
    AssignmentFact,
    HeldRole,
    PrincipalFacts,
    RoleBook,
    Roles,
    application_role_urn,
    tenant_role_urn,
)
from applications.availability import SharingFacts
from iam_portal.decision import Reason


def effective_roles(
    principal: PrincipalFacts, sharing: SharingFacts, book: RoleBook, *, at: datetime
) -> Roles:
    """What the principal holds of the application in its tenant at the moment, by scope."""
    return roles_on(Ground(sharing, book, tenant_id=principal.tenant_id, at=at), principal, at=at)


def roles_on(ground: Ground, principal: PrincipalFacts, *, at: datetime) -> Roles:
    """The same on a ground that others of the tenant stand on, too: of this moment, or of one alike."""
    if not any(span.covers(at) for span in principal.active):
        return Roles(refusals=(say.principal_inactive(),))
    held: dict[tuple[str, str | None], HeldRole] = {}
    refusals: list[Reason] = []
    for assignment in principal.assignments:
        if not all(span.covers(at) for span in assignment.spans):
            continue
        found = _held(assignment, ground)
        if isinstance(found, HeldRole):
            held.setdefault((found.urn, found.contract_id), found)
        else:
            refusals += found
    return Roles(tuple(held.values()), tuple(dict.fromkeys(refusals)))


def permissions_of(
    roles: Roles, sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime
) -> set[Permission]:
    """The permissions on static resources that held roles of the tenant's own scope amount to."""
    return permissions_on(Ground(sharing, book, tenant_id=tenant_id, at=at), roles)


def permissions_on(ground: Ground, roles: Roles) -> set[Permission]:
    """The same on a ground that is there."""
    own = [role for role in roles.held if role.contract_id is None]
    return {permission for role in own for permission in ground.comes_to(role).static}


def _held(assignment: AssignmentFact, ground: Ground) -> HeldRole | tuple[Reason, ...]:
    if assignment.tenant_role is not None:
        return _held_tenant_role(assignment, ground)
    sharing, at = ground.sharing, ground.at
    key, application_id = assignment.application_role or "", sharing.application.id
    answer = ground.answer(key)
    ways = [
        way
        for way in answer.holding
        if way.contract_id == assignment.contract_id
        or (assignment.contract_id is None and way.relation in ("provision", "owned", "builtin"))
    ]
    if not ways:
        return answer.decision.reasons if not answer else (say.role_by_other_way(key, application_id),)
    way, contract_id = ways[0], assignment.contract_id
    through = sharing.contract(contract_id)
    term = through.widened(key, at) if through is not None else None
    marked = contract_id if term is not None else None
    urn = application_role_urn(way.scope_tenant_id, application_id, key, marked)
    reasons = [_assigned(assignment, key), *way.decision.reasons]
    if through is not None and term is not None:
        who = sharing.name(through.provider_id)
        reasons.append(say.confirmed_only(key, application_id, through.id, who, term.confirmed_at))
    by = tuple(each.contract_id for each in ways if each.contract_id)
    return HeldRole(urn, key, way.scope_tenant_id, way.relation, contract_id, tuple(reasons), by)


def _held_tenant_role(assignment: AssignmentFact, ground: Ground) -> HeldRole | tuple[Reason, ...]:
    key = assignment.tenant_role or ""
    if not ground.made(key):
        return (say.tenant_role_empty(key, ground.sharing.application.id),)
    urn = tenant_role_urn(assignment.tenant_id, key)
    return HeldRole(urn, key, assignment.tenant_id, "tenant", None, (_assigned(assignment, key),))


def _assigned(assignment: AssignmentFact, key: str) -> Reason:
    group = assignment.via.group_name if assignment.via else ""
    return say.role_assigned(key, assignment.application_id, assignment.by, assignment.span.start, group)
