"""Questions by REST: may a principal do something, and what would a token say.

Nothing is changed or recorded.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import facts, questions
from accesscontrol.oauth.preview import Wish, preview
from accesscontrol.serializers.decisions import DecisionIn, DecisionOut, PreviewIn, PreviewOut
from iam_portal.decision import rfc3339
from tenants.rest import TenantAPI


class Decisions(TenantAPI):
    """Who may do what."""

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


class TokenPreview(TenantAPI):
    """What the token endpoint would answer."""

    permissions = {"POST": "Roles:read"}

    @extend_schema(request=PreviewIn, responses=PreviewOut)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """The claims of the token, or the error and its reasons, now or at ``at``; nothing is issued.

        Without `target`, what the client gets that names none. `jti`, `sid` and `cnf` belong to a token that
        was issued, and so does the `sub` of a service that never had one here. Of an exchange the subject's
        token is taken as issued at that moment, for the client's application.
        """
        body = self.read(PreviewIn)
        wish = Wish(
            client_id=body["clientId"],
            grant=body["grant"],
            target=body.get("target", ""),
            scope=body["scope"],
            user_id=body.get("userId"),
            subject_application_id=body.get("subjectApplicationId"),
        )
        return Response(preview(wish, tenant=self.tenant, at=body.get("at", self.at)))
