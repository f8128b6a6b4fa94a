"""Resources that roles of the tenant can be made of."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.offered import After, Offered, offered
from accesscontrol.serializers.resources import ResourcePage
from iam_portal.errors import Invalid
from iam_portal.gate import Privilege
from tenants.rest import TenantAPI, cursor_of, named, next_page, page_size, searched, uuid_of
from tenants.schema import AT, PAGE, SEARCH, query

APPLICATION = query("applicationId", "Only those of this application.")


class Resources(TenantAPI):
    """What is granted to the tenant as owned or by provision, and its own dynamic ones."""

    permissions = {"GET": "Roles:read"}

    @extend_schema(
        parameters=[*PAGE, AT, SEARCH, APPLICATION], responses=ResourcePage, operation_id="resources_list"
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """By application, type and id. Access contracts add nothing."""
        limit = page_size(request) or 50
        only = named(request, "applicationId") if "applicationId" in request.query_params else None
        page = offered(
            self.kwargs["tenant_id"],
            at=self.moment(),
            most=limit + 1,
            application_id=only,
            text=searched(request),
            after=_after(cursor_of(request)),
        )
        following = None
        if len(page) > limit:
            last = page[limit - 1]
            following = next_page(request, [last.application_id, last.type, last.key, str(last.id)])
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})


def _after(cursor: list[str] | None) -> After | None:
    """A static and a dynamic one may have the same address: the id tells them apart."""
    if cursor is None:
        return None
    if len(cursor) != 4:
        raise Invalid("The cursor is not one that was given out.")
    application_id, kind, key, last = cursor
    return After(application_id, kind, key, uuid_of(last, "cursor"))


def _shape(row: Offered) -> dict[str, Any]:
    return {
        "applicationId": row.application_id,
        "resourceType": row.type,
        "resourceId": row.key,
        "name": row.name,
        "description": row.description,
        "kind": "dynamic" if row.dynamic else "static",
        "privileges": [each.value for each in Privilege if each.value in row.privileges],
    }
