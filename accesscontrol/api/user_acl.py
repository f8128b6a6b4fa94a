"""The user ACL: what the person of a token may do now in the application that the token is for."""

from typing import Any, cast

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import facts as load
from accesscontrol import personal
from accesscontrol.oauth.people import SignedIn
from accesscontrol.oauth.user_tokens import UserTokenAuthentication
from accesscontrol.oauth.userinfo import ANYBODY, PREFLIGHT
from accesscontrol.serializers.acl import UserAclOut
from applications import facts as sharing_facts
from iam_portal.decision import rfc3339
from iam_portal.replying import Replying
from iam_portal.walls import tenant_scope


class UserAcl(Replying):
    """Takes a user's access token and nothing else: no session, no service token."""

    authentication_classes = [UserTokenAuthentication]
    permission_classes = []

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any page may ask, as at userinfo: only the token counts, and no cookie is looked at."""
        response = super().dispatch(request, *args, **kwargs)
        for name, value in ANYBODY.items():
            response[name] = value
        return response

    @extend_schema(responses=UserAclOut, operation_id="user_acl_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What the person may do now, by the roles that the token carries; decided at this moment.

        Where he works on another organization's data, `owningTenantId` says whose.
        """
        if request.user is None:
            raise NotAuthenticated
        found, at = cast(SignedIn, request.user), timezone.now()
        row = found.authorization
        application_id = row.client.application_id
        with tenant_scope(row.tenant_id):
            sharing = sharing_facts.of_application(application_id, tenant_id=row.tenant_id)
            book = load.books([application_id], tenant_id=row.tenant_id)[application_id]
            resources = personal.entries(found.roles, sharing, book, at=at) if sharing is not None else []
        body = {
            "applicationId": application_id,
            "tenantId": str(row.tenant_id),
            "userId": str(row.user_id),
            "generatedAt": rfc3339(at),
            "resources": resources,
        }
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """The preflight of a page that will send the token."""
        return Response(status=204, headers=PREFLIGHT)
