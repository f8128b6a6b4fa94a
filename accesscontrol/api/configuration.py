"""The configuration of a tenant as one document: export, plan, apply."""

from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.api._documents import (
    XLSX,
    YAML,
    JsonBody,
    SheetBody,
    SheetRenderer,
    YamlBody,
    YamlRenderer,
)
from accesscontrol.configuration import plans, shape
from accesscontrol.configuration.locking import lock
from accesscontrol.configuration.parsing import parse
from accesscontrol.configuration.plans import PRUNABLE, Plan
from accesscontrol.configuration.shape import Names
from accesscontrol.serializers.configuration import ConfigurationDocument, PlanOut
from accesscontrol.sheets import current
from accesscontrol.sheets.reading import Uploaded
from iam_portal.errors import DomainError, Invalid
from tenants import history
from tenants.creating import creates
from tenants.impact import patient
from tenants.rest import TenantAPI
from tenants.schema import query

PRUNE = query(
    "prune",
    "Sections, separated by commas, of which things may be removed for good: `applications` (they are "
    "retired), `contracts` (they are ended or withdrawn).",
)
_DOCUMENT = {
    "application/json": ConfigurationDocument,
    XLSX: OpenApiTypes.BINARY,
    YAML: ConfigurationDocument,
}


class ConfigurationAPI(TenantAPI):
    """What the doors share."""

    takes_row = False

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who tried to do by a document what he may not do stands in the history, whatever was answered."""
        self._tried: tuple[DomainError, ...] = ()
        self._sheet: Uploaded | None = None
        response = super().dispatch(request, *args, **kwargs)
        tried: tuple[DomainError, ...] = self._tried
        for refusal in tried:
            history.record_refusal(refusal)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        self._tried = getattr(exc, "refused", ())
        response = super().handle_exception(exc)
        if isinstance(response.data, dict):
            self._place(response.data)
        return response

    def asked(self) -> dict[str, Any]:
        """What both acts take: the document, and what may be removed for good."""
        sent = self.request.data
        self._sheet = sent if isinstance(sent, Uploaded) else None
        tenant, body = self.tenant, self.read(ConfigurationDocument)
        return {
            "tenant": tenant,
            "wanted": parse(body, Names(tenant.slug)),
            "prune": self._prune(),
            "by": self.actor,
            "at": self.at,
        }

    def answer(self, plan: Plan) -> Response:
        """With its revision."""
        body = plan.as_json()
        self._place(body)
        return Response(body, headers={"ETag": f'"{plan.revision}"'})

    def require_current(self) -> None:
        """A workbook is of one organization and one moment; a document stands for itself."""
        if self._sheet is not None:
            current.require_current(self._sheet, tenant=self.tenant, by=self.actor, at=timezone.now())

    def _place(self, body: dict[str, Any]) -> None:
        """What is said of a workbook names its cells."""
        sheet = self._sheet
        if sheet is None:
            return
        for part in (body, body.get("plan", {})):
            for name in {"errors", "objections"} & part.keys():
                part[name] = [sheet.placed(one) for one in part[name]]

    def _prune(self) -> list[str]:
        text = self.request.query_params.get("prune", "")
        named = [name for name in text.split(",") if name]
        if not set(named) <= set(PRUNABLE):
            raise Invalid(f"prune takes {' and '.join(PRUNABLE)}.")
        return sorted(set(named))


class Configuration(ConfigurationAPI):
    """The document as it is now."""

    permissions = {"GET": "Configuration:read"}
    renderer_classes = [JSONRenderer, YamlRenderer, SheetRenderer]

    @extend_schema(
        responses={
            (200, "application/json"): ConfigurationDocument,
            (200, YAML): ConfigurationDocument,
            (200, XLSX): OpenApiTypes.BINARY,
        },
        operation_id="configuration_export",
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Groups, roles, assignments, applications, contracts and mappings, by names that people write.

        JSON, or YAML by `Accept: application/yaml`. A section that the caller may not read at its own doors
        is left out. No secret is in it. Two exports of the same are equal, whenever they are made.

        As a workbook (.xlsx, by its media type in `Accept`): roles, groups and mappings, for people to edit.
        """
        tenant = self.tenant
        if request.accepted_renderer.format == SheetRenderer.format:
            made = current.workbook(tenant=tenant, by=self.actor, at=self.at)
            name = f'attachment; filename="{tenant.slug}.xlsx"'
            return Response(made, headers={"Cache-Control": "no-store", "Content-Disposition": name})
        found = plans.export(tenant=tenant, by=self.actor, at=self.at)
        body = shape.document(found, Names(tenant.slug))
        return Response(body, headers={"Cache-Control": "no-store"})


class ConfigurationPlan(ConfigurationAPI):
    """What applying a document would do."""

    permissions = {"POST": "Configuration:modify"}
    parser_classes = [JsonBody, YamlBody, SheetBody]

    @extend_schema(
        parameters=[PRUNE], request=_DOCUMENT, responses=PlanOut, operation_id="configuration_plan"
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """The steps, everything that speaks against them, and who would lose what. Nothing is changed.

        A section that is left out is not touched; one that is there is complete: what is not in it, is
        removed. A workbook counts only while what it was downloaded from stands (412 `sheet_outdated`).
        """
        asked = self.asked()
        self.require_current()
        plan = plans.plan(**asked)
        self._tried = plan.refused
        reply = self.answer(plan)
        reply["Cache-Control"] = "no-store"
        return reply


class ConfigurationApply(ConfigurationAPI):
    """Making it so."""

    permissions = {"POST": "Configuration:modify"}
    recent = frozenset({"POST"})
    parser_classes = [JsonBody, YamlBody, SheetBody]

    @creates
    @extend_schema(
        parameters=[PRUNE], request=_DOCUMENT, responses=PlanOut, operation_id="configuration_apply"
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """All of it or nothing, each step as at its own door. Takes the plan's revision in `If-Match`.

        Without it 428, and 412 when the document or the world is another by now; both with the plan as it is
        now. 409 with every objection, or 403 where the caller may not do some of it.
        """
        asked, expected = self.asked(), self.impact_revision()
        with patient():
            if expected is not None:
                lock(asked["tenant"], asked["wanted"], at=self.at)
                asked["at"] = timezone.now()  # as of when all others were through
            self.require_current()
            return self.answer(plans.apply(**asked, expected=expected))
