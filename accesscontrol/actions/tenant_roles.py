"""Roles that a tenant makes for itself, from permissions that are available there."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accesscontrol import decide
from accesscontrol import facts as load
from accesscontrol.actions import assignments
from accesscontrol.gate import require_may_grant
from accesscontrol.models import TenantRole, TenantRolePermission
from applications import facts as sharing_facts
from applications.events import emit
from applications.models import Availability, Resource
from applications.models.applications import PORTAL_ID
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said, term
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.impact import answers_of_looker, foreseen_subject
from tenants.models import Tenant, since
from tenants.models.spanned import clipped
from tenants.policies import hold

# (application id, resource type, resource key, privilege)
Wanted = tuple[str, str, str, str]


class NotAvailableHere(DomainError):
    """Some permissions are not available in this tenant; every one is listed."""

    code = "permission_not_available"


class RoleExists(DomainError):
    """There is a role of this key; it is changed, not made."""

    code = "role_exists"


class RoleChanged(DomainError):
    """Somebody defined the role anew after the caller looked at it."""

    code = "role_changed"
    kind = Kind.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a tenant role is: permissions are all that it holds from now on."""

    key: str
    name: str
    description: str
    permissions: Collection[Wanted]


def create(*, tenant: Tenant, definition: Definition, by: Actor, at: datetime) -> TenantRole:
    """Make the role. Of two at once, the second is told that there is one."""
    with tenant_scope(tenant.id), transaction.atomic():
        if _locked(tenant, definition.key, at) is not None:
            raise RoleExists("There is a role of this key already.")
        return _made(tenant, None, definition, by, at)


def define(
    *, tenant: Tenant, definition: Definition, by: Actor, at: datetime, revision: int | None = None
) -> TenantRole:
    """Make the role, or make it this one; with ``revision`` only the role that the caller looked at.

    Whoever holds it gains what is added and loses what is taken, so ``may grant`` is asked for both.
    """
    with tenant_scope(tenant.id), transaction.atomic():
        role = _locked(tenant, definition.key, at)
        _require_seen(role, revision)
        return _made(tenant, role, definition, by, at)


def _locked(tenant: Tenant, key: str, at: datetime) -> TenantRole | None:
    """The living role of this key; until the transaction ends nobody else makes or changes one."""
    hold(tenant)
    return TenantRole.objects.at(at).filter(tenant=tenant, key=key).first()


def _require_seen(role: TenantRole | None, revision: int | None) -> None:
    if revision is not None and (role is None or role.revision != revision):
        raise RoleChanged("The role was changed since you looked at it. Nothing was changed by you.")


def _made(
    tenant: Tenant, role: TenantRole | None, definition: Definition, by: Actor, at: datetime
) -> TenantRole:
    was = _told(role, at) if role is not None else None
    before = _held(role, at) if role is not None else {}
    resources = _resources(tenant, definition.permissions, at, before)
    wanted = {(resources[item[:3]], item[3]): item for item in definition.permissions}
    added = [item for address, item in wanted.items() if address not in before]
    taken = [
        (resource.application_id, resource.type, resource.key, privilege)
        for resource, privilege in before
        if (resource, privilege) not in wanted
    ]
    _require(tenant, definition, added + taken, by, at)
    if role is None:
        role = TenantRole(tenant=tenant, key=definition.key, during=since(at))
    else:
        role.revision += 1
    role.name, role.description = definition.name, definition.description
    role.full_clean()
    role.save()
    surplus = [pk for address, pk in before.items() if address not in wanted]
    TenantRolePermission.objects.filter(id__in=surplus).close(at)
    TenantRolePermission.objects.bulk_create(
        TenantRolePermission(
            tenant=tenant, role=role, resource=resource, privilege=privilege, during=since(at)
        )
        for resource, privilege in wanted
        if (resource, privilege) not in before
    )
    _record(role, "role.defined", before=was, after=_told(role, at), by=by, at=at)
    return role


def delete(*, tenant: Tenant, key: str, by: Actor, at: datetime, revision: int | None = None) -> None:
    """End the role, and withdraw it from all who hold it; whoever may not give it may not take it either."""
    with tenant_scope(tenant.id), transaction.atomic():
        foreseen = foreseen_subject("delete", TenantRole)
        if foreseen is not None and (foreseen.tenant_id, foreseen.key) != (tenant.id, key):
            foreseen = None
        role = foreseen or _locked(tenant, key, at)
        if role is None:
            raise NotFound
        _require_seen(role, revision)
        if foreseen is not None:
            read = answers_of_looker("delete", role)
            assignments.require_may_withdraw_all(role=role, by=by, at=at, read=read)
            return
        before = _told(role, at)
        assignments.withdraw_all(role=role, by=by, at=at)
        TenantRolePermission.objects.filter(role=role).close(at)
        TenantRole.objects.filter(id=role.id).update(during=clipped(at))
        _record(role, "role.deleted", before=before, after=None, by=by, at=at)


