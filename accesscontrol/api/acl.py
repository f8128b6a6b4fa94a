"""Read Application ACL: the calling application reads its own."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol import acl
from accesscontrol.acl import Standing
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
        owner = uuid_of(wanted, "tenantId") if wanted is not None else None
        since = self._since()
        self._note_reader()
        application = cast(Application, self.request.user.application)  # type: ignore[union-attr]
        standing = acl.standing(application, at=timezone.now())
        self._expect_known(since, standing)
        as_lines = getattr(request.accepted_renderer, "media_type", "") == NDJSON
        headers = {"ETag": self._tag(standing, since, owner, as_lines), "Cache-Control": "private, no-cache"}
        request.META["iam.quiet"] = True
        if knows(request, headers["ETag"]):
            return Response(status=304, headers=headers)
        copy = acl.copied(application.id, since=since, owner=owner, as_lines=as_lines)
        self._expect_known(since, copy.standing)  # it may have risen, or been forgotten, meanwhile
        headers["ETag"] = self._tag(copy.standing, since, owner, as_lines)
        request.META["iam.quiet"] = since is not None and not copy.entries
        kind = NDJSON if as_lines else "application/json"
        if copy.is_small:
            return HttpResponse(b"".join(copy.pieces()), content_type=kind, headers=headers)
        return StreamingHttpResponse(copy.pieces(), content_type=kind, headers=headers)

    def _tag(self, standing: Standing, since: int | None, owner: UUID | None, as_lines: bool) -> str:
        """One for each body."""
        parts = [str(self.application_id), str(standing.revision)]
        if since is not None:
            parts.append(f"since-{since}")
        if owner is not None:
            parts.append(str(owner))
        return '"acl-{}"'.format("-".join([*parts, "lines"] if as_lines else parts))

    def _note_reader(self) -> None:
        """For the event service, which asks again when the application's stream moves."""
        meta = self.request.META
        if "iam.again" not in meta:  # a caller's headers arrive as HTTP_…
            return
        meta["iam.stream"] = f"application:{self.application_id}"
        meta["iam.caller"] = str(self.request.user.pk)
        meta["iam.home"] = str(self.request.user.home_id)  # type: ignore[union-attr]
        meta["iam.after"] = events.head()  # before the content: what comes meanwhile is news

    def _since(self) -> int | None:
        since = self.request.query_params.get("since")
        if since is None:
            return None
        if not is_number(since) or len(since) > 18:
            raise Invalid("since is a revision that was given out.")
        return int(since)

    def _expect_known(self, since: int | None, standing: Standing) -> None:
        """Beyond the last it was given out by a database that is no more."""
        if since is not None and not standing.kept_from <= since <= standing.revision:
            raise RevisionGone(
                "What changed since this revision is not known any more. Read the snapshot.",
                data={"snapshot": settings.PORTAL_BASE_URL + reverse("access-management:acl-read")},
            )
