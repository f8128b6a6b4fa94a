"""Organizations of the installation: the platform tenant lists them, suspends and resumes one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.errors import Invalid, NotFound
from tenants.actions import tenants
from tenants.api.impact import done, foreseen
from tenants.impact import Act
from tenants.models import Tenant, TenantSuspension
from tenants.rest import NothingIn, TenantAPI, cursor_of, next_page, page_size
from tenants.schema import PAGE, query
from tenants.serializers.impact import ImpactOut
from tenants.serializers.organizations import OrganizationOut, OrganizationPage, SuspensionIn


class PlatformAPI(TenantAPI):
    """A door that acts on the installation: below any other tenant than the platform there is nothing."""

    takes_row = False

    def rows(self) -> QuerySet[Tenant]:
        """Every organization, with ``suspended``. NotFound outside the platform tenant."""
        if not self.tenant.is_platform:
            raise NotFound
        running = TenantSuspension.objects.at(self.at).filter(tenant=OuterRef("pk"))
        return Tenant.objects.annotate(suspended=Exists(running))

    def one(self, organization_id: UUID) -> Tenant:
        """One of them, or NotFound."""
        found = self.rows().filter(id=organization_id).first()
        if found is None:
            raise NotFound
        return found

    def suspending(self, row: Tenant, reason: str = "") -> tuple[Act, Callable[[], object]]:
        """The act for its impact, and the act itself."""
        act = Act(name="suspend", tenant=self.tenant, subject=row, at=self.at)
        return act, lambda: tenants.suspend(tenant=row, reason=reason, by=self.actor, at=self.at)


class Organizations(PlatformAPI):
    """All organizations, by name."""

    permissions = {"GET": "Organizations:read"}

    @extend_schema(parameters=PAGE, responses=OrganizationPage, operation_id="organizations_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the platform tenant only."""
        limit, rows = page_size(request) or 50, self.rows()
        if cursor := cursor_of(request):
            rows = rows.filter(slug__gt=cursor[0])
        page = list(rows.order_by("slug")[: limit + 1])
        following = next_page(request, [page[limit - 1].slug]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})


class OrganizationImpact(PlatformAPI):
    """Suspending it."""

    permissions = {"GET": "Organizations:modify"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=["suspend"], required=True)], responses=ImpactOut
    )
    def get(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Everything that becomes unavailable in it, and what it owns elsewhere. People are counted only."""
        row = self.one(organization_id)
        if request.query_params.get("action") != "suspend":
            raise Invalid("action is suspend.")
        return foreseen(*self.suspending(row))


class OrganizationSuspend(PlatformAPI):
    """Nothing is available in it, and nothing of it anywhere else."""

    permissions = {"POST": "Organizations:modify"}

    @extend_schema(request=SuspensionIn, responses=OrganizationOut, operation_id="organizations_suspend")
    def post(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Takes the revision of its impact in ``If-Match`` when one is sent (412 when the world moved)."""
        reason = self.read(SuspensionIn)["reason"]
        done(self, *self.suspending(self.one(organization_id), reason), required=False)
        return Response(_shape(self.one(organization_id)))


class OrganizationResume(PlatformAPI):
    """Everything as it was."""

    permissions = {"POST": "Organizations:modify"}

    @extend_schema(request=None, responses=OrganizationOut, operation_id="organizations_resume")
    def post(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Ends the running suspension."""
        self.read(NothingIn)
        self.revision()  # there is none to name
        tenants.resume(tenant=self.one(organization_id), by=self.actor, at=self.at)
        return Response(_shape(self.one(organization_id)))


def _shape(row: Any) -> dict[str, Any]:
    return {"tenantId": str(row.id), "slug": row.slug, "name": row.name, "suspended": row.suspended}
