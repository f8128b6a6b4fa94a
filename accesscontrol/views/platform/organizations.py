"""The organizations of the installation: the list, and one of them. Counted, never looked into."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol.installation import organizations
from accesscontrol.views.platform.frame import OrganizationPage, PlatformPage, whole
from iam_portal.spans import Span
from iam_portal.templatetags import moments
from tenants.http import paging
from tenants.models import TenantSuspension

_MOST = 20
_WORDS: dict[str, str | Promise] = {
    "invited": gettext_lazy("Waiting for its administrator"),
    "scheduled": gettext_lazy("Suspension planned"),
}


class OrganizationList(PlatformPage):
    """All of them, by name."""

    permission = "Organizations:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted, state = paging.searched(request), request.GET.get("state", "")
        rows = self._chosen(wanted, state)
        count = rows.count()
        page = paging.page_of(rows, request=request, key="sorted_by")
        figures = organizations.figures([row.pk for row in page.rows], at=self.at)
        create = self.url("accesscontrol:organization-create")
        context = {
            "page": {
                "title": _("Organizations"),
                "lead": _("Everybody on this installation. What is inside of one is its own affair."),
                "primary": self.link(_("New organization"), "Organizations:add", create, icon="plus"),
            },
            "filters": _filters(self, wanted, state),
            "table": {
                "caption": _("Organizations"),
                "columns": _columns(),
                "rows": [{"cells": _cells(self, row, figures[row.pk])} for row in page.rows],
                "count_text": ngettext("%(count)s organization", "%(count)s organizations", count)
                % {"count": whole(count)},
                "paging": page.paging,
            },
        }
        return self.render("accesscontrol/organization_list.html", context)

    def _chosen(self, wanted: str, state: str) -> QuerySet[Any]:
        rows = organizations.with_state(self.at).annotate(sorted_by=Lower("name"))
        if wanted:
            found = Q(name__icontains=wanted) | Q(slug__icontains=wanted)
            rows = rows.filter(found | Q(pk=_id(wanted)) if _id(wanted) else found)
        if state == "suspended":
            return rows.filter(suspended=True)
        if state == "scheduled":
            return rows.filter(suspended=False, planned=True)
        if state in ("invited", "active"):
            waiting = Q(pk__in=organizations.waiting())
            rows = rows.filter(suspended=False, planned=False)
            return rows.filter(waiting if state == "invited" else ~waiting)
        return rows


class OrganizationDetail(OrganizationPage):
    """Its state, how much is in it, when it was suspended, and what operators did to it."""

    permission = "Organizations:read"

    def get(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        row = self.organization()
        figures = organizations.figures([row.pk], at=self.at)[row.pk]
        closer = organizations.closer(row.pk, at=self.at)
        state = organizations.state_of(row, figures)
        suspensions = list(
            TenantSuspension.objects.filter(tenant=row.pk, during__isempty=False).order_by("-during")
        )
        context = {
            "page": {
                "title": row.name,
                "breadcrumb": self.crumbs(),
                "state": state,
                "state_word": _WORDS.get(state, ""),
                "copy_id": str(row.pk),
                "primary": _primary(self, row),
                "more": _more(self, row),
            },
            "facts": _facts(row, closer),
            "tiles": _inside(figures, closer, row),
            "invitation": _invitation(self, row, figures, closer),
            "suspensions": [_stop(stop, self) for stop in suspensions[:_MOST]],
            "line": _line(suspensions, row),
            **self.past("tenant", row.pk),
        }
        return self.render("accesscontrol/organization_detail.html", context)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _columns() -> list[dict[str, Any]]:
    counted = (_("People"), _("Applications"), _("Contracts in force"))
    return [
        {"label": _("Name")},
        {"label": _("State")},
        *({"label": label, "numeric": True} for label in counted),
        {"label": _("Since")},
    ]


def _cells(page: PlatformPage, row: Any, figures: organizations.Figures) -> list[dict[str, Any]]:
    state = organizations.state_of(row, figures)
    counts = (figures.users, figures.applications, figures.contracts)
    url = page.url("accesscontrol:organization-detail", organization_id=row.pk)
    note = " · ".join((row.slug, _("this platform"))) if row.is_platform else row.slug
    return [
        {"text": row.name, "url": url, "note": note},
        {"state": state, "word": _WORDS.get(state, "")},
        *({"text": whole(count)} for count in counts),
        {"day": row.created_at},
    ]


def _filters(page: PlatformPage, wanted: str, state: str) -> dict[str, Any]:
    labels = {
        "active": _("Active"),
        "suspended": _("Suspended"),
        **_WORDS,
    }
    options = [
        {
            "label": label,
            "active": key == state,
            "url": paging.with_query(page.request, state=None if key == state else key),
        }
        for key, label in labels.items()
    ]
    return {
        "url": page.request.path,
        "q": wanted,
        "placeholder": _("Name, short name or id"),
        "hidden": [("state", state)] if state in labels else [],
        "chips": [{"label": _("State"), "value": labels.get(state), "options": options}],
        "clear_url": page.request.path if wanted or state else "",
    }


def _primary(page: OrganizationPage, row: Any) -> dict[str, Any]:
    return page.link(_("Rename"), "Organizations:modify", f"{page.request.path}/rename", icon="edit")


def _more(page: OrganizationPage, row: Any) -> list[dict[str, Any]]:
    if row.is_platform:
        return []
    at, may = page.request.path, "Organizations:modify"
    if row.suspended:
        return [page.link(_("Resume"), may, f"{at}/resume", icon="play", dialog=True)]
    if row.planned:
        cancel = _("Cancel the planned suspension")
        return [page.link(cancel, may, f"{at}/resume", icon="x", dialog=True)]
    return [page.link(_("Suspend"), may, f"{at}/suspend", icon="pause", dialog=True, danger=True)]


def _facts(row: Any, closer: organizations.Closer) -> list[dict[str, Any]]:
    last = closer.sign_of_life
    return [
        {"label": _("Short name"), "code": row.slug, "note": _("stands in its addresses, for good")},
        {"label": _("Here since"), "text": moments.on_day(row.created_at)},
        {
            "label": _("Last sign of life"),
            "text": moments.on_day(last) if last else _("none yet"),
            "note": _("last sign-in or token, by the day"),
        },
    ]


def _inside(figures: organizations.Figures, closer: organizations.Closer, row: Any) -> list[dict[str, Any]]:
    """Counts. Who they are is the organization's own to say."""
    found = [
        {"label": _("People"), "value": whole(figures.users)},
        {"label": _("Applications"), "value": whole(figures.applications)},
        {"label": _("Contracts in force"), "value": whole(figures.contracts)},
    ]
    if row.suspended:  # while it is, nobody can hand out anything
        return [*found, {"label": _("Administrators"), "value": "–", "note": _("not while it is suspended")}]
    note = _("can hand out roles") if closer.administrators else _("Nobody there can hand out roles.")
    return [*found, {"label": _("Administrators"), "value": whole(closer.administrators), "note": note}]


