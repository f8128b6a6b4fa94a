"""The parts of a declaration: resources, roles and what these hold, each by a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model
from psycopg import Error as PostgresError

from applications.actions import places
from applications.actions.confirmations import refuse_overtaken
from applications.actions.superseding import Heirs
from applications.manifest import DeclaredRole, Diff, Manifest, PermissionKey, ResourceKey
from applications.models import Application, ApplicationRole, Resource, ResourcePlace, RolePermission
from applications.signals import resources_ended
from tenants.models import since
from tenants.models.spanned import clipped

# Set by us to rows that are there: asking the database for each of them again takes one statement a row.
_REFERENCES = ["application", "owner_tenant", "supersedes"]
_SAID = ("name", "description")
Resources = dict[ResourceKey, Resource]
Roles = dict[str, ApplicationRole]


def write_resources(
    application: Application, manifest: Manifest, at: datetime, diff: Diff
) -> tuple[Resources, list[Resource]]:
    """The declared static resources as rows, and those that are declared no more."""
    rows = Resource.objects.filter(application=application, owner_tenant=None)
    living = {(row.type, row.key): row for row in places.standing(rows, at=at)}
    made, named, moved = set(manifest.resources) - set(living), set(), set()
    for address, declared in manifest.resources.items():
        if address in made:
            row = living[address] = Resource(application=application, type=address[0], key=address[1])
            row.during, row.privileges, row.parent_id = since(at), [], None
        row = living[address]
        if address in made or (row.name, row.description) != (declared.name, declared.description):
            row.name, row.description = declared.name, declared.description
            row.clean_fields(exclude=_REFERENCES)
            named.add(address)
    for address, declared in manifest.resources.items():
        row, above = living[address], living[declared.parent].id if declared.parent else None
        place = list(declared.privileges), above
        if address in made or (row.privileges, row.parent_id) != place:
            row.privileges, row.parent_id = place
            moved.add(address)
    _write(Resource, [living[address] for address in manifest.resources if address in named], *_SAID)
    with refusing(ResourcePlace):
        places.move([living[address] for address in manifest.resources if address in moved], at=at)
    gone = [living.pop(address) for address in sorted(set(living) - set(manifest.resources))]
    for kind, key in manifest.resources:
        told = diff.added if (kind, key) in made else diff.changed
        if (kind, key) in named | moved:
            told.append(f"resources/{kind}/{key}")
    diff.removed += [f"resources/{row.type}/{row.key}" for row in gone]
    return living, gone


def end_resources(gone: Sequence[Resource], at: datetime) -> None:
    """And what roles hold of them, also those that tenants made."""
    ids = [row.id for row in gone]
    RolePermission.objects.filter(resource__in=gone).close(at)
    Resource.objects.filter(id__in=ids).update(during=clipped(at))
    places.end(ids, at=at)
    resources_ended.send(sender=Resource, resource_ids=ids, at=at)


def write_roles(
    application: Application,
    manifest: Manifest,
    resources: Resources,
    *,
    heirs: Heirs,
    at: datetime,
    diff: Diff,
) -> tuple[Roles, list[ApplicationRole]]:
    """The declared roles as rows, with what they hold, and those that are declared no more."""
    former = {role.key: role for role in ApplicationRole.objects.at(at).filter(application=application)}
    living, touched, moved = dict(former), [], set()
    for key, declared in manifest.roles.items():
        role = living.get(key)
        if role is None:
            role = ApplicationRole(application=application, key=key, during=since(at))
            role.supersedes = heirs.roles.get(key)
            diff.added.append(f"roles/{key}")
        elif (role.name, role.description) != (declared.name, declared.description):
            moved.add(key)
        else:
            continue
        role.name, role.description = declared.name, declared.description
        role.clean_fields(exclude=_REFERENCES)
        living[key] = role
        touched.append(role)
    _write(ApplicationRole, touched, *_SAID)
    moved |= _permissions(
        [(living[key], manifest.roles[key]) for key in manifest.roles], resources, heirs, at
    )
    diff.changed += [f"roles/{key}" for key in manifest.roles if key in moved and key in former]
    gone = [living.pop(key) for key in sorted(set(former) - set(manifest.roles))]
    diff.removed += [f"roles/{role.key}" for role in gone]
    return living, gone


def _permissions(
    roles: Sequence[tuple[ApplicationRole, DeclaredRole]],
    resources: Mapping[ResourceKey, Resource],
    heirs: Heirs,
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
            RolePermission(
                role=role,
                resource=resources[kind, key],
                privilege=privilege,
                during=since(at),
                held_since=heirs.held_since(role.key, (kind, key, privilege)),
            )
            for kind, key, privilege in begun
        ]
        if ended or begun:
            moved.add(role.key)
    RolePermission.objects.filter(id__in=surplus).close(at)
    refuse_overtaken({row.role_id for row in missing}, at=at)
    with refusing(RolePermission):
        RolePermission.objects.bulk_create(missing)
    return moved


def _write(model: type[Resource | ApplicationRole], rows: Iterable[Any], *columns: str) -> None:
    """New rows, and these columns of the ones that are there: one statement."""
    with refusing(model):
        model._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=columns
        )


@contextmanager
def refusing(model: type[Model]) -> Iterator[None]:
    """A constraint that the database found violated, in the words that its model has for it."""
    try:
        yield
    except IntegrityError as error:
        broken = error.__cause__.diag.constraint_name if isinstance(error.__cause__, PostgresError) else None
        for constraint in model._meta.constraints:
            if constraint.name == broken:
                raise ValidationError(constraint.violation_error_message or "") from error
        raise
