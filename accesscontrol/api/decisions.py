"""Decisions by REST: may a principal do something, why, and what would have to change."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import facts, questions
from accesscontrol.serializers.decisions import DecisionIn, DecisionOut
from iam_portal.decision import rfc3339
from tenants.rest import TenantAPI


class Decisions(TenantAPI):
    """Nothing is changed or recorded: it is a question that has a body."""

    permissions = {"POST": "Roles:read"}

    @extend_schema(request=DecisionIn, responses=DecisionOut)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """May the principal do it, now or at ``at``?

        ``reasons`` is the chain: available, role granted, assigned, contained; for a no the links that broke.
        ``wouldNeed`` is what would have to change, all of it; nothing is listed when nothing could.
        """
        body = self.read(DecisionIn)
        who, tenant, at = body["principal"], self.tenant, body.get("at", self.at)
        asked = questions.Asked(
            tenant=tenant,
            principal=facts.Principal(
                tenant.id,
                user_id=who.get("userId"),
                application_id=who.get("applicationId"),
                group_id=who.get("groupId"),
            ),
            application_id=body["applicationId"],
            type=body["resourceType"],
            key=body["resourceId"],
            privilege=body["privilege"],
            owning_tenant_id=body.get("owningTenantId"),
        )
        told = questions.answer(asked, at=at)
        return Response(
            {
                "allowed": told.decision.allowed,
                "reasons": [reason.as_json() for reason in told.decision.reasons],
                "at": rfc3339(at),
                "wouldNeed": [need.as_json() for need in told.needs],
            }
        )
