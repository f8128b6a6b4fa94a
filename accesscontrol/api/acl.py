"""Read Application ACL: the calling application reads its own."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import acl
from accesscontrol.serializers.acl import AclOut
from applications.models import Application
from tenants.rest import OwnApplicationAPI, uuid_of
from tenants.schema import query

OWNER = query("tenantId", "Only the resources of this tenant.", OpenApiTypes.UUID)


class ApplicationAcl(OwnApplicationAPI):
    """Needs nothing but the application's own credentials, or its service token for the portal."""

    @extend_schema(parameters=[OWNER], responses={200: AclOut, 304: None})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Complete or an error. A strong ``ETag``; ``If-None-Match`` answers 304. ``tenantId`` one owner."""
        application = Application.objects.get(id=self.application_id)
        at = timezone.now()
        found = acl.snapshot(application, at=at)
        etag = f'"acl-{application.id}-{found.revision}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        body = found.as_json()
        if wanted := request.query_params.get("tenantId"):
            tenant_id = str(uuid_of(wanted, "tenantId"))
            body["resources"] = [e for e in found.resources if e["owningTenantId"] == tenant_id]
            headers["ETag"] = etag = f'"acl-{application.id}-{found.revision}-{tenant_id}"'
        if etag in _known(request):
            return Response(status=304, headers=headers)
        return Response(body, headers=headers)


def _known(request: Request) -> set[str]:
    """The tags that the caller has (RFC 9110 §13.1.2); a weak tag never equals a strong one here."""
    header = request.headers.get("If-None-Match", "")
    return {tag.strip() for tag in header.split(",")}
