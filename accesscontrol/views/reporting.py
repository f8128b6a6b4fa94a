"""Reports: which there are, the first rows of one, and all of them as a file."""

from datetime import datetime
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from accesscontrol.forms import ReportForm
from accesscontrol.http import contract_types, report_document, report_table
from accesscontrol.reports import REPORTS, Given, Report, rows_of
from accesscontrol.reports.contracts import EITHER
from accesscontrol.reports.shapes import FIRST, Cell, Row
from accesscontrol.views import naming
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision
from iam_portal.errors import NotFound
from tenants.views.console import ConsolePage
from tenants.views.wording import address

_OPENS = {"user": "Users:read", "application": "Modules:read", "contract": EITHER}


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
        types = contract_types(self.can)
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
                **(self._files(report) if form.is_valid() else {}),
            },
            "form": form if report.asks else None,
            "asked": form.is_valid(),
            "table": _table(self, report, found[:FIRST], more=len(found) > FIRST),
            "icon_name": report.icon,
        }
        return self.render("accesscontrol/report_read.html", context)

    def _files(self, report: Report) -> dict[str, Any]:
        """What the form chooses, complete."""
        own, query = self.url("accesscontrol:report-download", key=report.key), self.request.GET.copy()

        def file(ending: str, label: str) -> dict[str, Any]:
            query["format"] = ending
            return {"label": label, "url": f"{own}?{query.urlencode()}", "icon": "download"}

        return {"primary": file("csv", _("Download as CSV")), "more": [file("json", _("Download as JSON"))]}


class ReportDownload(_OneReport):
    """All of it."""

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        report = self.report()
        form = _form(report, request)
        given = self.given(report, form)
        if not form.is_valid():
            raise NotFound
        as_json = request.GET.get("format") == "json"
        return report_document(report, given) if as_json else report_table(report, given)


def _form(report: Report, request: HttpRequest) -> ReportForm:
    most = report.most()
    return ReportForm(request.GET, asks=report.asks, days=min(report.days, most), most=most)


def _behind(page: ConsolePage, report: Report) -> Decision:
    return page.can(report.needs) if report.needs else Decision.yes()


_NUMBERS = ("ageDays",)
# (column, word of the file) → what people read.
_WORDS: dict[tuple[str, Cell], Any] = {
    ("kind", "user"): pgettext_lazy("kind", "user"),
    ("kind", "service"): pgettext_lazy("kind", "service"),
    ("kind", "secret"): pgettext_lazy("kind", "secret"),
    ("kind", "key"): pgettext_lazy("kind", "key"),
    ("kind", "certificate"): pgettext_lazy("kind", "certificate"),
    ("kind", "issuer"): pgettext_lazy("kind", "issuer"),
    ("side", "provided"): pgettext_lazy("side", "provided"),
    ("side", "received"): pgettext_lazy("side", "received"),
    ("type", "provision"): pgettext_lazy("type", "provision"),
    ("type", "access"): pgettext_lazy("type", "access"),
}


def _table(page: ConsolePage, report: Report, rows: list[Row], *, more: bool) -> dict[str, Any]:
    """Without the last column: an id is for files."""
    shown = _("The first %(count)d. The file has all of them.") % {"count": len(rows)} if more else ""
    columns = [name for name, _label in report.columns]
    if "role" in columns:  # the file has the keys
        place = columns.index("role")
        names = naming.roles(page.tenant, PORTAL_ID, {str(row[place]) for row in rows})
        rows = [(*row[:place], names.of_key(str(row[place])), *row[place + 1 :]) for row in rows]
    counted = ngettext("%(count)d row", "%(count)d rows", len(rows)) % {"count": len(rows)}
    return {
        "caption": report.title,
        "columns": [
            {"label": str(words), "numeric": name in _NUMBERS} for name, words in report.columns[:-1]
        ],
        "rows": _drawn(page, report, rows),
        "count_text": shown or counted,
    }


def _drawn(page: ConsolePage, report: Report, rows: list[Row]) -> list[dict[str, Any]]:
    columns = [name for name, _label in report.columns[:-1]]
    opens: dict[str, bool] = {}
    drawn = []
    for row in rows:
        cells = [_cell(_WORDS.get((name, cell), cell)) for name, cell in zip(columns, row, strict=False)]
        if report.about is not None:
            kind, object_id = report.about(row)
            if kind not in opens:
                opens[kind] = bool(page.can(_OPENS[kind]))
            if opens[kind]:
                cells[0]["url"] = address(page.slug, kind, object_id)
        drawn.append({"cells": cells})
    return drawn


def _cell(cell: Cell) -> dict[str, Any]:
    if isinstance(cell, datetime):
        return {"day": cell}
    if isinstance(cell, bool):
        return {"text": _("yes") if cell else _("no")}
    return {"text": "–" if cell is None or cell == "" else str(cell)}
