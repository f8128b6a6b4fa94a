"""The access review by REST: a page of JSON, or all of it as CSV."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.decide import AssignmentFact, Permission
from accesscontrol.http import CsvRenderer
from accesscontrol.review import USER, Change, review
from accesscontrol.serializers.review import ReviewPage
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid
from iam_portal.gate import Privilege
from tenants.rest import TenantAPI, cursor_of, next_page, page_size
from tenants.schema import AT, PAGE, query

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ORDER = [privilege.value for privilege in Privilege]
APPLICATION = query("applicationId", "The application that is reviewed.", required=True)
COMPARE = query("compareWith", "Only what is not the same at this moment, RFC 3339.", OpenApiTypes.DATETIME)
COLUMNS = (
    "change",
    "kind",
    "id",
    "name",
    "applicationId",
    "role",
    "urn",
    "owningTenantId",
    "relation",
    "contractId",
    "through",
    "permissions",
)


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
        found = review(tenant=self.tenant, application_id=application_id, since=min(at, other or at))
        changes: Sequence[Change] = (
            [Change("", line, line.permissions) for line in found.lines(at)]
            if other is None
            else found.changes(at, other)
        )
        if isinstance(request.accepted_renderer, CsvRenderer):
            rows = [_row(change, application_id) for change in changes]
            name = f'attachment; filename="access-review-{application_id}.csv"'
            return Response({"columns": COLUMNS, "rows": rows}, headers={"Content-Disposition": name})
        body: dict[str, Any] = {"applicationId": application_id, "at": rfc3339(at)}
        if other is not None:
            body["compareWith"] = rfc3339(other)
        return Response({**body, **_page(request, changes)})


def _page(request: Request, changes: Sequence[Change]) -> dict[str, Any]:
    limit = page_size(request) or 50
    if cursor := cursor_of(request):
        changes = [change for change in changes if change.line.key > tuple(cursor)]
    page = changes[:limit]
    following = next_page(request, page[-1].line.key) if len(changes) > limit else None
    return {"items": [_shape(change) for change in page], "next": following}


def _shape(change: Change) -> dict[str, Any]:
    line = change.line
    compared: dict[str, Any] = {}
    if change.what:
        compared = {"change": change.what, "permissionsBefore": _permissions(change.before)}
    return {
        "principal": {"userId" if line.kind == USER else "applicationId": line.principal_id},
        "name": line.name,
        "role": line.role.key,
        "urn": line.role.urn,
        "owningTenantId": line.role.scope_tenant_id,
        "relation": line.role.relation,
        "contractId": line.role.contract_id,
        "through": [_through(way) for way in line.through],
        "permissions": _permissions(line.permissions),
        **compared,
    }


def _through(way: AssignmentFact) -> dict[str, Any]:
    found: dict[str, Any] = {
        "assignmentId": way.id,
        "by": way.by,
        "since": rfc3339(way.span.start),
        "until": rfc3339(way.span.end),
    }
    if way.via is not None:
        found |= {"groupId": way.via.group_id, "groupName": way.via.group_name}
    return found


def _permissions(permissions: Iterable[Permission]) -> list[dict[str, Any]]:
    by_resource: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, key, privilege in permissions:
        by_resource[kind, key].append(privilege)
    return [
        {"resourceType": kind, "resourceId": key, "privileges": sorted(held, key=_ORDER.index)}
        for (kind, key), held in sorted(by_resource.items())
    ]


def _row(change: Change, application_id: str) -> list[object]:
    line = change.line
    through = [way.via.group_name if way.via else "directly" for way in line.through]
    permissions = [
        f"{each['resourceType']}/{each['resourceId']}:{','.join(each['privileges'])}"
        for each in _permissions(line.permissions)
    ]
    return [
        change.what,
        line.kind,
        line.principal_id,
        line.name,
        application_id,
        line.role.key,
        line.role.urn,
        line.role.scope_tenant_id,
        line.role.relation,
        line.role.contract_id,
        "; ".join(dict.fromkeys(through)),
        "; ".join(permissions),
    ]
