"""What acts on a tenant's own resources stand on: where they act, what is there, what is written of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from applications.events import emit
from applications.models import Application, Resource
from applications.placing import Address
from applications.served import serves
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.spans import BEGINNING
from tenants import history
from tenants.models import Tenant
from tenants.policies import hold

# What there is at these addresses: static, and the tenant's own, as it stands. Nothing is planned, so what
# has no end is there, also for a request that began earlier and came later.
_AT = """
SELECT r.*, p.privileges, p.parent_id
FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS asked(type, key)
JOIN applications_resource r ON r.application_id = %(application)s
    AND r.type = asked.type AND r.key = asked.key
    AND (r.owner_tenant_id IS NULL OR r.owner_tenant_id = %(tenant)s)
    AND upper(r.during) IS NULL AND NOT isempty(r.during)
JOIN applications_resourceplace p
    ON p.resource_id = r.id AND upper(p.during) IS NULL AND NOT isempty(p.during)
"""

# What contains these, and what they contain, as far as it is the tenant's own; each with what contains it,
# and since when.
_AROUND = """
WITH RECURSIVE own AS NOT MATERIALIZED (
    SELECT resource_id AS id, parent_id, during FROM applications_resourceplace
    WHERE owner_tenant_id = %(tenant)s AND upper(during) IS NULL AND NOT isempty(during)
), above(id, parent_id) AS (
    SELECT id, parent_id FROM own WHERE id = ANY(%(named)s::uuid[])
    UNION
    SELECT own.id, own.parent_id FROM above JOIN own ON own.id = above.parent_id
), below(id) AS (
    SELECT unnest(%(moving)s::uuid[])
    UNION
    SELECT own.id FROM below JOIN own ON own.parent_id = below.id
)
SELECT r.type, r.key, p.type, p.key, lower(own.during)
FROM (SELECT id FROM above UNION SELECT id FROM below) AS near
JOIN own ON own.id = near.id JOIN applications_resource r ON r.id = near.id
LEFT JOIN applications_resource p
    ON p.id = own.parent_id AND upper(p.during) IS NULL AND NOT isempty(p.during)
"""


MOST_ROWS = 20  # of history for one act and kind of change: more are named together in one
MOST_AN_HOUR, HOUR = 2000, timedelta(hours=1)  # rows of history that an application leaves in one tenant


class TooFast(DomainError):
    """The application did as much in this organization within an hour as it may."""

    code = "resource_rate"
    kind = Kind.THROTTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """In which tenant's data, of which application: what every act here takes."""

    application: Application
    tenant: Tenant
    by: Actor
    at: datetime


def lock(place: Place) -> None:
    """The tenant, so that its roles and its tree stand still; then the application, against manifests.

    Whoever is not served learns nothing and locks nobody.
    """
    _require_served(place)
    hold(place.tenant)
    with connection.cursor() as cursor:  # shared: it works in other tenants at the same time
        statement = "SELECT FROM applications_application WHERE id = %s FOR SHARE"
        cursor.execute(statement, [place.application.id])
    _require_served(place)


def _require_served(place: Place) -> None:
    if not serves(place.application.id, tenant_id=place.tenant.id, at=place.at):
        raise NotFound


def living(place: Place, addresses: Sequence[Address]) -> list[Resource]:
    """What there is at these addresses."""
    return list(
        Resource.objects.raw(
            _AT,
            {
                "kinds": [kind for kind, _ in addresses],
                "keys": [key for _, key in addresses],
                "application": place.application.id,
                "tenant": place.tenant.id,
            },
        )
    )


class Around(NamedTuple):
    """What contains each of the tenant's own, and since when they all stand so."""

    parents: dict[Address, Address | None]
    since: datetime


def around(place: Place, named: Sequence[UUID], moving: Sequence[UUID]) -> Around:
    """Of these and all above them, and of all below what moves."""
    values: dict[str, Any] = {"tenant": place.tenant.id, "named": list(named), "moving": list(moving)}
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, values)
        rows = cursor.fetchall()
    parents = {
        (kind, key): (parent_kind, parent_key) if parent_kind is not None else None
        for kind, key, parent_kind, parent_key, _ in rows
    }
    return Around(parents, max((begun for *_, begun in rows if begun is not None), default=BEGINNING))


def snapshot(row: Resource, parent: Address | None) -> dict[str, Any]:
    """A resource as history shows it."""
    return {
        "applicationId": row.application_id,
        "resourceType": row.type,
        "resourceId": row.key,
        "name": row.name,
        "description": row.description,
        "icon": row.icon,
        "privileges": list(row.privileges),
        "parent": {"type": parent[0], "id": parent[1]} if parent is not None else None,
    }


def record(place: Place, action: str, changes: Sequence[history.Change]) -> None:
    """In the tenant's history alone: what an organization keeps is not its provider's to read.

    Of many at once it names the addresses: an application must not bury what others did.
    """
    if len(changes) > MOST_ROWS:
        changes = [_together(place, changes)]
    if changes:
        history.record_each(action=action, tenant=place.tenant, by=place.by, at=place.at, changes=changes)


def _together(place: Place, changes: Sequence[history.Change]) -> history.Change:
    def addresses(sides: Iterable[Mapping[str, Any] | None]) -> dict[str, Any] | None:
        named = [(side["resourceType"], side["resourceId"]) for side in sides if side is not None]
        return {"resources": [_named(each) for each in named]} if named else None

    application = place.application
    subject = ("application", application.id, application.display_name)
    before, after = (each.before for each in changes), (each.after for each in changes)
    return history.Change(subject, addresses(before), addresses(after))


def require_pace(place: Place) -> None:
    """Whoever provides an application must not fill the organization's history, nor hold it all the time."""
    wait = history.wait_for(MOST_AN_HOUR, tenant=place.tenant, by=place.by, at=place.at, within=HOUR)
    if wait is not None:
        text = said(
            "It did %(most_an_hour)s things in this organization within an hour. Put many at once.",
            {"most_an_hour": MOST_AN_HOUR},
        )
        raise TooFast(text, data={"retryAfter": max(1, ceil(wait.total_seconds()))})


def tell(
    place: Place,
    *,
    added: Sequence[Address] = (),
    changed: Sequence[Address] = (),
    removed: Sequence[Address] = (),
) -> None:
    """To the tenant whose they are. It names the application, so that its ACL is known to have moved."""
    moved = {"added": added, "changed": changed, "removed": removed}
    emit(
        type="resource.changed",
        tenant_id=place.tenant.id,
        application_id=place.application.id,
        subject=place.application.id,
        at=place.at,
        data={
            "applicationId": place.application.id,
            "tenantId": str(place.tenant.id),
            **{name: [_named(address) for address in found] for name, found in moved.items()},
        },
    )


def _named(address: Address) -> dict[str, str]:
    return {"resourceType": address[0], "resourceId": address[1]}


def subject_of(row: Resource) -> tuple[str, object, str]:
    return "resource", row.id, row.name


def address_of(row: Resource) -> Address:
    return row.type, row.key
