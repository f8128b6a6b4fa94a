"""The manifest of an own application: resources, roles and required roles."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions import manifests
from applications.manifest import Diff, parse
from applications.policies import own_application
from applications.serializers.manifest import ManifestIn, ManifestOut
from tenants.impact import Act, carry_out, foresee
from tenants.rest import TenantAPI, switch
from tenants.schema import query

DRY_RUN = query("dry_run", "`true` only shows the diff, and what it would take away.", bool)


class Manifest(TenantAPI):
    """Resources, roles and required roles of an own application."""

    permissions = {"PUT": "Modules:modify"}

    @extend_schema(parameters=[DRY_RUN], request=ManifestIn, responses=ManifestOut)
    def put(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Declare everything anew; idempotent. ``dry_run=true`` only shows the diff and its impact.

        A declaration that takes something from somebody needs the revision of its impact in ``If-Match``
        (428 with the impact otherwise); one that takes nothing needs none.
        """
        dry = switch(request, "dry_run")
        # Locked from the look to the act: nobody declares in between what this one would take away unseen.
        application = own_application(tenant=self.tenant, application_id=application_id, lock=not dry)
        body = self.read(ManifestIn)
        given: dict[str, Any] = {
            "application": application,
            "manifest": parse(body),
            "by": self.actor,
            "at": self.at,
        }
        act = Act(name="declare", tenant=self.tenant, subject=application, at=self.at, asked=body)
        diff = manifests.declare(**given, dry_run=True)
        answer: dict[str, Any] = {"diff": diff.as_json()}
        if dry:
            if _narrows(diff):
                answer["impact"] = foresee(act, lambda: manifests.declare(**given)).as_json()
        elif _narrows(diff):
            expected = self.impact_revision()
            carry_out(
                act, lambda: manifests.declare(**given), expected=expected, required=True, unless_nothing=True
            )
        elif diff:
            manifests.declare(**given)
        return Response(answer)


def _narrows(diff: Diff) -> bool:
    """Whether it can take anything: what is only added takes nothing."""
    return bool(diff.removed or diff.changed)
