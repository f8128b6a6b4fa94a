"""``effective roles``: what a principal holds of an application, over facts and a moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accesscontrol import reasons as say
from accesscontrol.decide.covering import Amount, Permission
from applications.availability import Answer, SharingFacts, available, granted
from iam_portal.decision import Reason
from iam_portal.spans import Span, boundaries


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
    """One permission of a role, with its life; ``held``: the time under former ids of the same included."""

    permission: Permission
    span: Span
    held: Span | None = None


@dataclass(frozen=True, slots=True)
class RoleBook:
    """Permissions of the application's roles and of the tenant's roles over it, by role key.

    ``tenant`` on static resources, ``own`` on those that are the tenant's own.
    """

    application: Mapping[str, tuple[PermissionFact, ...]] = field(default_factory=dict)
    tenant: Mapping[str, tuple[PermissionFact, ...]] = field(default_factory=dict)
    own: Mapping[str, tuple[PermissionFact, ...]] = field(default_factory=dict)

    def moments(self) -> set[datetime]:
        """When something in it begins or ends."""
        shelves = (*self.application.values(), *self.tenant.values(), *self.own.values())
        return {moment for facts in shelves for moment in boundaries([fact.span for fact in facts])}


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
    by_contracts: tuple[str, ...] = ()  # by which it is granted; counted, never decided upon


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles that count and, where none does, why not."""

    held: tuple[HeldRole, ...] = ()
    refusals: tuple[Reason, ...] = ()

    def urns(self) -> list[str]:
        """Sorted, without repeats."""
        return sorted({role.urn for role in self.held})


def application_role_urn(
    scope_tenant_id: str, application_id: str, key: str, contract_id: str | None = None
) -> str:
    """The tenant in it is the tenant whose data it covers.

    With ``contract_id``: the role as far as that access contract's provider confirmed it (docs/adr/0004).
    """
    urn = f"urn:iam:application-role:{scope_tenant_id}:{application_id}:{key}"
    return urn if contract_id is None else f"{urn}:contract:{contract_id}"


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
    """The permissions on static resources that held roles of the tenant's own scope amount to."""
    found: set[Permission] = set()
    for role in roles.held:
        if role.relation == "tenant":
            found |= tenant_amount(role.key, sharing, book, tenant_id=tenant_id, at=at).static
        elif role.contract_id is None:
            found |= living(book.application.get(role.key, ()), at)
    return found


def tenant_amount(key: str, sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime) -> Amount:
    """What a role of the tenant's own making comes to.

    On static resources what a role contains that is granted as owned or by provision; on the tenant's own all
    that it names, while the application is there in one of these ways.
    """
    static, own = living(book.tenant.get(key, ()), at), living(book.own.get(key, ()), at)
    if static:
        static &= granted_permissions(sharing, book, tenant_id=tenant_id, at=at)
    if own and not own_way(available(sharing, tenant_id=tenant_id, at=at)):
        own = set()
    return Amount(frozenset(static), frozenset(own))


def granted_permissions(
    sharing: SharingFacts, book: RoleBook, *, tenant_id: str, at: datetime
) -> set[Permission]:
    """Permissions contained in a role that is granted to the tenant as owned or by provision."""
    found: set[Permission] = set()
    for key, facts in book.application.items():
        if own_way(granted(sharing, role=key, tenant_id=tenant_id, at=at)):
            found |= living(facts, at)
    return found


def _held(
    assignment: AssignmentFact, sharing: SharingFacts, book: RoleBook, at: datetime
) -> HeldRole | tuple[Reason, ...]:
    if assignment.tenant_role is not None:
        return _held_tenant_role(assignment, sharing, book, at)
    key, application_id = assignment.application_role or "", sharing.application.id
    answer = granted(sharing, role=key, tenant_id=assignment.tenant_id, at=at)
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


def _held_tenant_role(
    assignment: AssignmentFact, sharing: SharingFacts, book: RoleBook, at: datetime
) -> HeldRole | tuple[Reason, ...]:
    key = assignment.tenant_role or ""
    if not tenant_amount(key, sharing, book, tenant_id=assignment.tenant_id, at=at):
        return (say.tenant_role_empty(key, sharing.application.id),)
    urn = tenant_role_urn(assignment.tenant_id, key)
    return HeldRole(urn, key, assignment.tenant_id, "tenant", None, (_assigned(assignment, key),))


def _assigned(assignment: AssignmentFact, key: str) -> Reason:
    group = assignment.via.group_name if assignment.via else ""
    return say.role_assigned(key, assignment.application_id, assignment.by, assignment.span.start, group)


def own_way(answer: Answer) -> bool:
    """Whether one of the ways that hold is not an access contract."""
    return any(way.relation != "access" for way in answer.holding)


def principal_moments(principal: PrincipalFacts) -> list[datetime]:
    spans = list(principal.active)
    for assignment in principal.assignments:
        spans += assignment.spans
    return boundaries(spans)


def living(facts: Iterable[PermissionFact], at: datetime) -> set[Permission]:
    return {fact.permission for fact in facts if fact.span.covers(at)}
