"""Events in order: pages that never split a transaction, for a tenant or for the calling application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import events, shapes, streams
from applications.models import Event
from applications.serializers.events import EventPage, ServedTenants
from applications.served import served_tenants
from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.walls import cross_tenant
from tenants.rest import OwnApplicationAPI, TenantAPI, is_number, page_size
from tenants.schema import AFTER, LIMIT


class TooOld(DomainError):
    """Something after this position is kept no longer: read the snapshot, go on after ``resumeAfter``."""

    code = "events_gone"
    kind = Kind.GONE


@dataclass(frozen=True, slots=True)
class Stream:
    """What is read: ``name`` is how others call it that wait for its next event."""

    name: str
    rows: QuerySet[Event]
    shape: Callable[[Event], dict[str, Any]]
    snapshot: str


class TenantEvents(TenantAPI):
    """What happened in the tenant, as far as the caller may see it."""

    permissions = {"GET": "|".join(dict.fromkeys(streams.SHOWN_BY.values()))}

    @extend_schema(parameters=[AFTER, LIMIT], responses=EventPage)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """``after=<position>``: everything later, oldest first; ask again with ``next``."""
        tenant_id = self.kwargs["tenant_id"]
        rows = streams.of_tenant(tenant_id).filter(streams.shown_to(self.may))
        snapshot = reverse("application-management:application-list", kwargs={"tenant_id": tenant_id})
        stream = Stream(f"tenant:{tenant_id}", rows, shapes.event, f"{snapshot}?available=any")
        return Response(_page(stream, request))


class ApplicationEvents(OwnApplicationAPI):
    """What happened to the calling application, in every tenant that it serves."""

    @extend_schema(parameters=[AFTER, LIMIT], responses=EventPage)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Availability and declared roles. Who holds a role is the tenants' own affair."""
        rows = streams.of_application(self.application_id)
        snapshot = reverse("application-management:own-tenant-list")
        stream = Stream(f"application:{self.application_id}", rows, shapes.event_for_application, snapshot)
        with cross_tenant():  # they lie in the streams of all these tenants
            return Response(_page(stream, request))


class ApplicationTenants(OwnApplicationAPI):
    """The tenants that the calling application serves."""

    @extend_schema(responses=ServedTenants)
    def get(self, request: Request, **kwargs: Any) -> Response:
        """With relation and the spell in which it does."""
        items = served_tenants(self.application_id, at=timezone.now())
        return Response({"items": items, "next": None})


def _page(stream: Stream, request: Request) -> dict[str, Any]:
    """At least one whole transaction, and up to ``limit`` events otherwise."""
    # For the event service, which asks again when the stream moves. A caller's headers arrive as HTTP_….
    request.META["iam.stream"], request.META["iam.caller"] = stream.name, str(request.user.pk)
    request.META["iam.home"] = str(request.user.home_id)  # type: ignore[union-attr]
    given = events.sequence()  # a reader after N can never miss what has committed
    head = events.head()
    limit = page_size(request) or 50
    after = _position(request, head)
    page, complete = _rows(stream.rows.filter(position__gt=after).order_by("position"), limit)
    oldest = events.oldest()  # asked after the rows were read: what was pruned before is seen here
    if after + 1 < oldest or after > head:  # the latter was given out by a database that is no more
        raise TooOld(
            "Events after this position are kept no longer. Read the snapshot, then go on after resumeAfter.",
            data={
                "oldest": oldest,
                "snapshot": settings.PORTAL_BASE_URL + stream.snapshot,
                # Before the snapshot is read: what happens meanwhile comes later. A refusal takes back the
                # positions that were given just now, and others may get them.
                "resumeAfter": head - given,
            },
        )
    last = page[-1].position or 0 if page else 0
    # All up to the head was looked at: in a quiet stream the reader's position grows no older than that.
    position = max(head, last) if complete else last
    request.META["iam.after"], request.META["iam.quiet"] = position, not page
    return {
        "items": [stream.shape(row) for row in page],
        "next": position,
        "oldest": oldest,
        "live": settings.PORTAL_EVENTS_URL + request.path if settings.PORTAL_EVENTS_URL else None,
    }


def _rows(later: QuerySet[Event], limit: int) -> tuple[list[Event], bool]:
    """The next rows, the last one's transaction whole; and whether these are all that there are."""
    page = list(later[:limit])
    if len(page) < limit:
        return page, True
    last = page[-1]
    beyond = later.filter(position__gt=last.position)
    rest = beyond.filter(transaction=last.transaction)
    # A restored database counts transactions anew: the same number may come again, much later.
    other = beyond.exclude(transaction=last.transaction).values_list("position", flat=True).first()
    return page + list(rest if other is None else rest.filter(position__lt=other)), False


def _position(request: Request, head: int) -> int:
    text = request.query_params.get("after", "0")
    if text == "latest":
        return head
    if not is_number(text) or len(text) > 18:
        raise Invalid("after is a position that was given out, or latest.")
    return int(text)
