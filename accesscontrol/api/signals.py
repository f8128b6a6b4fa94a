"""Streams of signals, at the doors of the application that is told (SSF 1.0 §8.1, RFC 8936)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.oauth.signals import configuration, kinds
from accesscontrol.serializers.signals import (
    PollIn,
    PollOut,
    StatusIn,
    StatusOut,
    StreamChange,
    StreamIn,
    StreamOut,
    VerifyIn,
)
from applications.actions import signal_streams
from applications.actions.signal_streams import Wanted, Where
from applications.api.own_resources import ServedTenantAPI
from applications.delivery import polling
from applications.models import Webhook
from iam_portal.errors import Invalid, NotFound
from tenants.rest import uuid_of
from tenants.schema import query

STREAM = query("stream_id", "The stream; without it, all: there is one at most.", OpenApiTypes.UUID)
MOST_FAILED = 1000
NO_STORE = {"Cache-Control": "no-store"}
_ONE = {"$ref": "#/components/schemas/StreamOut"}
EITHER = {"oneOf": [_ONE, {"type": "array", "items": _ONE}]}
TOLD = OpenApiResponse(EITHER, "A list without stream_id, else the one stream.")


class SignalAPI(ServedTenantAPI):
    """A door to the one stream that the calling application has in the tenant."""

    from_replica = False

    @property
    def where(self) -> Where:
        """Whose stream, and where."""
        place = self.place
        return Where(place.application, place.tenant, place.by, place.at)

    def named(self, stream_id: UUID | None) -> Webhook:
        """The stream of that id; another one's is not found."""
        row = signal_streams.find(self.where)
        if row is None or (stream_id is not None and row.pk != stream_id):
            raise NotFound
        return row

    def stream_id(self, *, needed: bool) -> UUID | None:
        """Which one the query names."""
        text = self.request.query_params.get("stream_id")
        if text is None and needed:
            raise Invalid("stream_id is missing.")
        return uuid_of(text, "stream_id") if text is not None else None


