"""What stands in a tenant: a fixed number of statements, however many groups and roles there are."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower

from accesscontrol.configuration import shape
from accesscontrol.configuration.declared import manifests_of
from accesscontrol.configuration.mapped import leading, mappings_of, moving
from accesscontrol.configuration.shape import Configuration
from accesscontrol.models import Assignment, TenantRole, TenantRolePermission
from applications.actions.open_amendments import state as amendment_state
from applications.models import (
    AmendmentRole,
    AmendmentState,
    Application,
    Contract,
    ContractState,
    ContractType,
)
from applications.models.applications import PORTAL_ID
from applications.policies import agreed_at, with_parts
from tenants.actions.partners import partners_of
from tenants.models import Group, GroupPlacement, IdentityProvider, Membership, Tenant
from tenants.models.spanned import still_open


@dataclass(frozen=True, slots=True)
class Provided:
    """A living contract that the tenant provides, and whether its consumer has agreed."""

    id: UUID
    agreed: bool
    contract: shape.Contract


@dataclass(frozen=True, slots=True)
class State:
    """The configuration, and the rows behind the names in it."""

    configuration: Configuration
    groups: Mapping[str, str]  # lower name → name
    group_ids: Mapping[str, UUID]  # by lower name
    users: Mapping[str, tuple[str, UUID]]  # lower user name → as it is written, id
    partners: Mapping[str, Tenant]  # by slug, and by id
    provided: tuple[Provided, ...]
    assignments: Mapping[shape.Assignment, UUID]
    # (provider's slug, application id, role key) → living access contracts that give it
    received: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    providers: Mapping[str, IdentityProvider] = field(default_factory=dict)  # by key
    mappings: tuple[tuple[shape.ProviderMapping, UUID], ...] = ()  # of two that are alike, both
    moving: frozenset[UUID] = frozenset()  # the ids of those by which somebody is in a group
    leading: Mapping[UUID, int] = field(default_factory=dict)  # how many lead into a group


def read(
    *,
    tenant: Tenant,
    sections: Collection[str],
    types: Collection[str],
    usernames: Collection[str] = (),
    at: datetime,
) -> State:
    """The sections that are asked for; contracts of these types. ``usernames``: further ones to look up."""
    groups = _groups(tenant, at) if {"groups", "assignments", "mappings"} & set(sections) else {}
    users = dict(_users(tenant, usernames))
    partners = _partners(tenant) if {"contracts", "assignments"} & set(sections) else {}
    provided = _provided(tenant, types, at) if "contracts" in sections else ()
    received = _received(tenant, at) if "assignments" in sections else {}
    assignments = _assignments(tenant, received, at) if "assignments" in sections else {}
    providers = {row.key: row for row in tenant.identity_providers.all()} if "mappings" in sections else {}
    mappings = mappings_of(tenant, at=at) if "mappings" in sections else ()
    shown: dict[str, Any] = {
        "applications": lambda: _applications(tenant, at),
        "contracts": lambda: tuple(one.contract for one in provided),
        "groups": lambda: _with_members(tenant, groups, users, at),
        "roles": lambda: _roles(tenant, at),
        "assignments": lambda: tuple(assignments),
        "mappings": lambda: tuple(dict.fromkeys(one for one, _ in mappings)),
    }
    configuration = Configuration(**{name: shown[name]() for name in shown if name in sections})
    ids = {name.lower(): row.id for name, row in groups.items()}
    written = {name.lower(): name for name in groups}
    found = State(configuration, written, ids, users, partners, tuple(provided), assignments, received)
    by_them = moving(tenant, at=at) if mappings else frozenset()
    into = leading(tenant) if "groups" in sections else {}
    return replace(found, providers=providers, mappings=mappings, moving=by_them, leading=into)


def _groups(tenant: Tenant, at: datetime) -> dict[str, Group]:
    return {row.name: row for row in Group.objects.at(at).filter(tenant=tenant)}


def _users(tenant: Tenant, usernames: Collection[str]) -> Any:
    rows = tenant.users.annotate(lower=Lower("username"))
    wanted = sorted({name.lower() for name in usernames})
    for lower, name, pk in rows.filter(lower__in=wanted).values_list("lower", "username", "id"):
        yield lower, (name, pk)


def _with_members(
    tenant: Tenant, groups: Mapping[str, Group], users: dict[str, tuple[str, UUID]], at: datetime
) -> tuple[shape.Group, ...]:
    places = GroupPlacement.objects.at(at).filter(tenant=tenant)
    parents = dict(places.values_list("group_id", "parent__name"))
    members: dict[UUID, set[shape.Member]] = defaultdict(set)
    rows = Membership.objects.not_over(at).filter(tenant=tenant)
    for group_id, name, pk, during in rows.values_list("group_id", "user__username", "user_id", "during"):
        start = during.lower if during.lower > at else None
        members[group_id].add(shape.Member(user=name, starts_at=start, ends_at=during.upper))
        users[name.lower()] = (name, pk)
    return tuple(
        shape.Group(
            name=row.name,
            description=row.description,
            parent=parents.get(row.id),
            members=frozenset(members[row.id]),
        )
        for row in groups.values()
    )


def _roles(tenant: Tenant, at: datetime) -> tuple[shape.Role, ...]:
    held: dict[UUID, set[shape.Permission]] = defaultdict(set)
    rows = TenantRolePermission.objects.at(at).filter(tenant=tenant)
    for role_id, *permission in rows.values_list(
        "role_id", "resource__application_id", "resource__type", "resource__key", "privilege"
    ):
        held[role_id].add((permission[0], permission[1], permission[2], permission[3]))
    return tuple(
        shape.Role(
            key=row.key,
            name=row.name,
            description=row.description,
            permissions=frozenset(held[row.id]),
        )
        for row in TenantRole.objects.at(at).filter(tenant=tenant)
    )


def _applications(tenant: Tenant, at: datetime) -> tuple[shape.Application, ...]:
    rows = list(Application.objects.filter(still_open(), owner=tenant).exclude(id=PORTAL_ID))
    declared = manifests_of([row.id for row in rows], at=at)
    return tuple(
        shape.Application(
            id=row.id,
            name=row.name,
            display_name=row.display_name,
            description=row.description,
            home_url=row.home_url,
            manifest=declared[row.id],
        )
        for row in rows
    )


def _partners(tenant: Tenant) -> dict[str, Tenant]:
    rows = list(partners_of(tenant))
    return {row.slug: row for row in rows} | {str(row.id): row for row in rows}


def _provided(tenant: Tenant, types: Collection[str], at: datetime) -> list[Provided]:
    """Proposed and accepted ones that are not over and give something. A draft is its author's alone."""
    over = Q(ends_at__lte=at) | Q(answer_by__lte=at, state=ContractState.PROPOSED)
    rows = Contract.objects.filter(provider=tenant, type__in=types).select_related("provider", "consumer")
    living = rows.filter(state__in=[ContractState.PROPOSED, ContractState.ACCEPTED]).exclude(over)
    parts = with_parts(living).prefetch_related("amendments__roles__role")
    found = [
        Provided(row.id, row.state == ContractState.ACCEPTED, _offered(row, tenant, at))
        for row in parts.order_by("created_at", "id")
    ]
    return [one for one in found if one.contract.roles]


