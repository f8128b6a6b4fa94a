"""The access review by REST: a page of JSON, or all of it as CSV."""

import re
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.http import CsvRenderer
from accesscontrol.review import SERVICE, USER, Asked, Place, part, review
from accesscontrol.serializers.review import COLUMNS, ReviewPage, all_as_json, as_row
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid
from tenants.rest import TenantAPI, cursor_of, next_page, page_size
from tenants.schema import AT, PAGE, query

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
APPLICATION = query("applicationId", "The application that is reviewed.", required=True)
COMPARE = query("compareWith", "Only what is not the same at this moment, RFC 3339.", OpenApiTypes.DATETIME)


class AccessReview(TenantAPI):
    """Who can do what in an application."""

    permissions = {"GET": "Reports:read"}
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        parameters=[APPLICATION, AT, COMPARE, *PAGE],
        responses={
            (200, "application/json"): ReviewPage,
            (200, "text/csv"): OpenApiTypes.STR,
        },
        operation_id="access_review_read",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Each role that counts for a person or service of the tenant at the moment, and how it reaches them.

        With `compareWith`, what is gained, lost or changed from `at` to that moment. As `text/csv` it is
        complete; a cell that a spreadsheet would take for a formula begins with an apostrophe there.
        """
        application_id = request.query_params.get("applicationId", "")
        if not _ID.fullmatch(application_id):
            raise Invalid("applicationId is the id of an application.")
        at = self.moment()
        other = self.moment("compareWith") if "compareWith" in request.query_params else None
        if isinstance(request.accepted_renderer, CsvRenderer):
            found = review(tenant=self.tenant, application_id=application_id, since=min(at, other or at))
            rows = [as_row(change, application_id) for change in found.between(at, other)]
            name = f'attachment; filename="access-review-{application_id}.csv"'
            return Response({"columns": COLUMNS, "rows": rows}, headers={"Content-Disposition": name})
        body: dict[str, Any] = {"applicationId": application_id, "at": rfc3339(at)}
        if other is not None:
            body["compareWith"] = rfc3339(other)
        asked = Asked(tenant=self.tenant, application_id=application_id, at=at, other=other, rows_alone=True)
        return Response({**body, **_page(request, asked)})


def _page(request: Request, asked: Asked) -> dict[str, Any]:
    found = part(asked, after=_after(request), limit=page_size(request) or 50)
    following = next_page(request, found.last) if found.more else None
    return {"items": all_as_json(found.rows), "next": following}


def _after(request: Request) -> Place | None:
    """The place of the cursor; Invalid for one that no line has."""
    cursor = cursor_of(request)
    if cursor is None:
        return None
    if len(cursor) != 4 or cursor[0] not in (SERVICE, USER) or (cursor[0] == USER and not _is_id(cursor[1])):
        raise Invalid("The cursor is not one that was given out.")
    return tuple(cursor)


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
