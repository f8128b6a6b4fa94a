"""The record: who did what, newest first."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.forms import RecordForm
from tenants.http import paging
from tenants.models import HistoryEvent, HistoryPerson
from tenants.views import record
from tenants.views.console import ConsolePage
from tenants.views.wording import CHAPTERS

KINDS = ("user", "group", "partnership", "contract", "application", "tenant", "service")


class ActivityList(ConsolePage):
    """Rows of this organization's record, filtered, by cursor."""

    permission = "ActivityLog:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = RecordForm(request.GET)
        form.is_valid()
        chapter = request.GET.get("group", "")
        rows = _chosen(HistoryEvent.objects.filter(tenant=self.tenant), form, chapter)
        shown = paging.page_of(rows, request=request, key="pk", descending=True)
        names = ("actor", "object", "since", "until")
        context = {
            "page": {
                "title": _("Activity"),
                "lead": _("Everything that was changed here, by whom. Nobody can alter it."),
            },
            "form": form,
            "chips": _chips(self, chapter),
            "chapter": chapter if chapter in CHAPTERS else "",
            "filtered": chapter in CHAPTERS or any(request.GET.get(name) for name in names),
            "opened": any(request.GET.get(name) for name in names),
            "clear_url": request.path,
            "rows": [_shown(line) for line in record.lines(shown.rows, tenant=self.tenant)],
            "paging": shown.paging,
        }
        return self.render("tenants/activity_list.html", context)


def _chosen(rows: QuerySet[HistoryEvent], form: RecordForm, chapter: str) -> QuerySet[HistoryEvent]:
    if chapter in CHAPTERS:
        begins = Q()
        for prefix in CHAPTERS[chapter].prefixes:
            begins |= Q(action__startswith=f"{prefix}.")
        rows = rows.filter(begins)
    given = form.cleaned_data
    if given.get("actor"):
        rows = rows.filter(_about(given["actor"], "actor"))
    if given.get("object"):
        rows = rows.filter(_about(given["object"], "subject"))
    since, until = form.moments()
    if since:
        rows = rows.filter(at__gte=since)
    return rows.filter(at__lt=until) if until else rows


def _about(text: str, side: str) -> Q:
    """``user:<id>`` names exactly one; anything else is a part of a name."""
    kind, _colon, object_id = text.partition(":")
    if kind in KINDS and object_id:
        return Q(**{f"{side}_kind": kind, f"{side}_id": object_id.strip()})
    named = HistoryPerson.objects.filter(**{f"{side}_name__icontains": text})
    return Q(id__in=named.values("event_id"))


def _chips(page: ConsolePage, chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "label": chapter.label,
            "active": key == chosen,
            "url": paging.with_query(page.request, group=None if key == chosen else key),
        }
        for key, chapter in CHAPTERS.items()
    ]


def _shown(line: record.Line) -> dict[str, Any]:
    before, after = line.event.before or {}, line.event.after or {}
    details = [
        {"name": name, "before": _plain(before, name), "after": _plain(after, name)}
        for name in dict.fromkeys([*before, *after])
    ]
    return {"line": line, "at": line.event.at, "details": details, "request_id": line.event.request_id}


def _plain(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return ""
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