def _offered(row: Contract, tenant: Tenant, at: datetime) -> shape.Contract:
    """The contract as the tenant asked for it: an amendment of its own that waits is counted in."""
    roles = {(term.role.application_id, term.role.key) for term in agreed_at(row.terms.all(), at)}
    ends_at = row.ends_at
    for amendment in row.amendments.all():
        amendment.contract = row
        mine = amendment.proposed_by_tenant_id == tenant.id
        if not mine or amendment_state(amendment, at) != AmendmentState.PROPOSED:
            continue
        for verb, app, key in [
            (part.verb, part.role.application_id, part.role.key) for part in amendment.roles.all()
        ]:
            (roles.add if verb == AmendmentRole.Verb.ADD else roles.discard)((app, key))
        ends_at = amendment.ends_at if amendment.moves_end else ends_at
    return shape.Contract(
        consumer=row.consumer.slug,
        type=row.type,
        roles=frozenset(roles),
        starts_at=row.starts_at if row.starts_at is not None and row.starts_at > at else None,
        ends_at=ends_at,
        onward_access=row.onward_access,
        note=row.note,
    )


def _received(tenant: Tenant, at: datetime) -> dict[tuple[str, str, str], tuple[str, ...]]:
    rows = Contract.objects.filter(
        consumer=tenant, type=ContractType.ACCESS, state=ContractState.ACCEPTED
    ).exclude(ends_at__lte=at)
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    terms = rows.order_by("id").values_list(
        "provider__slug", "terms__role__application_id", "terms__role__key", "id"
    )
    for provider, application_id, key, contract_id in terms.distinct():
        found[provider, application_id, key].append(str(contract_id))
    return {what: tuple(dict.fromkeys(ids)) for what, ids in found.items()}


def _assignments(
    tenant: Tenant, received: Mapping[tuple[str, str, str], tuple[str, ...]], at: datetime
) -> dict[shape.Assignment, UUID]:
    """Those that are true now or later. What rests on a contract that is over is nobody's any more."""
    rows = Assignment.objects.not_over(at).filter(tenant=tenant).exclude(contract__ends_at__lte=at)
    parts = ("user", "group", "application_role", "tenant_role", "contract__provider")
    return {_assignment(row, received, at): row.id for row in rows.select_related(*parts).order_by("id")}


def _assignment(
    row: Assignment, received: Mapping[tuple[str, str, str], tuple[str, ...]], at: datetime
) -> shape.Assignment:
    role = row.application_role or row.tenant_role
    assert role is not None
    application_id = row.application_role.application_id if row.application_role else None
    kind, principal = ("application", row.application_id or "")
    if row.user is not None:
        kind, principal = "user", row.user.username
    elif row.group is not None:
        kind, principal = "group", row.group.name
    provider = row.contract.provider.slug if row.contract else None
    ways = received.get((provider or "", application_id or "", role.key), ())
    return shape.Assignment(
        kind=kind,
        principal=principal,
        role=role.key,
        application_id=application_id,
        provider=provider,
        contract_id=str(row.contract_id) if row.contract_id and len(ways) != 1 else None,
        starts_at=row.during.lower if row.during.lower > at else None,
        ends_at=row.during.upper,
    )
