"""Resources of a tenant's own, kept by the application that serves it, at its own doors."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions import resources
from applications.actions.resource_rows import Place
from applications.actions.resources import Wanted
from applications.models import Resource
from applications.placing import Address
from applications.serializers.resources import (
    OwnResource,
    OwnResourcePage,
    ResourceAddress,
    ResourceBody,
    ResourceItem,
    ResourceMany,
    ResourceManyOf,
    ResourceManyOut,
)
from applications.served import serves
from iam_portal import problem as problems
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Privilege
from tenants.creating import creates
from tenants.rest import (
    OwnApplicationAPI,
    TenantAPI,
    cursor_of,
    next_page,
    page_size,
    searched,
    with_revision,
)
from tenants.schema import PAGE, SEARCH, query

TYPE = query("type", "Only those of this type.")


class ServedTenantAPI(OwnApplicationAPI, TenantAPI):
    """A door of the calling application in a tenant that it serves as owner or by provision.

    Every other tenant is not there, whether it exists or not.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Asked of each request, also of one that only repeats another."""
        super().initial(request, *args, **kwargs)
        if not serves(self.application_id, tenant_id=kwargs["tenant_id"], at=self.at):
            raise NotFound

    @property
    def place(self) -> Place:
        """Where it acts."""
        application = self.request.user.application  # type: ignore[union-attr]
        return Place(application=application, tenant=self.tenant, by=self.actor, at=self.at)

    def rows(self) -> QuerySet[Resource]:
        """The tenant's own resources of this application."""
        own = Resource.objects.standing().filter(owner_tenant_id=self.kwargs["tenant_id"])
        above = {name: F(f"places__parent__{name}") for name in ("type", "key", "during")}
        named = {f"parent_{name}": column for name, column in above.items()}
        return own.filter(application_id=self.application_id).annotate(**named)


class OwnResources(ServedTenantAPI):
    """What the application keeps in the tenant."""

    @extend_schema(
        parameters=[*PAGE, SEARCH, TYPE], responses=OwnResourcePage, operation_id="own_resources_list"
    )
    def get(self, request: Request, tenant_id: UUID, **kwargs: Any) -> Response:
        """By type and id."""
        limit, rows = page_size(request) or 50, self.rows()
        if (kind := request.query_params.get("type")) is not None:
            rows = rows.filter(type=kind.replace("\x00", "")[:200])
        if text := searched(request):
            rows = rows.filter(Q(key__icontains=text) | Q(name__icontains=text))
        if (cursor := cursor_of(request)) is not None:
            if len(cursor) != 2:
                raise Invalid("The cursor is not one that was given out.")
            rows = rows.filter(Q(type=cursor[0], key__gt=cursor[1]) | Q(type__gt=cursor[0]))
        page = list(rows.order_by("type", "key")[: limit + 1])
        following = None
        if len(page) > limit:
            following = next_page(request, [page[limit - 1].type, page[limit - 1].key])
        return Response({"items": [_shape(row, _parent(row)) for row in page[:limit]], "next": following})


class OwnResourceMany(ServedTenantAPI):
    """Many at once, each for itself."""

    @creates
    @extend_schema(request=ResourceMany, responses=ResourceManyOut, operation_id="own_resources_batch")
    def post(self, request: Request, tenant_id: UUID, **kwargs: Any) -> Response:
        """Make these resources, or make them so: at most 500, in the order given.

        The answer has a result for each in the same order; a refusal of one leaves the others as they are.
        What contains a resource is there already, or stands before it in the list.
        """
        results: list[dict[str, Any]] = []
        wanted: dict[int, Wanted] = {}
        for place, item in enumerate(self.read(ResourceManyOf)["items"]):
            try:
                made = ResourceItem(data=item)
                made.is_valid(raise_exception=True)
                body = made.validated_data
                wanted[place] = _wanted((body["resourceType"], body["resourceId"]), body)
                results.append({})
            except (ValidationError, APIException) as refusal:
                results.append(_refused(refusal))
        outcomes = resources.put_many(self.place, list(wanted.values()))
        for (place, item), outcome in zip(wanted.items(), outcomes, strict=True):
            results[place] = _result(item, outcome)
        return Response({"items": results})


