"""What passwords of a tenant must be, by REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import passwords
from tenants.actions import password_rules
from tenants.models import PASSWORD_LENGTHS, Tenant
from tenants.rest import TenantAPI, with_revision
from tenants.serializers.people import PasswordRulesIn, PasswordRulesOut


class PasswordRules(TenantAPI):
    """How long passwords of the tenant's people are at least; the other rules are the same everywhere."""

    permissions = {"GET": "Configuration:read", "PATCH": "Configuration:modify"}
    recent = frozenset({"PATCH"})

    @extend_schema(responses=PasswordRulesOut, operation_id="password_rules_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With its bounds."""
        return _answer(self.tenant)

    @extend_schema(request=PasswordRulesIn, responses=PasswordRulesOut, operation_id="password_rules_change")
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """For passwords that are set from now on. Takes the revision in ``If-Match`` when one is sent."""
        length = self.read(PasswordRulesIn)["length"]
        given: dict[str, Any] = {"tenant": self.tenant, "by": self.actor, "at": self.at}
        return _answer(password_rules.choose(**given, length=length, revision=self.revision()))


def _answer(row: Tenant) -> Response:
    least, most = PASSWORD_LENGTHS
    body = {
        "length": {
            "chosen": row.password_length,
            "inForce": passwords.least(row),
            "least": least,
            "most": most,
        },
        "revision": f"r-{row.revision}",
    }
    return with_revision(body, row.revision)
