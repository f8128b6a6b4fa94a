"""A copy of all that is kept about a person, by REST."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.gate import Permission, gate
from tenants.actions import exporting
from tenants.actions.exporting import Record
from tenants.rest import NothingIn, TenantAPI
from tenants.serializers.copies import PersonCopyOut

_RECORD = Permission.parse("ActivityLog:read")


class CopyOfUser(TenantAPI):
    """For whoever answers a person who asks what is kept about him."""

    permissions = {"POST": "Users:execute"}
    recent = frozenset({"POST"})
    takes_row = False

    @extend_schema(request=None, responses=PersonCopyOut, operation_id="users_export")
    def post(self, request: Request, user_id: UUID, **kwargs: Any) -> Response:
        """Also of a deleted person, as far as something is kept. The record has who took it.

        What the person did is in `history` only for who may read the activity log, and the newest 10,000
        rows of it; `historyComplete` tells. Secrets are not in it, nor their digests.
        """
        self.read(NothingIn)
        self.revision()  # there is none to name
        asked: dict[str, Any] = {"actor": self.actor, "tenant_id": self.tenant.id, "at": self.at}
        acts = Record.NEWEST if gate().decide(permission=_RECORD, **asked) else Record.NOTHING
        given: dict[str, Any] = {"by": self.actor, "at": self.at, "record_of_acts": acts}
        told = exporting.export(tenant=self.tenant, user_id=user_id, **given)
        return Response(told, headers={"Cache-Control": "private, no-store"})
