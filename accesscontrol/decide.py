"""``effective roles``, ``may call`` and ``may grant``: pure functions over facts and a moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accesscontrol import reasons as say
from applications.availability import Answer, SharingFacts, available, granted
from iam_portal.decision import Decision, Reason
from iam_portal.spans import Span, boundaries

Permission = tuple[str, str, str]  # resource type, resource key, privilege


@dataclass(frozen=True, slots=True)
class Via:
    """How an assignment reaches the principal: directly (no group) or through a group, for a span."""

    span: Span
    group_id: str | None = None
    group_name: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentFact:
    """A role assigned to a principal in a tenant.

    Exactly one of ``application_role`` (its key) and ``tenant_role`` (its key) is set; ``contract_id`` is
    set when held through an access contract.
    """

    id: str
    tenant_id: str
    span: Span
    by: str
    application_id: str | None = None
    application_role: str | None = None
    tenant_role: str | None = None
    tenant_role_name: str = ""
    contract_id: str | None = None
    via: Via | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans that must cover the moment."""
        return (self.span,) if self.via is None else (self.span, self.via.span)


@dataclass(frozen=True, slots=True)
class PermissionFact:
    """One permission of a role, with its life."""

    permission: Permission
    span: Span


@dataclass(frozen=True, slots=True)
class RoleBook:
    """Permissions of the application's roles and of the tenant's roles over it, by role key."""

    application: Mapping[str, tuple[PermissionFact, ...]] = field(default_factory=dict)
    tenant: Mapping[str, tuple[PermissionFact, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrincipalFacts:
    """A principal in one tenant: when it is active, and what is assigned to it for one application."""

    principal_id: str
    tenant_id: str
    active: tuple[Span, ...]
    assignments: tuple[AssignmentFact, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role that counts. ``scope_tenant_id`` is the tenant whose data it covers."""

    urn: str
    key: str
    scope_tenant_id: str
    relation: str
    contract_id: str | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles that count and, where none does, why not."""

    held: tuple[HeldRole, ...] = ()
    refusals: tuple[Reason, ...] = ()

    def urns(self) -> list[str]:
        """Sorted, without repeats."""
        return sorted({role.urn for role in self.held})


def application_role_urn(scope_tenant_id: str, application_id: str, key: str) -> str:
    """The tenant in it is the tenant whose data it covers."""
    return f"urn:iam:application-role:{scope_tenant_id}:{application_id}:{key}"


def tenant_role_urn(tenant_id: str, key: str) -> str:
    """A role that the tenant made for itself."""
    return f"urn:iam:tenant-role:{tenant_id}:{key}"


def effective_roles(
    principal: PrincipalFacts, sharing: SharingFacts, book: RoleBook, *, at: datetime
) -> Roles:
    """What the principal holds of the application in its tenant at the moment, by scope."""
    if not any(span.covers(at) for span in principal.active):
        return Roles(refusals=(say.principal_inactive(),))
    held: dict[tuple[str, str | None], HeldRole] = {}
    refusals: list[Reason] = []
    for assignment in principal.assignments:
        if not all(span.covers(at) for span in assignment.spans):
            continue
        found = _held(assignment, sharing, book, at)
        if isinstance(found, HeldRole):
            held.setdefault((found.urn, found.contract_id), found)
        else:
            refusals += found
    return Roles(tuple(held.values()), tuple(dict.fromkeys(refusals)))


def permissions_of(
    roles: Roles, sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime
) -> set[Permission]:
    """The permissions that held roles of the tenant's own scope amount to."""
    found: set[Permission] = set()
    grantable = granted_permissions(sharing, book, tenant_id=tenant_id, at=at)
    for role in roles.held:
        if role.relation == "tenant":
            found |= _living(book.tenant.get(role.key, ()), at) & grantable
        elif role.contract_id is None:
            found |= _living(book.application.get(role.key, ()), at)
    return found


def granted_permissions(
    sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime
) -> set[Permission]:
    """Permissions contained in a role that is granted to the tenant as owned or by provision."""
    found: set[Permission] = set()
    for key, facts in book.application.items():
        if _own_way(granted(sharing, role=key, tenant_id=tenant_id, at=at)):
            found |= _living(facts, at)
    return found


@dataclass(frozen=True, slots=True)
class CallFacts:
    """Everything ``may_call`` asks: caller X, target A, tenant T; ``home`` is the tenant that owns X.

    ``local`` are X's assignments in T for A; ``at_home`` those in its home for A (access contracts).
    """

    tenant_id: str
    home_id: str
    caller: SharingFacts
    target: SharingFacts
    book: RoleBook
    local: PrincipalFacts
    at_home: PrincipalFacts


@dataclass(frozen=True, slots=True)
class Call:
    """The answer of ``may_call``: reads as a boolean; with the roles that the call may carry."""

    decision: Decision
    roles: tuple[HeldRole, ...] = ()

    def __bool__(self) -> bool:
        return self.decision.allowed

    def urns(self) -> frozenset[str]:
        """The role URNs of the call."""
        return frozenset(role.urn for role in self.roles)


def may_call(facts: CallFacts, *, at: datetime) -> Call:
    """May application X call application A in tenant T at the moment?

    A must be available in T as owned or by provision. Then either X is available in T the same way and
    holds a role of A there, or X's owner holds A's role through an access contract of T.
    """
    caller, target = facts.caller.application, facts.target.application
    if caller.id == target.id:
        return Call(Decision.no(say.self_audience(caller.id)))
    here = available(facts.target, tenant_id=facts.tenant_id, at=at)
    if not _own_way(here):
        return Call(_not_here(here, target.name, target.id, facts.target.name(facts.tenant_id)))
    chain = tuple(reason for way in here.holding[:1] for reason in way.decision.reasons)
    x_here = available(facts.caller, tenant_id=facts.tenant_id, at=at)
    local = effective_roles(facts.local, facts.target, facts.book, at=at)
    own = tuple(role for role in local.held if role.contract_id is None)
    if _own_way(x_here) and own:
        reasons = (*chain, *(reason for role in own for reason in role.reasons[:1]))
        return Call(Decision.yes(*dict.fromkeys(reasons)), own)
    through = _through_access(facts, at)
    if through:
        reasons = (*chain, *(reason for role in through for reason in role.reasons))
        return Call(Decision.yes(*dict.fromkeys(reasons)), through)
    return Call(_why_not(facts, x_here, local))


def call_until(facts: CallFacts, call: Call, *, at: datetime, limit: datetime) -> datetime:
    """The earliest moment before ``limit`` at which the call, or one of its roles, falls by plan."""
    for moment in _moments(facts):
        if at < moment < limit:
            later = may_call(facts, at=moment)
            if not later or not later.urns() >= call.urns():
                return moment
    return limit


def roles_until(
    principal: PrincipalFacts, sharing: SharingFacts, book: RoleBook, *, at: datetime
) -> datetime | None:
    """The next moment at which the principal's roles change by plan."""
    now = effective_roles(principal, sharing, book, at=at).urns()
    for moment in sorted({*sharing.moments(), *_principal_moments(principal)}):
        if moment > at and effective_roles(principal, sharing, book, at=moment).urns() != now:
            return moment
    return None


def may_grant(
    *,
    asked: Iterable[Permission],
    foreign: bool,
    holds: set[Permission],
    access_manager: bool,
) -> Decision:
    """May an actor who ``holds`` these portal permissions hand out what is ``asked``?

    ``asked`` are permissions of the portal itself: only who holds each of them. ``foreign`` says that
    roles of other applications are among it: those are the Access Manager's to give.
    """
    missing = sorted(set(asked) - holds)
    refusals = [say.permission_not_held(permission) for permission in missing]
    if foreign and not access_manager:
        refusals.append(say.not_access_manager())
    return Decision.no(*refusals) if refusals else Decision.yes(say.may_grant())


def _held(
    assignment: AssignmentFact, sharing: SharingFacts, book: RoleBook, at: datetime
) -> HeldRole | tuple[Reason, ...]:
    if assignment.tenant_role is not None:
        return _held_tenant_role(assignment, sharing, book, at)
    key, application_id = assignment.application_role or "", sharing.application.id
    answer = granted(sharing, role=key, tenant_id=assignment.tenant_id, at=at)
    for way in answer.holding:
        if way.contract_id == assignment.contract_id or (
            assignment.contract_id is None and way.relation in ("provision", "owned", "builtin")
        ):
            urn = application_role_urn(way.scope_tenant_id, application_id, key)
            reasons = (_assigned(assignment, key), *way.decision.reasons)
            contract_id = assignment.contract_id
            return HeldRole(urn, key, way.scope_tenant_id, way.relation, contract_id, reasons)
    return answer.decision.reasons if not answer else (say.role_by_other_way(key, application_id),)


def _held_tenant_role(
    assignment: AssignmentFact, sharing: SharingFacts, book: RoleBook, at: datetime
) -> HeldRole | tuple[Reason, ...]:
    key = assignment.tenant_role or ""
    wanted = _living(book.tenant.get(key, ()), at)
    here = granted_permissions(sharing, book, tenant_id=assignment.tenant_id, at=at)
    if not wanted & here:
        return (say.tenant_role_empty(key, sharing.application.id),)
    urn = tenant_role_urn(assignment.tenant_id, key)
    return HeldRole(urn, key, assignment.tenant_id, "tenant", None, (_assigned(assignment, key),))


def _assigned(assignment: AssignmentFact, key: str) -> Reason:
    group = assignment.via.group_name if assignment.via else ""
    return say.role_assigned(key, assignment.application_id, assignment.by, assignment.span.start, group)


def _own_way(answer: Answer) -> bool:
    """Whether one of the ways that hold is not an access contract."""
    return any(way.relation != "access" for way in answer.holding)


def _not_here(answer: Answer, name: str, application_id: str, tenant: str) -> Decision:
    if answer:
        return Decision.no(say.only_by_access(name, application_id, tenant))
    return answer.decision


def _through_access(facts: CallFacts, at: datetime) -> tuple[HeldRole, ...]:
    """Roles that X holds at home through an access contract whose provider is T, where X itself runs."""
    if facts.home_id == facts.tenant_id or not available(facts.caller, tenant_id=facts.home_id, at=at):
        return ()
    at_home = effective_roles(facts.at_home, facts.target, facts.book, at=at)
    return tuple(
        role
        for role in at_home.held
        if role.contract_id is not None and role.scope_tenant_id == facts.tenant_id
    )


def _why_not(facts: CallFacts, x_here: Answer, local: Roles) -> Decision:
    caller, target = facts.caller.application, facts.target.application
    tenant = facts.target.name(facts.tenant_id)
    reasons: list[Reason] = []
    if not _own_way(x_here):
        reasons.append(say.caller_not_available(caller.name, caller.id, tenant, facts.tenant_id))
        reasons += x_here.decision.reasons[:1] if not x_here else ()
    if not local.held:
        reasons.append(say.no_role_held(caller.name, caller.id, target.name, target.id, tenant))
        reasons += local.refusals
    return Decision.no(*reasons)


def _moments(facts: CallFacts) -> list[datetime]:
    found = {*facts.caller.moments(), *facts.target.moments()}
    found |= {*_principal_moments(facts.local), *_principal_moments(facts.at_home)}
    for permissions in (*facts.book.application.values(), *facts.book.tenant.values()):
        found |= set(boundaries([permission.span for permission in permissions]))
    return sorted(found)


def _principal_moments(principal: PrincipalFacts) -> list[datetime]:
    spans = list(principal.active)
    for assignment in principal.assignments:
        spans += assignment.spans
    return boundaries(spans)


def _living(facts: Iterable[PermissionFact], at: datetime) -> set[Permission]:
    return {fact.permission for fact in facts if fact.span.covers(at)}