class Stream(SignalAPI):
    """The stream: what is told, and where."""

    @extend_schema(parameters=[STREAM], responses=TOLD, operation_id="signal_stream_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """As it was set up."""
        wanted = self.stream_id(needed=False)
        if wanted is not None:
            return Response(configuration.stream(self.named(wanted)), headers=NO_STORE)
        row = signal_streams.find(self.where)
        return Response([configuration.stream(row)] if row else [], headers=NO_STORE)

    @extend_schema(request=StreamIn, responses={201: StreamOut}, operation_id="signal_stream_create")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """From now on, about people who hold a role of the application here or have signed in to it.

        There is one stream for an application in an organization: a second one is refused (409).
        """
        row = signal_streams.create(self.where, self._wanted(self.read(StreamIn), None))
        return Response(configuration.stream(self.named(row.pk)), status=201, headers=NO_STORE)

    @extend_schema(request=StreamChange, responses=StreamOut, operation_id="signal_stream_change")
    def patch(self, request: Request, **kwargs: Any) -> Response:
        """Change what is given; the rest stays."""
        body = self.read(StreamChange)
        row = self.named(body["stream_id"])
        signal_streams.change(self.where, self._wanted(body, row))
        return Response(configuration.stream(self.named(row.pk)), headers=NO_STORE)

    @extend_schema(request=StreamChange, responses=StreamOut, operation_id="signal_stream_replace")
    def put(self, request: Request, **kwargs: Any) -> Response:
        """As for a new one: what is left out is as if it had never been said."""
        body = self.read(StreamChange)
        row = self.named(body["stream_id"])
        signal_streams.change(self.where, self._wanted(body, None))
        return Response(configuration.stream(self.named(row.pk)), headers=NO_STORE)

    @extend_schema(parameters=[STREAM], responses={204: None}, operation_id="signal_stream_delete")
    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Tell nothing any more."""
        self.named(self.stream_id(needed=True))
        signal_streams.end(self.where)
        return Response(status=204)

    def _wanted(self, body: Mapping[str, Any], row: Webhook | None) -> Wanted:
        """What was said, over what stands."""
        self._require_ours(body)
        requested = body.get("events_requested")
        if requested is None and row is not None:
            requested = row.stream.requested
        types = kinds.types_of(requested or kinds.SUPPORTED)
        note = body.get("description", row.note if row else "")
        delivery = body.get("delivery")
        if delivery is None and row is not None:
            return Wanted(row.stream.method, row.url, types, tuple(requested or ()), None, note)
        method, url, header = self._delivery(delivery or {"method": configuration.POLL})
        return Wanted(method, url, types, tuple(requested or ()), header, note)

    def _delivery(self, said: Mapping[str, Any]) -> tuple[str, str, str | None]:
        method, url = said["method"], said.get("endpoint_url")
        if method == configuration.POLL:
            return configuration.METHODS[method], configuration.url_of("signal-poll", self.tenant.pk), None
        if not url:
            detail = "Say where tokens are to be sent."
            error = {"pointer": "/delivery/endpoint_url", "code": "required", "detail": detail}
            raise Invalid("The stream cannot be accepted. Nothing was changed.", errors=[error])
        return configuration.METHODS[method], url, said.get("authorization_header")

    def _require_ours(self, body: Mapping[str, Any]) -> None:
        """What we say ourselves may be repeated, and not changed (SSF 1.0 §8.1.1.3)."""
        ours = {"iss": configuration.document(tenant_id=self.tenant.pk)["issuer"], "aud": self.application_id}
        wrong = [name for name, value in ours.items() if body.get(name, value) != value]
        if wrong:
            errors = [{"pointer": f"/{name}", "code": "invalid", "detail": "It stands."} for name in wrong]
            raise Invalid("iss and aud are not the receiver's to choose.", errors=errors)


class Status(SignalAPI):
    """Whether it is told anything."""

    @extend_schema(parameters=[STREAM], responses=StatusOut, operation_id="signal_status_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Also where the organization, or a receiver that failed for days, has paused it."""
        row = self.named(self.stream_id(needed=True))
        return Response(configuration.status(row), headers=NO_STORE)

    @extend_schema(request=StatusIn, responses=StatusOut, operation_id="signal_status_set")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Paused, what happens is kept; disabled, it is not. A pause of the organization's stays (403)."""
        body = self.read(StatusIn)
        row = self.named(body["stream_id"])
        signal_streams.set_status(self.where, body["status"])
        return Response(configuration.status(self.named(row.pk)), headers=NO_STORE)


class Verify(SignalAPI):
    """A test of the stream."""

    @extend_schema(request=VerifyIn, responses={204: None}, operation_id="signal_stream_verify")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Send a verification. One that waits already is sent with this ``state``."""
        body = self.read(VerifyIn)
        self.named(body["stream_id"])
        signal_streams.verify(self.where, body["state"])
        return Response(status=204)


class Poll(SignalAPI):
    """Tokens that are fetched."""

    @extend_schema(request=PollIn, responses=PollOut, operation_id="signal_poll")
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Acknowledge and fetch (RFC 8936 §2.4). Nobody waits: an empty answer comes at once.

        What is not acknowledged is handed out again, and written as it is then. With a thousand that are not,
        nothing new comes.
        """
        body = self.read(PollIn)
        row = signal_streams.locked(self.where)
        if not polling.is_polled(row):
            raise NotFound
        failed = {id: str(said.get("err", "")) for id, said in _ids(body["setErrs"].items())}
        done = [id for id, _ in _ids((jti, None) for jti in body["ack"])]
        polling.settle(row, acknowledged=done, failed=failed, at=self.at)
        page = polling.hand_out(row, most=body["maxEvents"], at=self.at)
        said = {"sets": page.tokens, **({"moreAvailable": True} if page.more else {})}
        return Response(said, headers=NO_STORE)


def _ids(named: Any) -> list[tuple[UUID, Any]]:
    """What is no id of ours is nobody's token, and passed over as one that was never handed out."""
    found = []
    for text, said in list(named)[:MOST_FAILED]:
        try:
            found.append((UUID(text), said))
        except ValueError:
            continue
    return found
