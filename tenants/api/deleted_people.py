"""What a tenant keeps of people who are deleted, by REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.actions import keeping
from tenants.models import Kept, Tenant
from tenants.rest import TenantAPI, with_revision
from tenants.serializers.people import DeletedPeopleIn, DeletedPeopleOut


class DeletedPeople(TenantAPI):
    """Whether history keeps the names of people who are deleted, or a pseudonym in their place."""

    permissions = {"GET": "Configuration:read", "PATCH": "Configuration:modify"}

    @extend_schema(responses=DeletedPeopleOut, operation_id="deleted_people_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """As it is."""
        return _answer(self.tenant)

    @extend_schema(request=DeletedPeopleIn, responses=DeletedPeopleOut, operation_id="deleted_people_change")
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """For deletions from now on. Takes the revision in ``If-Match`` when one is sent."""
        keeps = Kept(self.read(DeletedPeopleIn)["historyKeeps"])
        given: dict[str, Any] = {"tenant": self.tenant, "by": self.actor, "at": self.at}
        return _answer(keeping.choose(**given, keeps=keeps, revision=self.revision()))


def _answer(row: Tenant) -> Response:
    body = {"historyKeeps": row.history_keeps, "revision": f"r-{row.revision}"}
    return with_revision(body, row.revision)
