"""Tokens by which a directory keeps people and groups here: listed, made, revoked."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import scim_tokens
from accesscontrol.serializers.scim_tokens import ScimTokenIn, ScimTokenList, ScimTokenMade
from iam_portal.decision import rfc3339
from tenants.creating import creates
from tenants.models import ScimToken
from tenants.rest import TenantAPI

YEAR = timedelta(days=365)
NO_STORE = {"Cache-Control": "no-store"}


class ScimTokens(TenantAPI):
    """The tokens of the tenant."""

    permissions = {"GET": "Users:read", "POST": "Users:add"}
    recent = frozenset({"POST"})

    @extend_schema(responses=ScimTokenList, operation_id="scim_tokens_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The living ones, oldest first; never a value."""
        rows = self.tenant.scim_tokens.not_over(self.at).select_related("made_by").order_by("during", "id")
        return Response({"items": [_shape(row) for row in rows], "next": None})

    @creates
    @extend_schema(request=ScimTokenIn, responses={201: ScimTokenMade}, operation_id="scim_tokens_create")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """A token that may, at the SCIM doors of this organization, what its maker may at each moment.

        A person makes it, who holds all on Users and Groups. The value stands in this reply only.
        """
        body = self.read(ScimTokenIn)
        row, value = scim_tokens.make(
            tenant=self.tenant,
            note=body["note"],
            welcome=body["welcome"],
            expires_at=body["expiresAt"] or self.at + YEAR,
            by=self.actor,
            at=self.at,
        )
        reply = {**_shape(row), "token": value, "baseUrl": scim_tokens.address(self.tenant.pk)}
        return Response(reply, status=201, headers=NO_STORE)


class OneScimToken(TenantAPI):
    """One of them."""

    permissions = {"DELETE": "Users:modify"}

    @extend_schema(responses={204: None}, operation_id="scim_tokens_delete")
    def delete(self, request: Request, token_id: UUID, **kwargs: Any) -> Response:
        """It opens nothing any more."""
        scim_tokens.revoke(tenant=self.tenant, token_id=token_id, by=self.actor, at=self.at)
        return Response(status=204)


def _shape(row: ScimToken) -> dict[str, Any]:
    return {
        "tokenId": str(row.id),
        "note": row.note,
        "welcome": row.welcome,
        "hint": row.hint,
        "madeBy": str(row.made_by),
        "createdAt": rfc3339(row.during.lower),
        "expiresAt": rfc3339(row.during.upper),
        "lastUsedAt": rfc3339(row.last_used_at),
    }
