"""The access explorer: who can do what in an application on any day, why, and what differs on another."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol.forms import ReviewForm
from accesscontrol.http import table
from accesscontrol.review import SERVICE, USER, Change, review
from accesscontrol.serializers.review import COLUMNS, as_json, as_row
from accesscontrol.views import known, linking, naming, review_rows, reviewed
from applications.models import Application
from applications.views import role_words
from iam_portal.decision import rfc3339
from iam_portal.errors import NotFound
from tenants.http import paging
from tenants.views.console import ConsolePage

KINDS = {USER: gettext_lazy("People"), SERVICE: gettext_lazy("Services")}
_FILTERS = ("q", "kind", "role", "resource")


class Asked(NamedTuple):
    """An application, a moment, and perhaps another to compare with."""

    application: Application
    at: datetime
    other: datetime | None

    def answer(self, page: ConsolePage) -> list[Change]:
        """Every line; NotFound for an application with which the organization never had to do."""
        since = min(self.at, self.other or self.at)
        found = review(tenant=page.tenant, application_id=self.application.pk, since=since)
        return found.between(self.at, self.other)


class AccessReview(ConsolePage):
    """First of which application; then each role that counts there for somebody, and why."""

    permission = "Roles:read|Reports:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        decision = self.can("Reports:read")
        if not decision:
            context = {"page": head(self, "review"), "decision": decision, "ask_url": _asking(self)}
            return self.render("accesscontrol/access_refused.html", context)
        if not request.GET.get("application"):
            return _which(self)
        form = ReviewForm(request.GET)
        application = _application(self)
        asked = _asked(self, application, form) if form.is_valid() else None
        resource = form.cleaned_data.get("resource", "") if asked else ""
        shown, found = reviewed.page(self, *asked, resource=resource) if asked else (paging.Page([]), None)
        roles = found.roles if found else frozenset()
        part = paging.searched(request, "resource")
        names, rows = review_rows.drawn(
            self, application, shown.rows, roles=roles, resource=part, ask_url=_asking(self)
        )
        context = {
            "page": {**head(self, "review"), "more": _files(self) if asked else []},
            "application": application,
            "called": role_words.named(application.display_name, application.pk),
            "other_url": request.path,
            "form": form,
            "opened": any(request.GET.get(name) for name in ("at", "other", "resource")) or not asked,
            "asked": asked,
            "filters": _filters(self, roles, names),
            "filtered": any(request.GET.get(name) for name in _FILTERS),
            "rows": rows,
            "assign": _assigning(self),
            "paging": shown.paging,
            "count_text": _counted(self, found.count if found else 0, asked),
        }
        return self.render("accesscontrol/access_review.html", context)


class AccessDownload(ConsolePage):
    """The whole review of an application, for a spreadsheet or a program."""

    permission = "Reports:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = ReviewForm(request.GET)
        if not form.is_valid():
            raise NotFound
        asked = _asked(self, _application(self), form)
        application_id, changes = asked.application.pk, asked.answer(self)
        if request.GET.get("format") == "json":
            body: dict[str, Any] = {"applicationId": application_id, "at": rfc3339(asked.at)}
            if asked.other is not None:
                body["compareWith"] = rfc3339(asked.other)
            body["items"] = [as_json(change) for change in changes]
            return _file(json.dumps(body), "application/json", application_id, "json")
        rows = [as_row(change, application_id) for change in changes]
        return _file(table(COLUMNS, rows), "text/csv; charset=utf-8", application_id, "csv")


def head(page: ConsolePage, active: str) -> dict[str, Any]:
    """Title and tabs of the three pages of the explorer; without the permission, the tab is not there."""
    tabs = [("review", _("Who can do what"), "accesscontrol:access-review")]
    if page.can("Roles:read"):
        tabs.append(("decide", _("Decision"), "accesscontrol:access-decide"))
        tabs.append(("preview", _("Token"), "accesscontrol:access-preview"))
    return {
        "title": _("Access"),
        "lead": _("Who may do what, on any day, and why. Asking changes nothing."),
        "tabs": [
            {"label": label, "url": page.url(name), "active": key == active} for key, label, name in tabs
        ],
    }


def _asking(page: ConsolePage) -> str:
    return page.url("accesscontrol:access-decide") if page.can("Roles:read") else ""


def _assigning(page: ConsolePage) -> dict[str, Any] | None:
    """The first step where nobody has access."""
    if not page.can("Roles:modify"):
        return None
    url = page.url("accesscontrol:assignment-add")
    return {"label": _("Assign a role"), "url": url, "icon": "plus"}


def _which(page: ConsolePage) -> HttpResponse:
    wanted = paging.searched(page.request)
    hits = list(known.applications(page.tenant, wanted)[: paging.SIZE + 1])
    items = [
        {
            "name": role_words.named(hit.display_name, hit.pk),
            "note": hit.pk,
            "url": paging.with_query(page.request, q=None, application=hit.pk),
        }
        for hit in hits[: paging.SIZE]
    ]
    context = {"page": head(page, "review"), "q": wanted, "items": items, "more": len(hits) > paging.SIZE}
    return page.render("accesscontrol/access_which.html", context)


def _application(page: ConsolePage) -> Application:
    """What it names, if the organization has to do with it; one it does not know is like one there is not."""
    wanted = paging.searched(page.request, "application")
    found = known.application(page.tenant, wanted)
    if found is None:
        raise NotFound
    return found


def _asked(page: ConsolePage, application: Application, form: ReviewForm) -> Asked:
    return Asked(application, form.cleaned_data["at"] or page.at, form.cleaned_data["other"])


def _filters(page: ConsolePage, keys: Collection[str], names: naming.RoleNames) -> dict[str, Any]:
    given = page.request.GET
    roles = {key: names.of_key(key) for key in sorted(keys)}
    menus: tuple[linking.Menu, ...] = (
        ("kind", _("Who"), KINDS),
        ("role", _("Role"), roles),
    )
    kept = ("application", "at", "other", "resource", "kind", "role")
    return {
        "url": page.request.path,
        "q": paging.searched(page.request),
        "placeholder": _("Search people and services"),
        "hidden": [(name, given[name]) for name in kept if given.get(name)],
        "chips": linking.chips(page.request, menus),
        "clear_url": paging.with_query(page.request, **dict.fromkeys(_FILTERS))
        if any(given.get(name) for name in _FILTERS)
        else "",
    }


def _files(page: ConsolePage) -> list[dict[str, Any]]:
    """The application and the moments are kept; of the people and roles all are in it."""
    query = page.request.GET.copy()
    for name in ("cursor", *_FILTERS):
        query.pop(name, None)
    found = []
    for ending, label in (("csv", _("Download all as CSV")), ("json", _("Download all as JSON"))):
        query["format"] = ending
        url = f"{page.url('accesscontrol:access-download')}?{query.urlencode()}"
        found.append({"label": label, "url": url, "icon": "download"})
    return found


def _file(text: str, content_type: str, application_id: str, ending: str) -> HttpResponse:
    name = f'attachment; filename="access-review-{application_id}.{ending}"'
    return HttpResponse(text, content_type=content_type, headers={"Content-Disposition": name})


def _counted(page: ConsolePage, count: int, asked: Asked | None) -> str:
    other = asked.other if asked else None
    if count > (most := reviewed.counted(page, other)):
        said = _("More than %(count)d differences") if other else _("More than %(count)d roles held")
        return said % {"count": most}
    if other:
        return ngettext("%(count)d difference", "%(count)d differences", count) % {"count": count}
    return ngettext("%(count)d role held", "%(count)d roles held", count) % {"count": count}
