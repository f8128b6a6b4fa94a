"""What decisions on roles are made of: assignments, permissions, and the roles that came to count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accesscontrol.decide.covering import Permission
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

    def roles(self) -> dict[tuple[str, str], frozenset[PermissionFact]]:
        """By shelf and role key, to be compared."""
        shelves = (("application", self.application), ("tenant", self.tenant), ("own", self.own))
        return {(name, key): frozenset(facts) for name, shelf in shelves for key, facts in shelf.items()}

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

    @property
    def role_keys(self) -> set[str]:
        """The keys of all roles among them, whoever made them."""
        return {each.application_role or each.tenant_role or "" for each in self.assignments}


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


def principal_moments(principal: PrincipalFacts) -> list[datetime]:
    spans = list(principal.active)
    for assignment in principal.assignments:
        spans += assignment.spans
    return boundaries(spans)


def living(facts: Iterable[PermissionFact], at: datetime) -> set[Permission]:
    return {fact.permission for fact in facts if fact.span.covers(at)}
