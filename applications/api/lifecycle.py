"""Suspending, resuming and retiring an own application, and what that would take away."""

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import models
from applications.actions import applications
from applications.policies import own_application
from applications.serializers.applications import ApplicationState, ReasonIn
from iam_portal.errors import Invalid
from tenants.api.impact import done, foreseen
from tenants.impact import Act
from tenants.rest import NothingIn, TenantAPI, with_revision
from tenants.schema import query
from tenants.serializers.impact import ImpactOut


class LifecycleAPI(TenantAPI):
    """What the doors share."""

    takes_row = False

    def row(self) -> models.Application:
        """The own application of the address, or NotFound."""
        return own_application(tenant=self.tenant, application_id=self.kwargs["application_id"])

    def act(self, name: str, application: models.Application) -> Act:
        """The act, for its impact."""
        return Act(name=name, tenant=self.tenant, subject=application, at=self.at)

    def doing(self, name: str, reason: str = "") -> Callable[[], models.Application]:
        """The act itself."""
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "application_id": self.kwargs["application_id"],
            "by": self.actor,
            "at": self.at,
        }
        if name == "suspend":
            return lambda: applications.suspend(**given, reason=reason)
        return lambda: applications.retire(**given)

    def answer(self, application: models.Application) -> Response:
        """Whether it is suspended or retired now."""
        suspended = application.suspensions.at(self.at).exists()
        retired = application.during.upper is not None and application.during.upper <= self.at
        state = "retired" if retired else "suspended" if suspended else "in_operation"
        body = {"applicationId": application.id, "state": state, "revision": f"r-{application.revision}"}
        return with_revision(body, application.revision)


class ApplicationImpact(LifecycleAPI):
    """Suspending or retiring it."""

    permissions: ClassVar[dict[str, str]] = {"GET": "Modules:modify|Modules:delete"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=["suspend", "retire"], required=True)],
        responses=ImpactOut,
    )
    def get(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Who and what loses something. Its revision goes into ``If-Match`` of the act."""
        row = self.row()
        name = request.query_params.get("action")
        if name not in ("suspend", "retire"):
            raise Invalid("action is suspend or retire.")
        return foreseen(self.act(name, row), self.doing(name))


class ApplicationSuspend(LifecycleAPI):
    """Available nowhere until resumed."""

    permissions: ClassVar[dict[str, str]] = {"POST": "Modules:modify"}

    @extend_schema(request=ReasonIn, responses=ApplicationState, operation_id="applications_suspend")
    def post(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Takes the revision of its impact in ``If-Match`` when one is sent (412 when the world moved)."""
        reason = self.read(ReasonIn)["reason"]
        row = done(self, self.act("suspend", self.row()), self.doing("suspend", reason), required=False)
        return self.answer(row)


class ApplicationResume(LifecycleAPI):
    """Available again wherever it was."""

    permissions: ClassVar[dict[str, str]] = {"POST": "Modules:modify"}

    @extend_schema(request=None, responses=ApplicationState, operation_id="applications_resume")
    def post(self, request: Request, application_id: str, **kwargs: Any) -> Response:
        """Ends the running suspension."""
        self.read(NothingIn)
        self.revision()  # there is none to name
        row = applications.resume(
            tenant=self.tenant, application_id=application_id, by=self.actor, at=self.at
        )
        return self.answer(row)
