"""The manifest: resources, roles and required roles, by an administrator or by the application itself."""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import declared
from applications.actions.declarations import Sent
from applications.models import Application
from applications.policies import own_application
from applications.serializers.manifest import ManifestIn, ManifestNow, ManifestOut
from iam_portal.errors import Invalid
from iam_portal.walls import tenant_scope
from tenants.impact import ImpactChanged
from tenants.rest import OwnApplicationAPI, TenantAPI, knows, switch
from tenants.schema import query

DRY_RUN = query("dry_run", "`true` only shows the diff, and what it would take away.", bool)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='The `ETag` of the manifest that the caller looked at (`"m-…"`), '
    'or the revision of the impact that was shown (`"i-…"`).',
)
_REVISION = re.compile(r"[im]-[0-9a-f]{32}")


class Manifest(TenantAPI):
    """Resources, roles and required roles of an own application."""

    permissions = {"GET": "Modules:read", "PUT": "Modules:modify"}
    recent = frozenset({"PUT"})

    @extend_schema(responses={200: ManifestNow, 304: None})
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """The document as it stands: sent back, it changes nothing. A strong ``ETag`` for ``If-Match``."""
        return _shown(request, own_application(tenant=self.tenant, application_id=application_id), self.at)

    @extend_schema(parameters=[DRY_RUN, IF_MATCH], request=ManifestIn, responses=ManifestOut)
    def put(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Declare everything anew; idempotent. ``dry_run=true`` only shows the diff and its impact.

        A declaration that takes something from somebody needs the revision of its impact in ``If-Match``
        (428 with the impact otherwise); one that takes nothing needs none. ``If-Match`` with the ``ETag`` of
        the document refuses (412) when somebody declared since.
        """
        sent = Sent(
            tenant=self.tenant,
            application_id=application_id,
            body=self.read(ManifestIn),
            by=self.actor,
            at=self.at,
            relies_on=_relied_on(request),
            needs_impact=True,
        )
        return Response(sent.foreseen()) if switch(request, "dry_run") else _done(sent)


class OwnManifest(OwnApplicationAPI):
    """The calling application's own."""

    @extend_schema(responses={200: ManifestNow, 304: None})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The document as it stands: sent back, it changes nothing. A strong ``ETag`` for ``If-Match``."""
        application = Application.objects.get(id=self.application_id)
        with tenant_scope(application.owner_id):
            return _shown(request, application, timezone.now())

    @extend_schema(parameters=[DRY_RUN, IF_MATCH], request=ManifestIn, responses=ManifestOut)
    def put(self, request: Request, **kwargs: Any) -> Response:
        """Declare everything anew; idempotent. ``dry_run=true`` only shows the diff and its impact.

        A deployment is not held up: the impact may be left unseen. With its revision in ``If-Match`` (412
        when the world moved) it is as binding as an administrator's. Persons and contracts are only counted.
        """
        at = timezone.now()
        body = ManifestIn(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        application = Application.objects.select_related("owner").get(id=self.application_id)
        sent = Sent(
            tenant=application.owner,
            application_id=application.id,
            body=dict(body.validated_data),
            by=request.user.actor,  # type: ignore[union-attr]
            at=at,
            relies_on=_relied_on(request),
            needs_impact=False,
        )
        with transaction.atomic(), tenant_scope(application.owner_id):
            if not switch(request, "dry_run"):
                return _unnamed(sent)
            answer = sent.foreseen()
            if "impact" in answer:
                answer["impact"] = _counted(answer["impact"])
            return Response(answer)


def _done(sent: Sent) -> Response:
    diff, revision = sent.carried_out()
    return Response({"diff": diff.as_json()}, headers={"ETag": f'"{revision}"'})


def _unnamed(sent: Sent) -> Response:
    """What the act says of a world that moved is only counted, too."""
    try:
        return _done(sent)
    except ImpactChanged as refusal:
        refusal.data["impact"] = _counted(refusal.data["impact"])
        raise


def _counted(impact: dict[str, Any]) -> dict[str, Any]:
    """Who somebody is, its owner's administrators see; an application needs no names to be deployed."""
    bare = {name: {**impact[name], "items": []} for name in ("users", "services", "contracts")}
    return {**impact, **bare}


def _shown(request: Request, application: Application, at: datetime) -> Response:
    found = declared.document(application, at=at)
    etag = f'"{declared.revision_of(found)}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return Response(status=304, headers=headers) if knows(request, etag) else Response(found, headers=headers)


def _relied_on(request: Request) -> str | None:
    """``If-Match``: the ``ETag`` of the document (``"m-…"``) or the revision of an impact (``"i-…"``)."""
    text = request.headers.get("If-Match")
    if text is None:
        return None
    bare = text.strip().strip('"')
    if not _REVISION.fullmatch(bare):
        raise Invalid('If-Match takes a revision of the manifest like "m-…", or that of its impact.')
    return bare