def _told(role: TenantRole, at: datetime) -> dict[str, object]:
    """A role as history shows it."""
    permissions = sorted(
        [resource.application_id, resource.type, resource.key, privilege]
        for resource, privilege in _held(role, at)
    )
    told: dict[str, object] = {
        "key": role.key,
        "name": role.name,
        "permissions": permissions,
        "revision": f"r-{role.revision}",
    }
    return told | ({"description": role.description} if role.description else {})


def _held(role: TenantRole, at: datetime) -> dict[tuple[Resource, str], int]:
    rows = TenantRolePermission.objects.at(at).filter(role=role).select_related("resource")
    return {(row.resource, row.privilege): row.id for row in rows}


def _resources(
    tenant: Tenant, permissions: Collection[Wanted], at: datetime, before: Container[object]
) -> dict[tuple[str, str, str], Resource]:
    """The resource of each permission: static, or the tenant's own. Objections are collected.

    What the role holds ``before`` may stay while it counts for nothing: else a name could not be changed
    during the pause of a contract without losing for good what comes back with its end.
    """
    applications = {item[0] for item in permissions}
    kinds, keys = {item[1] for item in permissions}, {item[2] for item in permissions}
    rows = Resource.objects.placed(at).filter(application_id__in=applications, type__in=kinds, key__in=keys)
    mine = [row for row in rows if row.owner_tenant_id in (None, tenant.id)]
    # A resource of the tenant's own never stands in for a static one of the same name.
    mine.sort(key=lambda row: row.owner_tenant_id is None)
    known = {(row.application_id, row.type, row.key): row for row in mine}
    allowed = available_here(tenant, applications, at)
    running = Availability.objects.at(at).filter(tenant=tenant).exclude(relation="access")
    here = set(running.values_list("application_id", flat=True))
    errors = [
        {
            "pointer": f"/permissions/{index}",
            "code": "not_available",
            "detail": said(
                "%(privilege)s on %(type)s/%(resource)s of %(application)s is not available here.",
                {
                    "privilege": term(item[3], "privilege"),
                    "type": item[1],
                    "resource": item[2],
                    "application": item[0],
                },
            ),
        }
        for index, item in enumerate(permissions)
        if (known.get(item[:3]), item[3]) not in before
        and not _is_available(known.get(item[:3]), item, allowed, here)
    ]
    if errors:
        raise NotAvailableHere("Some permissions are not available here. Nothing was changed.", errors=errors)
    return known


def _is_available(resource: Resource | None, item: Wanted, allowed: set[Wanted], running: set[str]) -> bool:
    """On a resource of the tenant's own all that it offers, while its application runs here."""
    if resource is None or item[3] not in resource.privileges:
        return False
    return item in allowed if resource.owner_tenant_id is None else item[0] in running


def available_here(tenant: Tenant, applications: set[str], at: datetime) -> set[Wanted]:
    """What is contained in a role that is granted to the tenant as owned or by provision."""
    sharing = sharing_facts.sharing(applications, tenant_ids=[tenant.id])
    books = load.books(list(sharing), tenant_id=tenant.id)
    return {
        (application_id, *permission)
        for application_id, facts in sharing.items()
        for permission in decide.Ground(facts, books[application_id], tenant_id=str(tenant.id), at=at).granted
    }


def _require(tenant: Tenant, definition: Definition, moved: list[Wanted], by: Actor, at: datetime) -> None:
    if not moved:
        return
    require_may_grant(
        actor=by,
        tenant_id=tenant.id,
        asked={(kind, key, privilege) for app, kind, key, privilege in moved if app == PORTAL_ID},
        foreign=any(app != PORTAL_ID for app, *_ in moved),
        at=at,
        subject=("role", definition.key, definition.name),
    )


def _record(
    role: TenantRole,
    action: str,
    *,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    by: Actor,
    at: datetime,
) -> None:
    history.record(
        action=action,
        tenants=[role.tenant_id],
        by=by,
        at=at,
        subject=("role", role.id, role.name),
        before=before,
        after=after,
    )
    emit(
        type="role.changed",
        tenant_id=role.tenant_id,
        subject=role.key,
        at=at,
        data={"tenantId": str(role.tenant_id), "role": role.key, "action": action},
    )
