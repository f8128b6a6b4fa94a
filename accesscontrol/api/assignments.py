"""Assignments by REST: list, give, take."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from accesscontrol.serializers.assignments import (
    AssignmentIn,
    AssignmentOut,
    AssignmentPage,
    BatchIn,
    BatchOf,
    BatchOut,
)
from iam_portal import problem as problems
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError
from tenants import history
from tenants.creating import creates
from tenants.models import Tenant
from tenants.rest import TenantAPI, cursor_of, named, next_page, page_size, uuid_of
from tenants.schema import AT, PAGE, query

USER = query("userId", "Only those of this user, given directly.", UUID)
GROUP = query("groupId", "Only those of this group itself.", UUID)
SERVICE = query("principalApplicationId", "Only those of this application as a principal.")
APPLICATION = query("applicationId", "Only roles that this application declares.")
ROLE = query("role", "Only roles of this key.")
CONTRACT = query("contractId", "Only roles held through this access contract.", UUID)
_BY_ID = {"userId": "user_id", "groupId": "group_id", "contractId": "contract_id"}
_BY_NAME = {"principalApplicationId": "application_id", "applicationId": "application_role__application_id"}


class Assignments(TenantAPI):
    """The tenant's assignments that are true at the moment or later."""

    permissions = {"GET": "Roles:read", "POST": "Roles:modify"}
    recent = frozenset({"POST"})

    @extend_schema(
        parameters=[USER, GROUP, SERVICE, APPLICATION, ROLE, CONTRACT, *PAGE, AT],
        responses=AssignmentPage,
        operation_id="assignments_list",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the order of their ids. Each filter narrows what the others left."""
        limit = page_size(request) or 50
        rows = Assignment.objects.not_over(self.moment()).filter(
            _chosen(request), tenant_id=self.kwargs["tenant_id"]
        )
        if cursor := cursor_of(request):
            rows = rows.filter(id__gt=uuid_of(cursor[0], "cursor"))
        page = list(rows.select_related("application_role", "tenant_role").order_by("id")[: limit + 1])
        following = next_page(request, [str(page[limit - 1].id)]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(request=AssignmentIn, responses={201: AssignmentOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Give a role to a user, a group or an application of this tenant."""
        wanted = _wanted(self.read(AssignmentIn))
        row = assignments.assign(tenant=self.tenant, wanted=wanted, by=self.actor, at=self.at)
        return Response(_shape(row), status=201)


class AssignmentBatch(TenantAPI):
    """Many assignments, each for itself."""

    permissions = {"POST": "Roles:modify"}
    recent = frozenset({"POST"})

    @creates
    @extend_schema(request=BatchIn, responses=BatchOut, operation_id="assignments_batch")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """At most 500, in the order given: each is made as a whole or refused as a whole.

        The answer has a result for each in the same order. A refusal of one leaves the others as they are.
        """
        items = self.read(BatchOf)["items"]
        tenant = self.tenant
        return Response({"items": [self._one(tenant, item) for item in items]})

    def _one(self, tenant: Tenant, item: Any) -> dict[str, Any]:
        try:
            made = AssignmentIn(data=item)
            made.is_valid(raise_exception=True)
            wanted = _wanted(made.validated_data)
            row = assignments.assign(tenant=tenant, wanted=wanted, by=self.actor, at=self.at)
        except (DomainError, ValidationError, APIException) as refusal:
            # The action took its savepoint back; what history says of the refusal itself is written now.
            history.record_refusal(refusal)
            problem = problems.of(refusal)
            return {"status": problem["status"], "assignment": None, "problem": problem}
        return {"status": 201, "assignment": _shape(row), "problem": None}


class OneAssignment(TenantAPI):
    """One assignment."""

    permissions = {"DELETE": "Roles:modify"}
    recent = frozenset({"DELETE"})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, assignment_id: UUID, **kwargs: Any) -> Response:
        """End it now."""
        assignments.withdraw(tenant=self.tenant, assignment_id=assignment_id, by=self.actor, at=self.at)
        return Response(status=204)


def _chosen(request: Request) -> Q:
    asked, chosen = request.query_params, Q()
    for name, column in _BY_ID.items():
        if name in asked:
            chosen &= Q(**{column: uuid_of(asked[name], name)})
    for name, column in _BY_NAME.items():
        if name in asked:
            chosen &= Q(**{column: named(request, name)})
    if "role" in asked:
        key = named(request, "role")
        chosen &= Q(application_role__key=key) | Q(tenant_role__key=key)
    return chosen


def _wanted(body: dict[str, Any]) -> assignments.Wanted:
    principal, role = body["principal"], body["role"]
    return assignments.Wanted(
        role=role["key"],
        application_id=role.get("applicationId"),
        user_id=principal.get("userId"),
        group_id=principal.get("groupId"),
        principal_application_id=principal.get("applicationId"),
        contract_id=body.get("contractId"),
        starts_at=body.get("from"),
        ends_at=body.get("until"),
    )


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
