"""Reports by REST: the same rows as the pages', as one document or as CSV."""

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.http import CsvRenderer, contract_types, report_items, report_table
from accesscontrol.reports import REPORTS, Given, Report
from accesscontrol.serializers.reports import ReportOut
from iam_portal.errors import Invalid
from iam_portal.gate import Permission, first_yes
from tenants.rest import TenantAPI, is_number
from tenants.schema import AT, query

DAYS = query(
    "days", "For reports about a time: for how many days up to now.", {"type": "integer", "minimum": 1}
)


class OneReport(TenantAPI):
    """A table for a review or an audit."""

    permissions = {"GET": "Reports:read"}
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        parameters=[AT, DAYS],
        responses={(200, "application/json"): ReportOut, (200, "text/csv"): OpenApiTypes.STR},
        operation_id="reports_read",
    )
    def get(self, request: Request, report: str, **kwargs: Any) -> HttpResponseBase:
        """Complete, whichever form it has. What lies behind a report is asked for, too.

        `idle-accounts` needs *Users:read*, `credentials` *Modules:read*, the two of contracts
        *ProvisionContracts:read* or *AccessContracts:read* and show those of these types. `at` is taken by
        `administrators` and `contracts-in-force`, `days` by `idle-accounts` and `unused-contracts`. A cell of
        CSV that a spreadsheet would take for a formula begins with an apostrophe.
        """
        asked = REPORTS[report]
        if asked.needs:
            first_yes(self.may, Permission.alternatives(asked.needs))
        given = self._given(asked)
        if isinstance(request.accepted_renderer, CsvRenderer):  # type: ignore[attr-defined]
            return report_table(asked, given)
        return Response(report_items(asked, given))

    def _given(self, report: Report) -> Given:
        may = self.may
        types = contract_types(lambda permission: may(Permission.parse(permission)))
        moment = self.moment()  # read by all of them: what is no moment is refused
        at = moment if "at" in report.asks else self.at
        return Given(self.tenant, at, self._days(report), types)

    def _days(self, report: Report) -> int:
        """One that does not take it refuses what is no number all the same."""
        most, taken = report.most(), "days" in report.asks
        text = self.request.query_params.get("days")
        if text is not None:
            asked = int(text[:9]) if is_number(text) else 0
            if asked < 1 or (taken and asked > most):
                raise Invalid(f"days is a number from 1 to {most}.")
        return int(text) if text is not None and taken else min(report.days, most)
