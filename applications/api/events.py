"""Events in order: pages that never split a transaction, for a tenant or for the calling application."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import events, shapes, streams
from applications.models import Event
from applications.serializers.events import EventPage, ServedTenants
from applications.served import served_tenants
from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.gate import gate
from iam_portal.walls import cross_tenant
from tenants.rest import OwnApplicationAPI, TenantAPI, is_number, page_size
from tenants.schema import AFTER, LIMIT


class TooOld(DomainError):
    """Events after this position are kept no longer: start from the snapshot."""

    code = "events_gone"
    kind = Kind.GONE


class TenantEvents(TenantAPI):
    """What happened in the tenant, as far as the caller may see it."""

    permissions = {"GET": "|".join(dict.fromkeys(streams.SHOWN_BY.values()))}

    @extend_schema(parameters=[AFTER, LIMIT], responses=EventPage)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """``after=<position>``: everything later, oldest first; ask again with ``next``."""
        tenant_id = self.kwargs["tenant_id"]
        may = gate().answers(actor=self.actor, tenant_id=tenant_id, at=self.at)
        rows = streams.of_tenant(tenant_id).filter(streams.shown_to(may))
        return Response(_page(rows, request, shapes.event))


class ApplicationEvents(OwnApplicationAPI):
    """What happened to the calling application, in every tenant that it serves."""

    @extend_schema(parameters=[AFTER, LIMIT], responses=EventPage)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Availability and declared roles. Who holds a role is the tenants' own affair."""
        rows = streams.of_application(self.application_id)
        with cross_tenant():  # they lie in the streams of all these tenants
            return Response(_page(rows, request, shapes.event_for_application))


class ApplicationTenants(OwnApplicationAPI):
    """The tenants that the calling application serves."""

    @extend_schema(responses=ServedTenants)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With relation and the spell in which it does."""
        items = served_tenants(self.application_id, at=timezone.now())
        return Response({"items": items, "next": None})


def _page(
    rows: QuerySet[Event], request: Request, shape: Callable[[Event], dict[str, Any]]
) -> dict[str, Any]:
    """At least one whole transaction, and up to ``limit`` events otherwise."""
    events.sequence()  # a reader after N can never miss what has committed
    limit = page_size(request) or 50
    after = _position(request)
    oldest = events.oldest()
    if after + 1 < oldest and after > 0:
        raise TooOld("Events after this position are kept no longer.", data={"oldest": oldest})
    later = rows.filter(position__gt=after).order_by("position")
    page = list(later[:limit])
    if len(page) == limit:  # the rest of the last transaction belongs to it
        last = page[-1]
        page += list(later.filter(transaction=last.transaction, position__gt=last.position))
    following = page[-1].position if page else after
    return {"items": [shape(row) for row in page], "next": following, "oldest": oldest, "live": None}


def _position(request: Request) -> int:
    text = request.query_params.get("after", "0")
    if not is_number(text) or len(text) > 18:
        raise Invalid("after is a position that was given out.")
    return int(text)
