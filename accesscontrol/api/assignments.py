"""Assignments by REST: list, give, take."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from accesscontrol.serializers.assignments import AssignmentIn, AssignmentOut, AssignmentPage
from iam_portal.decision import rfc3339
from tenants.creating import creates
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, uuid_of
from tenants.schema import AT, PAGE


class Assignments(TenantAPI):
    """The tenant's assignments that are true at the moment or later."""

    permissions = {"GET": "Roles:read", "POST": "Roles:modify"}

    @extend_schema(parameters=[*PAGE, AT], responses=AssignmentPage, operation_id="assignments_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the order of their ids."""
        limit = page_size(request) or 50
        rows = Assignment.objects.not_over(self.moment()).filter(tenant_id=self.kwargs["tenant_id"])
        if cursor := cursor_of(request):
            rows = rows.filter(id__gt=uuid_of(cursor[0], "cursor"))
        page = list(rows.select_related("application_role", "tenant_role").order_by("id")[: limit + 1])
        following = next_page(request, [str(page[limit - 1].id)]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(request=AssignmentIn, responses={201: AssignmentOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Give a role to a user, a group or an application of this tenant."""
        body = self.read(AssignmentIn)
        principal, role = body["principal"], body["role"]
        wanted = assignments.Wanted(
            role=role["key"],
            application_id=role.get("applicationId"),
            user_id=principal.get("userId"),
            group_id=principal.get("groupId"),
            principal_application_id=principal.get("applicationId"),
            contract_id=body.get("contractId"),
            starts_at=body.get("from"),
            ends_at=body.get("until"),
        )
        row = assignments.assign(tenant=self.tenant, wanted=wanted, by=self.actor, at=self.at)
        return Response(_shape(row), status=201)


class OneAssignment(TenantAPI):
    """One assignment."""

    permissions = {"DELETE": "Roles:modify"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, assignment_id: UUID, **kwargs: Any) -> Response:
        """End it now."""
        assignments.withdraw(tenant=self.tenant, assignment_id=assignment_id, by=self.actor, at=self.at)
        return Response(status=204)


def _shape(row: Assignment) -> dict[str, Any]:
    principal = {"userId": row.user_id, "groupId": row.group_id, "applicationId": row.application_id}
    role: dict[str, str] = {}
    if row.application_role is not None:
        role = {"applicationId": row.application_role.application_id, "key": row.application_role.key}
    elif row.tenant_role is not None:
        role = {"key": row.tenant_role.key}
    return {
        "assignmentId": str(row.id),
        "principal": {key: str(value) for key, value in principal.items() if value is not None},
        "role": role,
        "contractId": str(row.contract_id) if row.contract_id else None,
        "from": rfc3339(row.during.lower),
        "until": rfc3339(row.during.upper),
    }
