"""Which roles ask for a second factor, by REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import second_factors
from accesscontrol.serializers.second_factors import SecondFactorsIn, SecondFactorsOut
from tenants.actions.steps import EVERYBODY
from tenants.models import Tenant
from tenants.rest import MOST, TenantAPI, with_revision


class SecondFactors(TenantAPI):
    """Who signs in with a second factor: a passkey or an authenticator app besides the password."""

    permissions = {"GET": "Configuration:read", "PUT": "Configuration:modify"}
    recent = frozenset({"PUT"})

    @extend_schema(responses=SecondFactorsOut, operation_id="second_factors_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With the people who will have to set one up."""
        return self._answer(self.tenant)

    @extend_schema(request=SecondFactorsIn, responses=SecondFactorsOut, operation_id="second_factors_choose")
    def put(self, request: Request, **kwargs: Any) -> Response:
        """Counts at the next sign-in; nobody is signed out. Takes the revision in ``If-Match``."""
        body = self.read(SecondFactorsIn)
        roles = [f"{role.get('applicationId', '')}/{role['key']}" for role in body["roles"]]
        if body["everybody"]:
            roles.append(EVERYBODY)
        row = second_factors.choose(
            tenant=self.tenant, roles=roles, by=self.actor, at=self.at, revision=self.revision()
        )
        return self._answer(row)

    def _answer(self, row: Tenant) -> Response:
        roles = row.second_factor_roles
        people = second_factors.asked(tenant=row, roles=roles, at=self.at, most=MOST)
        count = len(people)
        if count == MOST:
            count = second_factors.count(tenant=row, roles=roles, at=self.at)
        body = {
            "everybody": EVERYBODY in roles,
            "roles": [_shape(role) for role in roles if role != EVERYBODY],
            "asked": {
                "count": count,
                "items": [{"userId": str(user_id), "name": name} for user_id, name in people],
            },
            "revision": f"r-{row.revision}",
        }
        return with_revision(body, row.revision)


def _shape(role: str) -> dict[str, str]:
    application_id, _, key = role.partition("/")
    return {"applicationId": application_id, "key": key} if application_id else {"key": key}
