"""Organizations of the installation: the platform tenant makes, lists, renames, suspends and resumes them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from tenants.actions import founding, tenants
from tenants.api.impact import done, foreseen
from tenants.api.objections import of_body
from tenants.creating import creates
from tenants.impact import Act
from tenants.models import Tenant, TenantSuspension, User
from tenants.rest import NothingIn, TenantAPI, cursor_of, next_page, page_size, searched, with_revision
from tenants.schema import AT, PAGE, SEARCH, query
from tenants.serializers.impact import ImpactOut
from tenants.serializers.organizations import (
    MailboxIn,
    OrganizationIn,
    OrganizationOut,
    OrganizationPage,
    OrganizationPatch,
    SuspensionIn,
)

_FIELDS = {
    "name": "name",
    "slug": "slug",
    "display_name": "administrator/displayName",
    "username": "administrator/username",
    "email": "administrator/email",
    "user_username_grammar": "administrator/username",
}


class PlatformAPI(TenantAPI):
    """A door that acts on the installation: below any other tenant than the platform there is nothing."""

    takes_row = False

    def rows(self) -> QuerySet[Tenant]:
        """Every organization, with ``suspended`` and ``ahead``. NotFound outside the platform tenant."""
        self.require_platform()
        running = TenantSuspension.objects.at(self.at).filter(tenant=OuterRef("pk"))
        ahead = TenantSuspension.objects.not_over(self.at)
        rows = Tenant.objects.annotate(suspended=Exists(running))
        return rows.prefetch_related(Prefetch("suspensions", queryset=ahead, to_attr="ahead"))

    def require_platform(self) -> None:
        """Nothing of the installation is to be had elsewhere, whatever one holds there."""
        if not self.tenant.is_platform:
            raise NotFound

    def one(self, organization_id: UUID) -> Tenant:
        """One of them, or NotFound."""
        found = self.rows().filter(id=organization_id).first()
        if found is None:
            raise NotFound
        return found

    def suspending(
        self,
        row: Tenant,
        reason: str = "",
        *,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> tuple[Act, Callable[[], object]]:
        """The act for its impact, and the act itself."""
        act = Act(name="suspend", tenant=self.tenant, subject=row, at=self.at, when=starts_at)
        span = {"starts_at": starts_at, "ends_at": ends_at}
        return act, lambda: tenants.suspend(tenant=row, reason=reason, by=self.actor, at=self.at, **span)

    def answer(self, organization_id: UUID, status: int = 200) -> Response:
        """One of them as it is now."""
        row = self.one(organization_id)
        if self.takes_row:
            return with_revision(_shape(row), row.revision, status)
        return Response(_shape(row), status=status)


class Organizations(PlatformAPI):
    """All organizations, by slug."""

    permissions = {"GET": "Organizations:read", "POST": "Organizations:add"}
    recent = frozenset({"POST"})

    @extend_schema(parameters=[*PAGE, SEARCH], responses=OrganizationPage, operation_id="organizations_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the platform tenant only."""
        limit, rows = page_size(request) or 50, self.rows()
        if text := searched(request):
            rows = rows.filter(Q(name__icontains=text) | Q(slug__icontains=text))
        if cursor := cursor_of(request):
            rows = rows.filter(slug__gt=cursor[0])
        page = list(rows.order_by("slug")[: limit + 1])
        following = next_page(request, [page[limit - 1].slug]) if len(page) > limit else None
        return Response({"items": [_shape(row) for row in page[:limit]], "next": following})

    @creates
    @extend_schema(
        request=OrganizationIn, responses={201: OrganizationOut}, operation_id="organizations_create"
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Its first administrator gets a link by mail, which stands in no reply."""
        self.require_platform()
        body = self.read(OrganizationIn)
        person = body["administrator"]
        with of_body(User, _FIELDS):
            made = founding.found(
                name=body["name"],
                slug=body["slug"],
                display_name=person["displayName"],
                email=person["email"],
                username=person.get("username") or person["email"],
                by=self.actor,
                at=self.at,
            )
        return self.answer(made.id, 201)


class OneOrganization(PlatformAPI):
    """One of them."""

    permissions = {"GET": "Organizations:read", "PATCH": "Organizations:modify"}
    takes_row = True

    @extend_schema(responses=OrganizationOut, operation_id="organizations_read")
    def get(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Its state; nothing of what is in it."""
        return self.answer(organization_id)

    @extend_schema(request=OrganizationPatch, responses=OrganizationOut, operation_id="organizations_rename")
    def patch(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Another name; id and slug stay. Takes the row's revision in ``If-Match``."""
        name, revision = self.read(OrganizationPatch).get("name"), self.revision()
        row = self.one(organization_id)
        if name is not None:
            with of_body(Tenant, {"name": "name"}):
                tenants.rename(tenant=row, name=name, by=self.actor, at=self.at, revision=revision)
        return self.answer(organization_id)


class OrganizationInvitation(PlatformAPI):
    """The first administrator's."""

    permissions = {"POST": "Organizations:add"}
    recent = frozenset({"POST"})

    @extend_schema(request=MailboxIn, responses={204: None}, operation_id="organizations_invite_again")
    def post(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """As long as nobody has come in; older links stop working."""
        email = self.read(MailboxIn).get("email")
        row = self.one(organization_id)
        with of_body(User, {"email": "email"}):
            founding.invite_again(tenant=row, email=email, by=self.actor, at=self.at)
        return Response(status=204)


class OrganizationImpact(PlatformAPI):
    """Suspending it."""

    permissions = {"GET": "Organizations:modify"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=["suspend"], required=True), AT], responses=ImpactOut
    )
    def get(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Everything that becomes unavailable in it, and what it owns elsewhere. People are counted only."""
        row = self.one(organization_id)
        if request.query_params.get("action") != "suspend":
            raise Invalid("action is suspend.")
        starts_at = self.moment() if "at" in request.query_params else None
        return foreseen(*self.suspending(row, starts_at=starts_at))


class OrganizationSuspend(PlatformAPI):
    """Nothing is available in it, and nothing of it anywhere else."""

    permissions = {"POST": "Organizations:modify"}
    recent = frozenset({"POST"})

    @extend_schema(request=SuspensionIn, responses=OrganizationOut, operation_id="organizations_suspend")
    def post(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Takes the revision of its impact in ``If-Match`` when one is sent (412 when the world moved)."""
        body = self.read(SuspensionIn)
        span = {"starts_at": body["startsAt"], "ends_at": body["endsAt"]}
        done(self, *self.suspending(self.one(organization_id), body["reason"], **span), required=False)
        return self.answer(organization_id)


class OrganizationResume(PlatformAPI):
    """Everything as it was."""

    permissions = {"POST": "Organizations:modify"}

    @extend_schema(request=None, responses=OrganizationOut, operation_id="organizations_resume")
    def post(self, request: Request, organization_id: UUID, **kwargs: Any) -> Response:
        """Ends the running suspension, or cancels the one that is planned."""
        self.read(NothingIn)
        self.revision()  # there is none to name
        tenants.resume(tenant=self.one(organization_id), by=self.actor, at=self.at)
        return self.answer(organization_id)


def _shape(row: Any) -> dict[str, Any]:
    return {
        "tenantId": str(row.id),
        "slug": row.slug,
        "name": row.name,
        "suspended": row.suspended,
        "suspension": _suspension(row.ahead[0]) if row.ahead else None,
        "createdAt": rfc3339(row.created_at),
        "revision": f"r-{row.revision}",
    }


def _suspension(row: TenantSuspension) -> dict[str, Any]:
    """``not_over`` has no bounds that are missing: a suspension begins at a moment."""
    return {
        "startsAt": rfc3339(row.during.lower),
        "endsAt": rfc3339(row.during.upper),
        "reason": row.reason,
    }
