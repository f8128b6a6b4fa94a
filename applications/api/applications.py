"""Applications: read (list, one, availability), register, change."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import facts, readlist, shapes
from applications.actions import applications
from applications.policies import own_application
from applications.serializers.applications import (
    ApplicationIn,
    ApplicationOut,
    ApplicationPage,
    ApplicationPatch,
)
from applications.serializers.availability import AvailabilityBatch, AvailabilityBatchIn, AvailabilityOut
from iam_portal.errors import DomainError, Invalid, Kind, NotFound
from tenants.api.impact import done
from tenants.creating import creates
from tenants.impact import Act
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, with_revision
from tenants.schema import AT, PAGE, SEARCH, query

MOST_UNPAGED = 10_000
RELATIONS = ("owned", "provision", "access")
RELATION = query("relation", "Any of owned, provision, access, separated by commas.")
ANY = query("available", "`any` shows what is not available at the moment, too.", enum=["any"])


class LimitRequired(DomainError):
    """The complete answer would be too large: ask page by page."""

    code = "limit_required"
    kind = Kind.INVALID


class Applications(TenantAPI):
    """What the tenant owns or has by contract."""

    permissions = {"GET": "Modules:read", "POST": "Modules:add"}
    recent = frozenset({"POST"})

    @extend_schema(
        parameters=[*PAGE, AT, SEARCH, RELATION, ANY],
        responses=ApplicationPage,
        operation_id="applications_list",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Read applications: complete without ``limit``; ``available=any`` shows the unavailable too."""
        limit = page_size(request, default=None)
        cursor = cursor_of(request)
        rows = readlist.read(
            readlist.Question(
                tenant_id=self.kwargs["tenant_id"],
                at=self.moment(),
                relations=_relations(request),
                search=request.query_params.get("search", "")[:200].replace("\x00", ""),
                include_unavailable=_any(request),
                after=cursor[0] if cursor else None,
                limit=(limit or MOST_UNPAGED) + 1,
            )
        )
        more = len(rows) > (limit or MOST_UNPAGED)
        if more and limit is None:
            raise LimitRequired("There are more than 10,000 applications: send limit and follow next.")
        items = rows[:limit] if limit else rows
        following = next_page(request, [items[-1]["applicationId"]]) if more else None
        return Response({"items": items, "next": following})

    @creates
    @extend_schema(request=ApplicationIn, responses={201: ApplicationOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Register an application; its confidential client exists at once."""
        body = self.read(ApplicationIn)
        details = applications.Details(
            name=body["name"],
            display_name=body["displayName"],
            description=body["description"],
            home_url=body["homeUrl"],
        )
        made = applications.register(
            owner=self.tenant,
            details=details,
            by=self.actor,
            at=self.at,
            application_id=body.get("applicationId"),
        )
        return with_revision(_one(self, made.id), made.revision, status=201)


class Application(TenantAPI):
    """One application."""

    permissions = {"GET": "Modules:read", "PATCH": "Modules:modify", "DELETE": "Modules:delete"}
    recent = frozenset({"DELETE"})

    @extend_schema(parameters=[AT, ANY], responses=ApplicationOut, operation_id="applications_read")
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Read application: 404 where the list would not show it."""
        row = _one(self, application_id, include_unavailable=_any(request))
        return with_revision(row, int(row["revision"][2:]))

    @extend_schema(request=ApplicationPatch, responses=ApplicationOut)
    def patch(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Change what people read of an own application."""
        body = self.read(ApplicationPatch)
        row = own_application(tenant=self.tenant, application_id=application_id)
        details = applications.Details(
            name=body.get("name", row.name),
            display_name=body.get("displayName", row.display_name),
            description=body.get("description", row.description),
            home_url=body.get("homeUrl", row.home_url),
        )
        changed = applications.change(
            tenant=self.tenant,
            application_id=application_id,
            details=details,
            by=self.actor,
            at=self.at,
            revision=self.revision(),
        )
        return with_revision(_one(self, application_id, include_unavailable=True), changed.revision)

    @extend_schema(responses={204: None}, operation_id="applications_retire")
    def delete(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Retire it: needs the revision of its impact in ``If-Match`` (428 with the impact otherwise)."""
        row = own_application(tenant=self.tenant, application_id=application_id)
        act = Act(name="retire", tenant=self.tenant, subject=row, at=self.at)
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "application_id": application_id,
            "by": self.actor,
            "at": self.at,
        }
        done(self, act, lambda: applications.retire(**given), required=True)
        return Response(status=204)


class Availability(TenantAPI):
    """Whether an application is available in the tenant, and why."""

    permissions = {"GET": "Modules:read"}

    @extend_schema(parameters=[AT], responses=AvailabilityOut)
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Also for an application that is not there: the answer is a no with its reason."""
        return Response(_answers(self, [application_id], self.moment())[0])


class AvailabilityMany(TenantAPI):
    """The same for many applications."""

    permissions = {"POST": "Modules:read"}

    @extend_schema(request=AvailabilityBatchIn, responses=AvailabilityBatch)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """At most 500 at once, answered in the order asked."""
        body = self.read(AvailabilityBatchIn)
        return Response({"items": _answers(self, body["applicationIds"], body.get("at") or self.at)})


def _one(view: TenantAPI, application_id: str, *, include_unavailable: bool = False) -> dict[str, Any]:
    question = readlist.Question(
        tenant_id=view.kwargs["tenant_id"],
        at=view.moment(),
        application_id=application_id,
        include_unavailable=include_unavailable,
    )
    rows = readlist.read(question)
    if not rows:
        raise NotFound
    return rows[0]


def _answers(view: TenantAPI, application_ids: list[str], at: Any) -> list[dict[str, Any]]:
    """An application that the tenant has nothing to do with answers like one that does not exist."""
    tenant = view.tenant
    known = facts.sharing(set(application_ids), tenant_ids=[tenant.id])
    return [
        shapes.availability(known[pk], tenant_id=str(tenant.id), at=at)
        if pk in known and facts.concerns(known[pk], tenant_id=str(tenant.id))
        else shapes.unknown_availability(pk, tenant_id=str(tenant.id), tenant=tenant.name, at=at)
        for pk in application_ids
    ]


def _relations(request: Request) -> list[str] | None:
    text = request.query_params.get("relation")
    if text is None:
        return None
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted or any(part not in RELATIONS for part in wanted):
        raise Invalid(f"relation takes {', '.join(RELATIONS)}, separated by commas.")
    return wanted


def _any(request: Request) -> bool:
    text = request.query_params.get("available")
    if text not in (None, "any", "true"):
        raise Invalid("available takes any; without it only what is available is shown.")
    return text == "any"