class OneOwnResource(ServedTenantAPI):
    """One of them."""

    @extend_schema(responses=OwnResource, operation_id="own_resources_read")
    def get(self, request: Request, resource_type: str, resource_id: str, **kwargs: Any) -> Response:
        """As it is now, with its revision as ``ETag``."""
        address = _address(resource_type, resource_id)
        row = self.rows().filter(type=address[0], key=address[1]).first()
        if row is None:
            raise NotFound
        return with_revision(_shape(row, _parent(row)), row.revision)

    @extend_schema(
        request=ResourceBody,
        responses={200: OwnResource, 201: OwnResource},
        operation_id="own_resources_put",
    )
    def put(self, request: Request, resource_type: str, resource_id: str, **kwargs: Any) -> Response:
        """Make the resource (201), or make it this one (200). Sent again, nothing is done again.

        What it does not offer any more is taken from the tenant's roles. ``If-Match`` takes its revision.
        """
        body = self.read(ResourceBody)
        wanted = _wanted(_address(resource_type, resource_id), body, self.revision())
        outcome = resources.put(self.place, wanted)
        assert outcome.row is not None
        shape = _shape(outcome.row, wanted.parent)
        return with_revision(shape, outcome.row.revision, 201 if outcome.made else 200)

    @extend_schema(responses={204: None}, operation_id="own_resources_end")
    def delete(self, request: Request, resource_type: str, resource_id: str, **kwargs: Any) -> Response:
        """End it now, and all that the tenant's roles hold on it. One that is not there is ended already.

        What it contained stands for itself from then on. Made again, it is another one, on which nobody holds
        anything.
        """
        address = _address(resource_type, resource_id)
        resources.end(self.place, address, revision=self.revision())
        return Response(status=204)


def _address(resource_type: str, resource_id: str) -> Address:
    """Of the path: what no resource can have is refused in words."""
    asked = {"resourceType": resource_type, "resourceId": resource_id}
    made = ResourceAddress(data=asked)
    made.is_valid(raise_exception=True)
    if made.validated_data != asked:  # a blank or a line's end beside it is not the same address
        raise Invalid("This is not how a resource is named.")
    return resource_type, resource_id


def _wanted(address: Address, body: dict[str, Any], revision: int | None = None) -> Wanted:
    parent, chosen = body["parent"], set(body["privileges"])
    return Wanted(
        address=address,
        name=body["name"],
        description=body["description"],
        icon=body["icon"],
        privileges=tuple(each.value for each in Privilege if each.value in chosen),
        parent=(parent["type"], parent["id"]) if parent is not None else None,
        revision=revision,
    )


def _result(wanted: Wanted, outcome: resources.Outcome) -> dict[str, Any]:
    if outcome.refusal is not None:
        return _refused(outcome.refusal)
    assert outcome.row is not None
    status = 201 if outcome.made else 200
    return {"status": status, "resource": _shape(outcome.row, wanted.parent), "problem": None}


def _refused(refusal: DomainError | ValidationError | APIException) -> dict[str, Any]:
    problem = problems.of(refusal)
    return {"status": problem["status"], "resource": None, "problem": problem}


def _parent(row: Any) -> Address | None:
    """What contains it, while that is there."""
    during = row.parent_during
    there = during is not None and during.upper is None and not during.isempty
    return (row.parent_type, row.parent_key) if there else None


def _shape(row: Resource, parent: Address | None) -> dict[str, Any]:
    return {
        "owningTenantId": str(row.owner_tenant_id),
        "resourceType": row.type,
        "resourceId": row.key,
        "name": row.name,
        "description": row.description,
        "icon": row.icon,
        "privileges": list(row.privileges),
        "parent": {"type": parent[0], "id": parent[1]} if parent is not None else None,
        "revision": f"r-{row.revision}",
    }
