"""Ids that a manifest gives up for new ones: what rests on the former ids goes on with the new ones.

Nobody gains by it. A role under a new key that holds more than the former one is a role that its owner
widened: through an access contract it counts as far as its provider confirmed it (docs/adr/0004).
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from applications.actions.confirmations import Overtaken, refuse_overtaken
from applications.actions.record import contract_changed
from applications.manifest import Manifest, PermissionKey, ResourceKey
from applications.models import (
    AmendmentRole,
    AmendmentState,
    Application,
    ApplicationRole,
    Contract,
    ContractState,
    ContractTerm,
    RequiredRole,
    Resource,
    ResourcePlace,
    RolePermission,
)
from applications.policies import lock_applications, lock_around
from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from tenants.models import since

_ALIVE = (ContractState.DRAFT, ContractState.PROPOSED, ContractState.ACCEPTED)
Pairs = Sequence[tuple[ApplicationRole, ApplicationRole]]  # the former role and its heir
Carried = Sequence[tuple[Contract, list[str]]]  # contracts, and the former roles that each carried


class CannotSupersede(DomainError):
    """A former id is not there, or lives beside its heir; every one is listed. Nothing was changed."""

    code = "cannot_supersede"


@dataclass(frozen=True, slots=True)
class Heirs:
    """By the new id: the living row whose place it takes. ``held``: since when which role holds what."""

    resources: Mapping[ResourceKey, Resource]
    roles: Mapping[str, ApplicationRole]
    held: Mapping[tuple[str, PermissionKey], datetime]

    def __bool__(self) -> bool:
        return bool(self.resources or self.roles)

    def held_since(self, role: str, permission: PermissionKey) -> datetime | None:
        """When the role began to hold this under former ids; None: it did not, or neither is an heir."""
        kind, key, privilege = permission
        former_role, resource = self.roles.get(role), self.resources.get((kind, key))
        if former_role is None and resource is None:
            return None
        address = (resource.type, resource.key) if resource is not None else (kind, key)
        return self.held.get((former_role.key if former_role is not None else role, (*address, privilege)))


def heirs_of(application: Application, manifest: Manifest, *, at: datetime) -> Heirs:
    """What the manifest supersedes of what lives now; what it superseded before is no concern any more.

    Own ids only: those of others are not looked at. The caller holds the application.
    """
    wanted = {new: row.supersedes for new, row in manifest.resources.items() if row.supersedes}
    keys = {new: row.supersedes for new, row in manifest.roles.items() if row.supersedes}
    if not wanted and not keys:
        return Heirs({}, {}, {})
    static = Resource.objects.at(at).filter(application=application, owner_tenant=None)
    resources = {(row.type, row.key): row for row in static}
    roles = {row.key: row for row in ApplicationRole.objects.at(at).filter(application=application)}
    errors = _objections("resources", list(manifest.resources), wanted, resources)
    errors += _objections("roles", list(manifest.roles), keys, roles)
    if errors:
        raise CannotSupersede("The manifest supersedes what it cannot. Nothing was changed.", errors=errors)
    return Heirs(
        {new: resources[old] for new, old in wanted.items() if old in resources},
        {new: roles[old] for new, old in keys.items() if old in roles},
        _held(application, at),
    )


def renamed(application: Application, heirs: Heirs) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """As an impact takes it (``Act.renamed``)."""
    names: dict[tuple[str, ...], tuple[str, ...]] = {
        (application.id, row.type, row.key): (application.id, *new) for new, row in heirs.resources.items()
    }
    return names | {(application.id, row.key): (application.id, new) for new, row in heirs.roles.items()}


def hold(application: Application, manifest: Manifest, *, at: datetime) -> Heirs:
    """Lock what the declaration will touch, in the house's order, and say what it supersedes.

    Tenants come before the application, so it is looked first without a lock whether any is needed.
    """
    foreseen = heirs_of(application, manifest, at=at)
    if foreseen:
        lock_around(application)
    lock_applications([application.id])
    _refuse_late(application, at)
    heirs = heirs_of(application, manifest, at=at)
    if heirs and not foreseen:
        raise Overtaken("Somebody else declared at the same time. Nothing was changed.")
    return heirs


def _refuse_late(application: Application, at: datetime) -> None:
    """Nothing is declared as of a moment before what was declared meanwhile: it would mix the two."""
    later = Q(during__startswith__gt=at) | Q(during__endswith__gt=at, during__endswith__isnull=False)
    facts: dict[type[Resource | ResourcePlace | ApplicationRole | RolePermission | RequiredRole], Q] = {
        Resource: Q(application=OuterRef("pk"), owner_tenant=None),
        ResourcePlace: Q(resource__application=OuterRef("pk"), owner_tenant=None),
        ApplicationRole: Q(application=OuterRef("pk")),
        RolePermission: Q(role__application=OuterRef("pk")),
        RequiredRole: Q(application=OuterRef("pk")),
    }
    found = Q()
    for model, own in facts.items():
        found |= Q(Exists(model.objects.filter(own, later, during__isempty=False)))
    if Application.objects.filter(found, id=application.id).exists():
        raise Overtaken("Somebody else declared at the same time. Nothing was changed.")


def carry_terms(pairs: Pairs, at: datetime) -> Carried:
    """Drafts, proposals and agreements carry the heir from now on, each as it was confirmed; they are told.

    What runs is closed and begun anew, what is planned or only offered was never used. Contracts themselves
    are not locked here, nor changed: the application is held, and whoever writes terms of it holds it, too.
    """
    heirs = {former.id: heir for former, heir in pairs}
    refuse_overtaken(heirs, at=at)
    rows = ContractTerm.objects.not_over(at).filter(role__in=list(heirs), contract__state__in=_ALIVE)
    terms = list(rows.select_related("contract__provider", "contract__consumer").order_by("id"))
    unused, fresh = [], []
    former = {role.id: f"{role.application_id}/{role.key}" for role, _ in pairs}
    carried: dict[UUID, set[str]] = defaultdict(set)
    for term in terms:
        carried[term.contract_id].add(former[term.role_id])
        agreed = term.contract.state == ContractState.ACCEPTED
        if agreed and (term.during.lower is None or term.during.lower < at):
            kept = {"confirmed_at": term.confirmed_at, "removed_at": term.removed_at}
            during = since(at, term.during.upper)
            fresh.append(
                ContractTerm(contract=term.contract, role=heirs[term.role_id], during=during, **kept)
            )
        else:
            term.role = heirs[term.role_id]
            unused.append(term)
    ContractTerm.objects.bulk_update(unused, ["role"], batch_size=1000)
    ContractTerm.objects.bulk_create(fresh, batch_size=1000)
    for role, heir in pairs:
        asked = AmendmentRole.objects.filter(role=role, amendment__state=AmendmentState.PROPOSED)
        asked.update(role=heir)
    contracts = {term.contract_id: term.contract for term in terms}
    ordered = sorted(contracts.values(), key=lambda contract: (contract.created_at, str(contract.id)))
    return [(contract, sorted(carried[contract.id])) for contract in ordered]


def tell_contracts(contracts: Carried, pairs: Pairs, *, by: Actor, at: datetime) -> None:
    """Both sides, once the former roles have ended."""
    names = [
        {"applicationId": former.application_id, "from": former.key, "to": heir.key} for former, heir in pairs
    ]
    for contract, roles in contracts:
        extra = {"superseded": names}
        contract_changed(contract, "role_superseded", by=by, at=at, before={"roles": roles}, extra=extra)


def _objections(
    part: str, declared: Sequence[Any], wanted: Mapping[Any, Any], living: Container[Any]
) -> list[dict[str, str]]:
    """Sent again, a manifest finds its heirs alive and nothing to do."""
    errors = []
    for index, new in enumerate(declared):
        if new not in wanted or (new in living) != (wanted[new] in living):
            continue
        there = new in living
        code = "both_live" if there else "superseded_not_there"
        detail = "lives beside what it would supersede" if there else "supersedes what is not there"
        errors.append({"pointer": f"/{part}/{index}/supersedes", "code": code, "detail": detail})
    return errors


def _held(application: Application, at: datetime) -> dict[tuple[str, PermissionKey], datetime]:
    rows = RolePermission.objects.at(at).filter(role__application=application)
    columns = ("role__key", "resource__type", "resource__key", "privilege", "held")
    return {
        (role, (kind, key, privilege)): held.lower
        for role, kind, key, privilege, held in rows.values_list(*columns)
    }