def _invitation(
    page: OrganizationPage, row: Any, figures: organizations.Figures, closer: organizations.Closer
) -> dict[str, Any] | None:
    """Of the first administrator, while nobody has come in: when, not to whom."""
    if figures.joined or row.is_platform or closer.invited_at is None:
        return None
    until = closer.invited_until
    return {
        "sent_at": closer.invited_at,
        "until": until,
        "over": until is not None and until <= page.at,
        "again": page.link(
            _("Send again"),
            "Organizations:add",
            f"{page.request.path}/invite-again",
            icon="mail",
            dialog=True,
        ),
    }


def _stop(stop: TenantSuspension, page: OrganizationPage) -> dict[str, Any]:
    span = Span.of(stop.during)
    state = "suspended" if span.covers(page.at) else "scheduled" if span.is_future(page.at) else "ended"
    return {"state": state, "during": stop.during, "by": stop.by_name, "reason": stop.reason}


def _line(suspensions: list[TenantSuspension], row: Any) -> list[dict[str, Any]]:
    """A time line, once there is more on it than "since then"."""
    if not suspensions:
        return []
    spans = [{"during": stop.during, "state": "suspended"} for stop in suspensions[:_MOST]]
    life = {"during": (row.created_at, None), "state": "active"}
    return [{"label": _("Here"), "spans": [life]}, {"label": _("Suspended"), "spans": spans}]
