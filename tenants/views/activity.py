"""The record: who did what, newest first; one row of it; all of it as a file."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from iam_portal.decision import rfc3339
from iam_portal.errors import NotFound
from tenants import questions
from tenants.forms import RecordForm
from tenants.http import exports, paging
from tenants.questions import Asked
from tenants.views import changes, record
from tenants.views.console import ConsolePage
from tenants.views.wording import CHAPTERS

KINDS = ("user", "group", "partnership", "contract", "application", "tenant", "service", "role", "webhook")
_NAMES = ("actor", "object", "action", "request", "since", "until")


class ActivityList(ConsolePage):
    """Rows of this organization's record, filtered, by cursor."""

    permission = "ActivityLog:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = RecordForm(request.GET)
        chapter = request.GET.get("group", "")
        rows = _asked(form, chapter).rows(self.tenant)
        shown = paging.page_of(rows, request=request, key="pk", descending=True)
        opened = any(request.GET.get(name) for name in _NAMES)
        chain = questions.chain_of(self.tenant)
        context = {
            "page": {
                **changes.chain_state(chain),
                "title": _("Activity"),
                "lead": _("Everything that was changed here, by whom. Nobody can alter it."),
                "more": self._files(),
            },
            "form": form,
            "chips": _chips(self, chapter),
            "chapter": chapter if chapter in CHAPTERS else "",
            "filtered": chapter in CHAPTERS or opened,
            "opened": opened,
            "clear_url": request.path,
            "rows": [self._shown(line) for line in record.lines(shown.rows, tenant=self.tenant)],
            "paging": shown.paging,
            "chain": changes.chain_facts(chain),
        }
        return self.render("tenants/activity_list.html", context)

    def _files(self) -> list[dict[str, Any]]:
        """What the filters choose, complete."""
        query = self.request.GET.copy()
        query.pop("cursor", None)
        found = []
        for ending, label in (("csv", _("Download as CSV")), ("ndjson", _("Download as JSON lines"))):
            query["format"] = ending
            url = f"{self.url('tenants:activity-download')}?{query.urlencode()}"
            found.append({"label": label, "url": url, "icon": "download"})
        return found

    def _shown(self, line: record.Line) -> dict[str, Any]:
        return {
            "line": line,
            "at": line.event.at,
            "details": changes.of(line.event),
            "request_id": line.event.request_id,
            "url": self.url("tenants:activity-row", row_id=line.event.reference),
        }


class ActivityDownload(ConsolePage):
    """What the list shows with these filters, complete."""

    permission = "ActivityLog:read"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        asked = _asked(RecordForm(request.GET), request.GET.get("group", ""))
        kind = exports.NDJSON if request.GET.get("format") == "ndjson" else exports.CSV
        return exports.export(asked, tenant=self.tenant, media_type=kind)


class ActivityRow(ConsolePage):
    """One change: what was before, what came after, and its place in the chain."""

    permission = "ActivityLog:read"

    def get(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = questions.one(tenant=self.tenant, reference=row_id)
        if row is None:
            raise NotFound
        (line,) = record.lines([row.event], tenant=self.tenant)
        back = self.url("tenants:activity-list")
        context = {
            "page": {
                "title": _("Activity of %(when)s") % {"when": f"{row.event.at:%Y-%m-%d, %H:%M} UTC"},
                "breadcrumb": [{"label": _("Activity"), "url": back}],
                "copy_id": str(row_id),
            },
            "line": line,
            "facts": _facts(row, line, back),
            "table": changes.table(row.event, self.tenant.slug),
            "place": changes.place_facts(questions.link_of(row.event), questions.check_of(self.tenant)),
        }
        return self.render("tenants/activity_row.html", context)


def _facts(row: questions.Row, line: record.Line, back: str) -> list[dict[str, Any]]:
    event = row.event
    facts: list[dict[str, Any]] = [
        {"label": _("When"), "at": event.at, "note": rfc3339(event.at)},
        {"label": _("Action"), "code": event.action},
        {"label": _("Who"), "text": line.actor, "url": line.actor_url},
        {"label": _("Id of who"), "copy_id": event.actor_id},
        {"label": _("About"), "text": row.subject_name or event.subject_kind, "url": line.subject_url},
        {
            "label": _("Id of what"),
            "copy_id": event.subject_id,
            "note": f"{event.subject_kind}:{event.subject_id}",  # as the filter of the list takes it
        },
    ]
    if row.source_address:
        facts.append({"label": _("From address"), "text": row.source_address})
    if event.request_id:
        query = urlencode({"request": event.request_id})
        everything = {"text": _("Everything it did"), "url": f"{back}?{query}"}
        facts.append({"label": _("Request"), **everything, "copy_id": event.request_id})
    return [fact for fact in facts if fact.get("copy_id") != ""]


def _asked(form: RecordForm, chapter: str) -> Asked:
    """What the form chooses; a field with an error chooses nothing."""
    form.is_valid()
    given = form.cleaned_data
    actor_kind, actor_id, actor_name = _about(given.get("actor", ""))
    kind, object_id, name = _about(given.get("object", ""))
    since, until = form.moments()
    chosen = tuple(f"{prefix}." for prefix in CHAPTERS[chapter].prefixes) if chapter in CHAPTERS else ()
    return Asked(
        actions=chosen,
        action=given.get("action", "").removesuffix("*"),
        actor_kind=actor_kind,
        actor_id=actor_id,
        actor_name=actor_name,
        subject_kind=kind,
        subject_id=object_id,
        subject_name=name,
        request_id=given.get("request", ""),
        since=since,
        until=until,
    )


def _about(text: str) -> tuple[str, str, str]:
    """``user:<id>`` names exactly one; anything else is a part of a name."""
    kind, _colon, object_id = text.partition(":")
    if kind in KINDS and object_id:
        return kind, object_id.strip(), ""
    return "", "", text


def _chips(page: ConsolePage, chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "label": chapter.label,
            "active": key == chosen,
            "url": paging.with_query(page.request, group=None if key == chosen else key),
        }
        for key, chapter in CHAPTERS.items()
    ]
