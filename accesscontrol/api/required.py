"""The drift report: roles that available applications require of others, and how they stand."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import drift
from accesscontrol.decide import STATES
from accesscontrol.drift import Required
from accesscontrol.serializers.required import RequiredPage
from applications.models import Contract
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Permission, require
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, uuid_of
from tenants.schema import AT, PAGE, query

APPLICATION = query("applicationId", "Only what this application requires.")
CONTRACT = query(
    "contractId",
    "What applications of this provision contract require, as from its start on; it may still be proposed.",
    OpenApiTypes.UUID,
)
STATE = query("state", "Only those that stand so.", enum=list(STATES))


class RequiredRoles(TenantAPI):
    """An open one is closed by ``POST …/assignments`` with the application as its principal."""

    permissions = {"GET": "Roles:read"}

    @extend_schema(
        parameters=[*PAGE, AT, APPLICATION, CONTRACT, STATE],
        responses=RequiredPage,
        operation_id="required_roles_list",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """By application, then by the role that it requires. ``contractId`` needs ProvisionContracts:read."""
        state, limit = request.query_params.get("state"), page_size(request) or 50
        if state is not None and state not in STATES:
            raise Invalid(f"state is one of {', '.join(STATES)}.")
        lines = drift.report(
            tenant=self.tenant,
            actor=self.actor,
            at=self.moment(),
            now=self.at,
            application_id=request.query_params.get("applicationId"),
            contract=self._contract(request),
        )
        if cursor := cursor_of(request):
            lines = [line for line in lines if list(line.key) > cursor]
        found = [line for line in lines if state in (None, line.met.state)]
        following = next_page(request, found[limit - 1].key) if len(found) > limit else None
        return Response({"items": [_shape(line) for line in found[:limit]], "next": following})

    def _contract(self, request: Request) -> Contract | None:
        """The contract of the query: the tenant receives it, and the actor may read it."""
        text = request.query_params.get("contractId")
        if text is None:
            return None
        tenant_id = self.kwargs["tenant_id"]
        permission = Permission.parse("ProvisionContracts:read")
        require(actor=self.actor, tenant_id=tenant_id, permission=permission, at=self.at)
        found = drift.received(tenant_id, uuid_of(text, "contractId"))
        if found is None:
            raise NotFound
        return found


def _shape(line: Required) -> dict[str, Any]:
    asked = line.requirement
    return {
        "applicationId": asked.application_id,
        "name": line.application,
        "requires": {
            "applicationId": asked.wanted_application,
            "name": line.wanted,
            "role": asked.wanted_role,
        },
        "since": rfc3339(line.since),
        "state": line.met.state,
        "reasons": [reason.as_json() for reason in line.met.decision.reasons],
        "mayGrant": {
            "allowed": line.may_grant.allowed,
            "reasons": [reason.as_json() for reason in line.may_grant.reasons],
        },
    }
