"""Read Application ACL: the calling application reads its own."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import acl
from accesscontrol.acl import Delta, Snapshot
from accesscontrol.serializers.acl import AclDelta, AclOut
from applications import events
from applications.models import Application
from iam_portal.errors import DomainError, Invalid, Kind
from tenants.rest import OwnApplicationAPI, is_number, knows, uuid_of
from tenants.schema import query

OWNER = query("tenantId", "Only the resources of this tenant.", OpenApiTypes.UUID)
SINCE = query("since", "A revision that was read: the answer is what changed and what is gone since.", int)
NDJSON = "application/x-ndjson"
EITHER = PolymorphicProxySerializer("AclOrDelta", [AclOut, AclDelta], None)


class RevisionGone(DomainError):
    """What is gone since this revision is kept no longer, or it was never given out: read the snapshot."""

    code = "acl_revision_gone"
    kind = Kind.GONE


class Lines(JSONRenderer):
    """Makes ``Accept: application/x-ndjson`` acceptable. It renders refusals; the lines come as a stream."""

    media_type = NDJSON
    format = "ndjson"


class ApplicationAcl(OwnApplicationAPI):
    """Needs nothing but the application's own credentials, or its service token for the portal."""

    renderer_classes = [JSONRenderer, Lines]

    @extend_schema(
        parameters=[OWNER, SINCE],
        responses={(200, "application/json"): EITHER, (200, NDJSON): OpenApiTypes.STR, 304: None},
    )
    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Complete or an error. A strong ``ETag``; ``If-None-Match`` answers 304. ``tenantId`` one owner.

        With ``since`` only what changed and what is gone, 410 when that is not known any more. As
        ``application/x-ndjson``: a line that says what it is, one for each entry, one that says it is
        complete.
        """
        wanted = request.query_params.get("tenantId")
        tenant_id = str(uuid_of(wanted, "tenantId")) if wanted else None
        self._note_reader()
        application = Application.objects.get(id=self.application_id)
        found, parts = self._found(application, timezone.now()), [application.id]
        parts.append(str(found.revision))
        if isinstance(found, Delta):
            parts.append(f"since-{found.since}")
        if tenant_id is not None:
            found = found.of_owner(tenant_id)
            parts.append(tenant_id)
        lines = getattr(request.accepted_renderer, "media_type", "") == NDJSON
        etag = '"acl-{}"'.format("-".join([*parts, "lines"] if lines else parts))
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        known = knows(request, etag)
        request.META["iam.quiet"] = known or (isinstance(found, Delta) and found.is_empty)
        if known:
            return Response(status=304, headers=headers)
        if lines:
            return StreamingHttpResponse(_lines(found), content_type=NDJSON, headers=headers)
        return Response(found.as_json(), headers=headers)

    def _note_reader(self) -> None:
        """For the event service, which asks again when the application's stream moves."""
        meta = self.request.META
        if "iam.again" not in meta:  # a caller's headers arrive as HTTP_…
            return
        meta["iam.stream"] = f"application:{self.application_id}"
        meta["iam.caller"] = str(self.request.user.pk)
        meta["iam.home"] = str(self.request.user.home_id)  # type: ignore[union-attr]
        meta["iam.after"] = events.head()  # before the content: what comes meanwhile is news

    def _found(self, application: Application, at: datetime) -> Snapshot | Delta:
        since = self.request.query_params.get("since")
        if since is None:
            return acl.snapshot(application, at=at)
        if not is_number(since) or len(since) > 18:
            raise Invalid("since is a revision that was given out.")
        found = acl.delta(application, since=int(since), at=at)
        if found is None:
            raise RevisionGone(
                "What changed since this revision is not known any more. Read the snapshot.",
                data={"snapshot": settings.PORTAL_BASE_URL + reverse("access-management:acl-read")},
            )
        return found


def _lines(found: Snapshot | Delta) -> Iterator[bytes]:
    """All of it is known before the first line leaves: what breaks afterwards lacks the last one."""
    count = 0
    yield _line(found.head())
    for count, line in enumerate(found.lines(), 1):  # noqa: B007  (counted for the last line)
        yield _line(line)
    yield _line({"complete": True, "revision": found.revision, "entries": count})


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
