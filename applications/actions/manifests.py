"""Declaring resources, roles and required roles: idempotent, one transaction, the reply is the diff."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from applications.actions import declaring, places, superseding
from applications.actions.availability import moving
from applications.actions.confirmations import tell_widened
from applications.actions.roles import retire_roles
from applications.actions.superseding import Heirs
from applications.events import event, write
from applications.manifest import Diff, Manifest
from applications.models import (
    Application,
    ApplicationRole,
    Availability,
    Contract,
    ContractType,
    RequiredRole,
    Resource,
)
from applications.policies import IsPortal
from applications.signals import resources_superseded, roles_superseded
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant
from tenants import history
from tenants.models import since


class _DryRun(Exception):
    """Rolls the transaction back after the diff is known."""


def declare(
    *, application: Application, manifest: Manifest, by: Actor, at: datetime, dry_run: bool = False
) -> Diff:
    """Make the application's declaration this one. With ``dry_run`` only the diff is told."""
    if application.is_portal and by.kind != "system":
        raise IsPortal("The portal's own roles are declared by its installation only.")
    diff = Diff()
    try:
        with transaction.atomic():
            heirs = superseding.hold(application, manifest, at=at)
            contracts = set(
                Contract.objects.filter(terms__role__application=application).values_list("id", flat=True)
            )
            with moving(applications=[application.id], tenants=None, contracts=contracts, at=at):
                resources = _resources(application, manifest, heirs=heirs, by=by, at=at, diff=diff)
                _roles(application, manifest, resources, heirs=heirs, by=by, at=at, diff=diff)
                _required(application, manifest, at, diff)
            if diff:
                _tell(application, diff, by, at)
                passed_on = Contract.objects.filter(id__in=contracts, type=ContractType.ACCESS)
                rows = passed_on.select_related("provider", "consumer").order_by("created_at", "id")
                tell_widened(list(rows), by=by, at=at)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return diff


def _resources(
    application: Application, manifest: Manifest, *, heirs: Heirs, by: Actor, at: datetime, diff: Diff
) -> declaring.Resources:
    with cross_tenant():  # static resources belong to no tenant: only this role writes them
        living, gone = declaring.write_resources(application, manifest, at, diff)
        pairs = [(former, living[new]) for new, former in heirs.resources.items()]
        for former, heir in pairs:
            places.carry(former, heir, at=at)
    if pairs:
        resources_superseded.send(sender=Resource, application=application, pairs=pairs, by=by, at=at)
    with cross_tenant():
        declaring.end_resources(gone, at)
    diff.superseded += [(f"resources/{former}", f"resources/{heir}") for former, heir in pairs]
    return living


def _roles(
    application: Application,
    manifest: Manifest,
    resources: declaring.Resources,
    *,
    heirs: Heirs,
    by: Actor,
    at: datetime,
    diff: Diff,
) -> None:
    living, gone = declaring.write_roles(application, manifest, resources, heirs=heirs, at=at, diff=diff)
    pairs = [(former, living[new]) for new, former in heirs.roles.items()]
    contracts = superseding.carry_terms(pairs, at) if pairs else []
    if pairs:
        given = {"application": application, "pairs": pairs, "by": by, "at": at}
        roles_superseded.send(sender=ApplicationRole, **given)
    retire_roles(gone, at=at)
    superseding.tell_contracts(contracts, pairs, by=by, at=at)
    diff.superseded += [(f"roles/{former.key}", f"roles/{heir.key}") for former, heir in pairs]


def _required(application: Application, manifest: Manifest, at: datetime, diff: Diff) -> None:
    """As written: whether such a role exists is not this application's to learn."""
    rows = RequiredRole.objects.at(at).filter(application=application)
    living = {(row.wanted_application, row.wanted_role): row.id for row in rows}
    gone = sorted(set(living) - manifest.required)
    RequiredRole.objects.filter(id__in=[living[pair] for pair in gone]).close(at)
    fresh = sorted(manifest.required - set(living))
    with declaring.refusing(RequiredRole):
        RequiredRole.objects.bulk_create(
            RequiredRole(
                application=application, wanted_application=wanted, wanted_role=role, during=since(at)
            )
            for wanted, role in fresh
        )
    diff.removed += [f"requiredRoles/{wanted}/{role}" for wanted, role in gone]
    diff.added += [f"requiredRoles/{wanted}/{role}" for wanted, role in fresh]


def _tell(application: Application, diff: Diff, by: Actor, at: datetime) -> None:
    """History and an event for the owner and for every tenant in which the application is available."""
    serves: set[UUID] = set(
        Availability.objects.not_over(at).filter(application=application).values_list("tenant_id", flat=True)
    )
    sides = sorted({application.owner_id, *serves}, key=str)
    history.record(
        action="manifest.declared",
        tenants=sides,
        by=by,
        at=at,
        subject=("application", application.id, application.display_name),
        after=diff.as_json(),
    )
    data = {"applicationId": application.id, **diff.as_json()}
    write(
        [
            event(
                type="role.changed",
                tenant_id=tenant_id,
                application_id=application.id,
                subject=application.id,
                at=at,
                data=data,
            )
            for tenant_id in sides
        ]
    )
