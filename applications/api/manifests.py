"""The manifest: resources, roles and required roles, by an administrator or by the application itself."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import declared
from applications.actions import manifests, superseding
from applications.manifest import Diff, parse
from applications.models import Application
from applications.policies import own_application
from applications.serializers.manifest import ManifestIn, ManifestNow, ManifestOut
from iam_portal.errors import DomainError, Invalid, Kind
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.impact import Act, ImpactChanged, carry_out, foresee, looking
from tenants.models import Tenant
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


class ManifestChanged(DomainError):
    """Somebody declared since the caller looked. ``data`` carries the revision as it is now."""

    code = "manifest_changed"
    kind = Kind.STALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A declaration as it was sent. ``relies_on``: the revision of a manifest or of an impact, or nothing.

    ``needs_impact``: what takes something away needs the revision of what was shown.
    """

    tenant: Tenant
    application_id: str
    body: dict[str, Any]
    by: Actor
    at: datetime
    relies_on: str | None
    needs_impact: bool

    def foreseen(self) -> Response:
        """What it would change and take away; nothing is done."""
        application = self._application(lock=False)
        given, act = self._given(application), self._act(application)
        with looking(self.tenant):
            diff = manifests.declare(**given, dry_run=True)
            answer: dict[str, Any] = {"diff": diff.as_json()}
            if _narrows(diff):
                answer["impact"] = foresee(act, lambda: manifests.declare(**given)).as_json()
        return Response(answer)

    def carried_out(self) -> Response:
        """Locked from the look to the act: nobody declares in between what this would take away unseen."""
        application = self._application(lock=False)
        superseding.hold(application, parse(self.body), at=self.at)
        application = self._application(lock=True)
        given, act = self._given(application), self._act(application)
        expected = self.relies_on if self.relies_on and self.relies_on.startswith("i-") else None
        if expected is None and not self.needs_impact:
            diff = manifests.declare(**given)
        else:
            diff = manifests.declare(**given, dry_run=True)
            if _narrows(diff):
                # The act goes on with what it locked: between the two nothing moves.
                carry_out(
                    act,
                    lambda: manifests.declare(**given),
                    expected=expected,
                    required=self.needs_impact,
                    unless_nothing=True,
                )
            elif diff:
                manifests.declare(**given)
        now = declared.revision_of(declared.document(application, at=self.at))
        return Response({"diff": diff.as_json()}, headers={"ETag": f'"{now}"'})

    def _application(self, *, lock: bool) -> Application:
        return own_application(tenant=self.tenant, application_id=self.application_id, lock=lock)

    def _given(self, application: Application) -> dict[str, Any]:
        return {"application": application, "manifest": parse(self.body), "by": self.by, "at": self.at}

    def _act(self, application: Application) -> Act:
        """An impact is that of a change from one document to another. 412 when it begins elsewhere now."""
        now = declared.revision_of(declared.document(application, at=self.at))
        if self.relies_on is not None and self.relies_on.startswith("m-") and self.relies_on != now:
            text = "The manifest was declared anew since you read it. Nothing was changed."
            raise ManifestChanged(text, data={"revision": now})
        heirs = superseding.heirs_of(application, parse(self.body), at=self.at)
        return Act(
            name="declare",
            tenant=self.tenant,
            subject=application,
            at=self.at,
            asked=[self.body, now],
            renamed=superseding.renamed(application, heirs),
        )


class Manifest(TenantAPI):
    """Resources, roles and required roles of an own application."""

    permissions = {"GET": "Modules:read", "PUT": "Modules:modify"}

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
        return sent.foreseen() if switch(request, "dry_run") else sent.carried_out()


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
            if "impact" in answer.data:
                answer.data["impact"] = _counted(answer.data["impact"])
            return answer


def _unnamed(sent: Sent) -> Response:
    """What the act says of a world that moved is only counted, too."""
    try:
        return sent.carried_out()
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


def _narrows(diff: Diff) -> bool:
    """Whether it can take anything: what is only added takes nothing."""
    return bool(diff.removed or diff.changed)
