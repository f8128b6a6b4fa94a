"""Technical accounts: never among the users, found at their own address."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications.models import ServiceAccount
from applications.serializers.service_accounts import ServiceAccountOut
from iam_portal.errors import NotFound
from tenants.rest import TenantAPI


class OneServiceAccount(TenantAPI):
    """The ``sub`` of service tokens."""

    permissions = {"GET": "Users:read"}

    @extend_schema(responses=ServiceAccountOut, operation_id="service_accounts_read")
    def get(self, request: Request, account_id: UUID, **kwargs: Any) -> Response:
        """Which application it is; in this tenant only, so that an id tells nothing of another."""
        found = ServiceAccount.objects.filter(tenant_id=self.kwargs["tenant_id"], id=account_id).first()
        if found is None:
            raise NotFound
        return Response(
            {
                "serviceAccountId": str(found.id),
                "applicationId": found.application_id,
                "tenantId": str(found.tenant_id),
            }
        )
