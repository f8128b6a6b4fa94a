"""Resources that roles of the tenant can be made of."""

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import tenant_roles
from accesscontrol.serializers.resources import ResourcePage
from applications.models import Availability, Resource
from applications.models.applications import PORTAL_ID
from iam_portal.errors import Invalid
from iam_portal.gate import Privilege
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, searched, uuid_of
from tenants.schema import AT, PAGE, SEARCH, query

APPLICATION = query("applicationId", "Only those of this application.")
_ORDER = ("application_id", "type", "key", "id")


class Resources(TenantAPI):
    """What is granted to the tenant as owned or by provision, and its own dynamic ones."""

    permissions = {"GET": "Roles:read"}

    @extend_schema(
        parameters=[*PAGE, AT, SEARCH, APPLICATION], responses=ResourcePage, operation_id="resources_list"
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """By application, type and id. Access contracts add nothing."""
        at, tenant_id, limit = self.moment(), self.kwargs["tenant_id"], page_size(request) or 50
        available = Availability.objects.at(at).filter(tenant_id=tenant_id).exclude(relation="access")
        applications = {PORTAL_ID, *available.values_list("application_id", flat=True)}
        if (wanted := request.query_params.get("applicationId")) is not None:
            applications &= {wanted}
        held: dict[tuple[str, str, str], set[str]] = {}
        for *address, privilege in tenant_roles.available_here(self.tenant, applications, at):
            held.setdefault((address[0], address[1], address[2]), set()).add(privilege)
        living = Resource.objects.placed(at).filter(application_id__in=applications)
        static = living.filter(owner_tenant=None).values_list("id", "application_id", "type", "key")
        granted = [pk for pk, *address in static if tuple(address) in held]
        rows = living.filter(Q(id__in=granted) | Q(owner_tenant_id=tenant_id))
        if text := searched(request):
            rows = rows.filter(Q(key__icontains=text) | Q(name__icontains=text))
        page = list(_after(rows, cursor_of(request)).order_by(*_ORDER)[: limit + 1])
        following = None
        if len(page) > limit:
            following = next_page(request, [str(getattr(page[limit - 1], name)) for name in _ORDER])
        return Response({"items": [_shape(row, held) for row in page[:limit]], "next": following})


def _after(rows: Any, cursor: list[str] | None) -> Any:
    """A static and a dynamic one may have the same address: the id tells them apart."""
    if cursor is None:
        return rows
    if len(cursor) != len(_ORDER):
        raise Invalid("The cursor is not one that was given out.")
    application, kind, key, _ = cursor
    here = {"application_id": application}
    same = Q(**here, type=kind, key=key, id__gt=uuid_of(cursor[3], "cursor"))
    return rows.filter(
        same
        | Q(**here, type=kind, key__gt=key)
        | Q(**here, type__gt=kind)
        | Q(application_id__gt=application)
    )


def _shape(row: Resource, held: dict[tuple[str, str, str], set[str]]) -> dict[str, Any]:
    dynamic = row.owner_tenant_id is not None
    offered = set(row.privileges)
    allowed = offered if dynamic else offered & held[row.application_id, row.type, row.key]
    return {
        "applicationId": row.application_id,
        "resourceType": row.type,
        "resourceId": row.key,
        "name": row.name,
        "description": row.description,
        "kind": "dynamic" if dynamic else "static",
        "privileges": [each.value for each in Privilege if each.value in allowed],
    }
