"""Tables as CSV (RFC 4180) for people who open them in a spreadsheet."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer, JSONRenderer

from accesscontrol.reports import Given, Report, rows_of
from applications.models import ContractType
from tenants.http import exports
from tenants.http.exports import defused, plain

_CONTRACTS = {
    ContractType.PROVISION: "ProvisionContracts:read",
    ContractType.ACCESS: "AccessContracts:read",
}


class CsvRenderer(BaseRenderer):
    """Renders ``{"columns": [...], "rows": [...]}``; a refusal stays the problem document that it is."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if "columns" not in data:
            return bytes(JSONRenderer().render(data))
        return table(data["columns"], data["rows"]).encode()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The whole file, with a heading."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()


def contract_types(may: Callable[[str], object]) -> tuple[str, ...]:
    """Those of which somebody may read contracts."""
    return tuple(type for type, needed in _CONTRACTS.items() if may(needed))


def report_table(report: Report, given: Given) -> StreamingHttpResponse:
    """All of a report as CSV, in constant memory."""
    return _file(report, given, exports.as_table, f"{exports.CSV}; charset=utf-8", "csv")


def report_document(report: Report, given: Given) -> StreamingHttpResponse:
    """The same as one JSON document."""
    return _file(report, given, exports.as_json_file, "application/json", "json")


def report_items(report: Report, given: Given) -> dict[str, Any]:
    """The same, at once."""
    names = [name for name, _words in report.columns]
    items = [dict(zip(names, map(plain, row), strict=True)) for row in rows_of(report, given)]
    return {name: plain(value) for name, value in _head(report, given).items()} | {"items": items}


def _file(report: Report, given: Given, written: Any, kind: str, ending: str) -> StreamingHttpResponse:
    names = [name for name, _words in report.columns]
    name = f'attachment; filename="{report.key}-{given.tenant.slug}.{ending}"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    lines = written(names, rows_of(report, given), _head(report, given))
    return StreamingHttpResponse(lines, content_type=kind, headers=headers)


def _head(report: Report, given: Given) -> dict[str, Any]:
    days = {"days": given.days} if "days" in report.asks else {}
    return {"report": report.key, "at": given.at, **days}
