"""Events of the organization: the list, which can follow what happens, and one event with who was sent it."""

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from applications import events, streams
from applications.forms import EventsForm
from applications.http import address
from applications.models import Event
from applications.views import _event
from iam_portal import csp
from iam_portal.errors import NotFound
from tenants.http import paging
from tenants.rest import is_number
from tenants.views.console import ConsolePage

MOST_AT_ONCE = 50  # new ones; a list that follows shows no more than fit
SHOWN = "|".join(dict.fromkeys(streams.SHOWN_BY.values()))


class _Events(ConsolePage):
    """The stream, as far as the person may see it: as the REST door shows it."""

    permission = SHOWN

    def rows(self) -> QuerySet[Event]:
        """Those that have their position."""
        shown = streams.shown_to(lambda permission: self.can(str(permission)))
        return streams.of_tenant(self.tenant.id).filter(shown, position__isnull=False)


class EventList(_Events):
    """Newest first. ``after`` gives what came since, as a part of the page, for who follows."""

    def by_person(self) -> bool:
        return "after" not in self.request.GET

    def get(self, request: HttpRequest) -> HttpResponse:
        events.sequence()  # so that who has just done something sees it
        head = events.head()
        form = EventsForm(request.GET)
        rows = _chosen(self, form)
        after = request.GET.get("after", "")
        if is_number(after) and len(after) < 19:
            new = list(rows.filter(position__gt=int(after)).order_by("-position")[:MOST_AT_ONCE])
            context = {"table": _event.listed(self, new), "head": head}
            return self.render("applications/_event_rows.html", context)
        shown = paging.page_of(rows, request=request, key="position", descending=True)
        context = {
            "page": {
                "title": _("Events"),
                "lead": _("What your applications, webhooks and partners are told, in order."),
            },
            "form": form,
            "chips": _event.chips(self),
            "kind": request.GET.get("kind", ""),
            "opened": any(request.GET.get(name) for name in form.fields),
            "filtered": any(request.GET.get(name) for name in ("kind", *form.fields)),
            "clear_url": request.path,
            "table": {**_event.listed(self, shown.rows), "paging": shown.paging},
            "head": head,
            "follows": "cursor" not in request.GET,
            "live_url": _live(self),
        }
        response = self.render("applications/event_list.html", context)
        if context["live_url"]:
            response["Content-Security-Policy"] = csp.reading(csp.event_service())
        return response


class EventDetail(_Events):
    """One event as it is sent, and to whom it was."""

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        row = self.rows().filter(event_id=event_id).first()
        if row is None:
            raise NotFound
        back = {"label": _("Events"), "url": address("event-list", self.slug)}
        context = {
            "page": {"title": row.type, "breadcrumb": [back], "copy_id": str(row.event_id)},
            "facts": _event.facts(self, row),
            "json": _event.written(row),
        }
        if self.can("Webhooks:read"):
            context["webhooks"] = _event.told(self, row)
            context["attempts"] = _event.attempts(self, row)
        return self.render("applications/event_detail.html", context)


def _chosen(page: _Events, form: EventsForm) -> QuerySet[Event]:
    """What the filters choose; a field with an error chooses nothing."""
    form.is_valid()
    given, rows = form.cleaned_data, page.rows()
    kind = page.request.GET.get("kind", "")
    if kind in _event.prefixes():
        rows = rows.filter(type__startswith=f"iam.{kind}.")
    if given.get("application"):
        rows = rows.filter(application_id=given["application"])
    if given.get("subject"):
        rows = rows.filter(subject=given["subject"])
    if given.get("since"):
        rows = rows.filter(at__gte=given["since"])
    if given.get("until"):
        rows = rows.filter(at__lt=given["until"])
    return rows


def _live(page: _Events) -> str:
    """The stream at the event service, where a page may read it. Otherwise nothing."""
    if not csp.event_service():
        return ""
    path = reverse("application-management:event-list", kwargs={"tenant_id": page.tenant.id})
    return f"{settings.PORTAL_EVENTS_URL}{path}"
