"""Reports: which there are, the first rows of one, and all of them as a file."""

from datetime import datetime
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol.forms import ReportForm
from accesscontrol.reports import REPORTS, Given, Report, rows_of
from accesscontrol.reports.shapes import Cell, Row
from applications.models import ContractType
from iam_portal.decision import Decision
from iam_portal.errors import NotFound
from tenants.http import exports
from tenants.views.console import ConsolePage

FIRST = 100  # rows that a page shows; the file has all of them
_CONTRACTS = {
    ContractType.PROVISION: "ProvisionContracts:read",
    ContractType.ACCESS: "AccessContracts:read",
}


class ReportList(ConsolePage):
    """Each with what it answers; off, with the reason, for who may not read what lies behind it."""

    permission = "Reports:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        title, lead = _("Reports"), _("For reviews and audits: to look at here, or to take along as a file.")
        context = {"page": {"title": title, "lead": lead}, "items": [*self._elsewhere(), *self._own()]}
        return self.render("accesscontrol/report_list.html", context)

    def _own(self) -> list[dict[str, Any]]:
        return [
            {
                "title": report.title,
                "lead": report.lead,
                "icon": report.icon,
                "url": self.url("accesscontrol:report-read", key=report.key),
                "decision": _behind(self, report),
            }
            for report in REPORTS.values()
        ]

    def _elsewhere(self) -> list[dict[str, Any]]:
        """Those that have pages of their own."""
        access, activity = self.url("accesscontrol:access-review"), self.url("tenants:activity-list")
        return [
            {
                "title": _("Access review"),
                "lead": _("Who can do what in an application on any day, and what changed between two days."),
                "icon": "eye",
                "url": access,
                "decision": Decision.yes(),
            },
            {
                "title": _("Activity"),
                "lead": _("Everything that was changed, by whom: filtered, and as a file with its chain."),
                "icon": "activity",
                "url": activity,
                "decision": self.can("ActivityLog:read"),
            },
        ]


class _OneReport(ConsolePage):
    permission = "Reports:read"

    def report(self) -> Report:
        """The one of the address, for who may read what lies behind it."""
        found = REPORTS[self.kwargs["key"]]
        if found.needs:
            self.require(found.needs)
        return found

    def given(self, report: Report, form: ReportForm) -> Given:
        """What the form says; what it leaves out is as at first."""
        form.is_valid()
        asked = form.cleaned_data
        types = tuple(type for type, needed in _CONTRACTS.items() if self.can(needed))
        at, days = asked.get("at") or self.at, asked.get("days") or min(report.days, report.most())
        return Given(self.tenant, at, days, types)


class ReportRead(_OneReport):
    """The first rows."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        report = self.report()
        form = _form(report, request)
        given = self.given(report, form)
        found = list(islice(rows_of(report, given), FIRST + 1)) if form.is_valid() else []
        back = {"label": _("Reports"), "url": self.url("accesscontrol:report-list")}
        context = {
            "page": {
                "title": report.title,
                "breadcrumb": [back],
                "lead": report.lead,
                "more": self._files(report) if form.is_valid() else [],
            },
            "form": form if report.asks else None,
            "table": _table(report, found[:FIRST], more=len(found) > FIRST),
            "icon_name": report.icon,
        }
        return self.render("accesscontrol/report_read.html", context)

    def _files(self, report: Report) -> list[dict[str, Any]]:
        query, found = self.request.GET.copy(), []
        for ending, label in (("csv", _("Download all as CSV")), ("json", _("Download all as JSON"))):
            query["format"] = ending
            url = f"{self.url('accesscontrol:report-download', key=report.key)}?{query.urlencode()}"
            found.append({"label": label, "url": url, "icon": "download"})
        return found


class ReportDownload(_OneReport):
    """All of it."""

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        report = self.report()
        form = _form(report, request)
        given = self.given(report, form)
        if not form.is_valid():
            raise NotFound
        names = [name for name, _words in report.columns]
        ending = "json" if request.GET.get("format") == "json" else "csv"
        written = exports.as_json_file if ending == "json" else exports.as_table
        head = {
            "report": report.key,
            "at": given.at,
            **({"days": given.days} if "days" in report.asks else {}),
        }
        kind = "application/json" if ending == "json" else f"{exports.CSV}; charset=utf-8"
        name = f'attachment; filename="{report.key}-{self.tenant.slug}.{ending}"'
        headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
        lines = written(names, rows_of(report, given), head)
        return StreamingHttpResponse(lines, content_type=kind, headers=headers)


def _form(report: Report, request: HttpRequest) -> ReportForm:
    most = report.most()
    return ReportForm(request.GET, asks=report.asks, days=min(report.days, most), most=most)


def _behind(page: ConsolePage, report: Report) -> Decision:
    return page.can(report.needs) if report.needs else Decision.yes()


def _table(report: Report, rows: list[Row], *, more: bool) -> dict[str, Any]:
    shown = _("The first %(count)d. The file has all of them.") % {"count": len(rows)} if more else ""
    return {
        "caption": report.title,
        "columns": [{"label": words} for _name, words in report.columns],
        "rows": [
            {"cells": [_cell(name, cell) for (name, _w), cell in zip(report.columns, row, strict=True)]}
            for row in rows
        ],
        "count_text": shown or ngettext("%(count)d row", "%(count)d rows", len(rows)) % {"count": len(rows)},
    }


def _cell(name: str, cell: Cell) -> dict[str, Any]:
    if isinstance(cell, datetime):
        return {"day": cell}
    if isinstance(cell, bool):
        return {"text": _("yes") if cell else _("no")}
    if cell is None or cell == "":
        return {"text": "–"}
    return (
        {"copy_id": str(cell)}
        if name == "id" or (name.endswith("Id") and name != "clientId")
        else {"text": str(cell)}
    )
