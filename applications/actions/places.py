"""Where resources stand and what they offer, from a moment on. What was before stays, to be asked about.

Each by a fixed number of statements. The caller holds the application, and crosses tenants where it must.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from applications.models import Resource, ResourcePlace
from applications.models.resources import Placed
from tenants.models import since, still_open

_REFERENCES = ["resource", "owner_tenant", "parent"]


def standing(rows: Placed, *, at: datetime) -> list[Resource]:
    """Those that are there at the moment, each with its place. Two statements, put together here.

    A planner that takes the tables for empty joins them by looking through all places for each resource.
    """
    found = {row.id: row for row in rows.at(at)}
    places = ResourcePlace.objects.at(at).filter(resource__in=list(found))
    stand = []
    for resource_id, privileges, parent_id in places.values_list("resource", "privileges", "parent"):
        row = found[resource_id]
        row.privileges, row.parent_id = privileges, parent_id
        stand.append(row)
    return stand


def begin(rows: Sequence[Resource], *, at: datetime) -> None:
    """Each stands where its ``parent_id`` says and offers its ``privileges``; it stood nowhere before."""
    _begin([(row, row.parent_id, row.privileges) for row in rows], at)


def move(rows: Sequence[Resource], *, at: datetime) -> None:
    """The same for what stood somewhere until now."""
    end([row.id for row in rows], at=at)
    begin(rows, at=at)


def end(resource_ids: Collection[UUID], *, at: datetime) -> None:
    """They are nowhere any more."""
    ResourcePlace.objects.filter(resource__in=resource_ids).close(at)


def carry(former: Resource, heir: Resource, *, at: datetime) -> None:
    """What stands in the one stands in the other from now on, in every tenant."""
    inside = ResourcePlace.objects.filter(still_open(), parent=former).select_related("resource")
    rows = list(inside.order_by("id"))
    ResourcePlace.objects.filter(id__in=[row.id for row in rows]).close(at)
    _begin([(row.resource, heir.id, row.privileges) for row in rows], at)


def _begin(places: Sequence[tuple[Resource, UUID | None, list[str]]], at: datetime) -> None:
    fresh = [
        ResourcePlace(
            resource=row,
            owner_tenant_id=row.owner_tenant_id,
            parent_id=parent_id,
            privileges=list(privileges),
            during=since(at),
        )
        for row, parent_id, privileges in places
    ]
    for place in fresh:
        place.clean_fields(exclude=_REFERENCES)
    ResourcePlace.objects.bulk_create(fresh, batch_size=5000)
