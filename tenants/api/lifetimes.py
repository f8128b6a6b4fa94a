"""Life times of a tenant."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.actions import lifetimes
from tenants.lifetimes import Lifetime, bounds, lifetime
from tenants.models import Tenant
from tenants.rest import TenantAPI, with_revision
from tenants.serializers.lifetimes import LifetimesIn, LifetimesOut

FIELDS = {
    "accessTokenSeconds": Lifetime.ACCESS_TOKEN,
    "refreshIdleSeconds": Lifetime.REFRESH_IDLE,
    "offlineIdleSeconds": Lifetime.OFFLINE_IDLE,
    "sessionIdleSeconds": Lifetime.SESSION_IDLE,
    "sessionSeconds": Lifetime.SESSION,
    "proofSeconds": Lifetime.PROOF,
}
_NAMES = {f"/{of}": f"/{name}" for name, of in FIELDS.items()}


class Lifetimes(TenantAPI):
    """How long sessions and tokens of the tenant's people and services last, within what is allowed."""

    permissions = {"GET": "Configuration:read", "PATCH": "Configuration:modify"}
    recent = frozenset({"PATCH"})

    @extend_schema(responses=LifetimesOut, operation_id="lifetimes_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With their bounds."""
        return _answer(self.tenant)

    @extend_schema(request=LifetimesIn, responses=LifetimesOut, operation_id="lifetimes_change")
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Takes the revision in ``If-Match`` when one is sent (412 when somebody was faster)."""
        chosen = {FIELDS[name]: value for name, value in self.read(LifetimesIn).items()}
        try:
            row = lifetimes.change(
                tenant=self.tenant, chosen=chosen, by=self.actor, at=self.at, revision=self.revision()
            )
        except lifetimes.OutOfBounds as refusal:
            refusal.errors = [{**each, "pointer": _NAMES[each["pointer"]]} for each in refusal.errors]
            raise
        return _answer(row)


def _answer(row: Tenant) -> Response:
    body: dict[str, Any] = {name: _shape(row, of) for name, of in FIELDS.items()}
    return with_revision({**body, "revision": f"r-{row.revision}"}, row.revision)


def _shape(row: Tenant, of: Lifetime) -> dict[str, int | None]:
    in_force = int(lifetime(row, of).total_seconds())
    return {"chosen": getattr(row, of), "inForce": in_force, **bounds(of)._asdict()}
