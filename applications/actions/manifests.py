"""Declaring resources, roles and required roles: idempotent, one transaction, the reply is the diff."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from psycopg import Error as PostgresError

from applications.actions.availability import moving
from applications.actions.confirmations import refuse_overtaken, tell_widened
from applications.actions.roles import retire_roles
from applications.events import event, write
from applications.manifest import DeclaredResource, DeclaredRole, Diff, Manifest, PermissionKey, ResourceKey
from applications.models import (
    Application,
    ApplicationRole,
    Availability,
    Contract,
    ContractType,
    RequiredRole,
    Resource,
    RolePermission,
)
from applications.policies import IsPortal
from applications.signals import resources_ended
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant
from tenants import history
from tenants.models import since
from tenants.models.spanned import clipped

# Set by us to rows that are there: asking the database for each of them again takes one statement a row.
_REFERENCES = ["application", "owner_tenant", "parent"]


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
            Application.objects.select_for_update(no_key=True).get(id=application.id)
            contracts = set(
                Contract.objects.filter(terms__role__application=application).values_list("id", flat=True)
            )
            with moving(applications=[application.id], tenants=None, contracts=contracts, at=at):
                with cross_tenant():  # static resources belong to no tenant: only this role writes them
                    resources = _resources(application, manifest, at, diff)
                _roles(application, manifest, resources, at, diff)
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
    application: Application, manifest: Manifest, at: datetime, diff: Diff
) -> dict[ResourceKey, Resource]:
    rows = Resource.objects.at(at).filter(application=application, owner_tenant=None)
    living = {(row.type, row.key): row for row in rows}
    touched: dict[ResourceKey, Resource] = {}
    for address, declared in manifest.resources.items():
        row = living.get(address)
        if row is None:
            row = Resource(application=application, type=declared.type, key=declared.key, during=since(at))
            diff.added.append(f"resources/{declared.type}/{declared.key}")
        elif _differs(row, declared):
            diff.changed.append(f"resources/{declared.type}/{declared.key}")
        else:
            continue
        row.name, row.description = declared.name, declared.description
        row.privileges = list(declared.privileges)
        row.clean_fields(exclude=_REFERENCES)
        living[address] = touched[address] = row
    for address, declared in manifest.resources.items():
        parent = living[declared.parent] if declared.parent else None
        if living[address].parent_id != (parent.id if parent else None):
            living[address].parent = parent
            if address not in touched:
                diff.changed.append(f"resources/{declared.type}/{declared.key}")
            touched[address] = living[address]
    _write(Resource, touched.values(), "name", "description", "privileges", "parent")
    gone = [living.pop(address) for address in sorted(set(living) - set(manifest.resources))]
    RolePermission.objects.filter(resource__in=gone).close(at)
    Resource.objects.filter(id__in=[row.id for row in gone]).update(during=clipped(at))
    resources_ended.send(sender=Resource, resource_ids=[row.id for row in gone], at=at)
    diff.removed += [f"resources/{row.type}/{row.key}" for row in gone]
    return living


def _roles(
    application: Application,
    manifest: Manifest,
    resources: dict[ResourceKey, Resource],
    at: datetime,
    diff: Diff,
) -> None:
    former = {role.key: role for role in ApplicationRole.objects.at(at).filter(application=application)}
    living, touched, moved = dict(former), [], set()
    for key, declared in manifest.roles.items():
        role = living.get(key)
        if role is None:
            role = ApplicationRole(application=application, key=key, during=since(at))
            diff.added.append(f"roles/{key}")
        elif (role.name, role.description) != (declared.name, declared.description):
            moved.add(key)
        else:
            continue
        role.name, role.description = declared.name, declared.description
        role.clean_fields(exclude=_REFERENCES)
        living[key] = role
        touched.append(role)
    _write(ApplicationRole, touched, "name", "description")
    moved |= _permissions([(living[key], manifest.roles[key]) for key in manifest.roles], resources, at)
    diff.changed += [f"roles/{key}" for key in manifest.roles if key in moved and key in former]
    gone = [former[key] for key in sorted(set(former) - set(manifest.roles))]
    retire_roles(gone, at=at)
    diff.removed += [f"roles/{role.key}" for role in gone]


def _permissions(
    roles: Sequence[tuple[ApplicationRole, DeclaredRole]],
    resources: dict[ResourceKey, Resource],
    at: datetime,
) -> set[str]:
    """The keys of the roles whose permissions moved."""
    rows = RolePermission.objects.at(at).filter(role__in=[role.id for role, _ in roles])
    living: dict[UUID, dict[PermissionKey, int]] = defaultdict(dict)
    for pk, role_id, kind, key, privilege in rows.values_list(
        "id", "role_id", "resource__type", "resource__key", "privilege"
    ):
        living[role_id][kind, key, privilege] = pk
    surplus: list[int] = []
    missing: list[RolePermission] = []
    moved: set[str] = set()
    for role, declared in roles:
        held = living[role.id]
        ended = [pk for permission, pk in held.items() if permission not in declared.permissions]
        begun = sorted(declared.permissions - set(held))
        surplus += ended
        missing += [
            RolePermission(role=role, resource=resources[kind, key], privilege=privilege, during=since(at))
            for kind, key, privilege in begun
        ]
        if ended or begun:
            moved.add(role.key)
    RolePermission.objects.filter(id__in=surplus).close(at)
    refuse_overtaken({row.role_id for row in missing}, at=at)
    with _refusing(RolePermission):
        RolePermission.objects.bulk_create(missing)
    return moved


def _write(model: type[Resource | ApplicationRole], rows: Iterable[Any], *columns: str) -> None:
    """New rows, and these columns of the ones that are there: one statement."""
    with _refusing(model):
        model._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )


@contextmanager
def _refusing(model: type[Model]) -> Iterator[None]:
    """A constraint that the database found violated, in the words that its model has for it."""
    try:
        yield
    except IntegrityError as error:
        broken = error.__cause__.diag.constraint_name if isinstance(error.__cause__, PostgresError) else None
        for constraint in model._meta.constraints:
            if constraint.name == broken:
                raise ValidationError(constraint.violation_error_message or "") from error
        raise


def _required(application: Application, manifest: Manifest, at: datetime, diff: Diff) -> None:
    """As written: whether such a role exists is not this application's to learn."""
    rows = RequiredRole.objects.at(at).filter(application=application)
    living = {(row.wanted_application, row.wanted_role): row.id for row in rows}
    gone = sorted(set(living) - manifest.required)
    RequiredRole.objects.filter(id__in=[living[pair] for pair in gone]).close(at)
    fresh = sorted(manifest.required - set(living))
    with _refusing(RequiredRole):
        RequiredRole.objects.bulk_create(
            RequiredRole(
                application=application, wanted_application=wanted, wanted_role=role, during=since(at)
            )
            for wanted, role in fresh
        )
    diff.removed += [f"requiredRoles/{wanted}/{role}" for wanted, role in gone]
    diff.added += [f"requiredRoles/{wanted}/{role}" for wanted, role in fresh]


def _differs(row: Resource, declared: DeclaredResource) -> bool:
    return (row.name, row.description, row.privileges) != (
        declared.name,
        declared.description,
        list(declared.privileges),
    )


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
