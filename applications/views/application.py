"""One application: is it available here and why, since when and until when."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from applications.availability import Answer
from applications.models import Application
from applications.signals import application_shown
from applications.views._application import RELATIONS, TabPage, lanes
from applications.views._reasons import why
from applications.views.applications import state_of
from iam_portal.spans import Span
from tenants.models import Tenant


class ApplicationDetail(TabPage):
    """Overview: the answer with its chain, the facts, the time line, the history."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        answer = self.answer(application)
        own = self.owns(application)
        context = {
            "page": self.frame(application, "detail", state_of(answer)),
            "sentence": _sentence(answer, self.tenant),
            "decision": why(answer.decision, self.slug),
            "facts": _facts(application, answer, own=own),
            "description": application.description if self.is_open(application) else "",
            "lanes": lanes(application, self.tenant, self.slug, self.at),
            "own": own,
            "panels": self.panels(application_shown, application=application),
            **(self.past("application", application.id) if own else {"history": None}),
        }
        return self.render("applications/application_detail.html", context)


def _sentence(answer: Answer, tenant: Tenant) -> str:
    name = {"organization": tenant.name}
    if answer:
        return _("Available in %(organization)s.") % name
    return _("Not available in %(organization)s.") % name


def _facts(application: Application, answer: Answer, *, own: bool) -> list[dict[str, Any]]:
    during = Span.of(application.during)
    relations = dict.fromkeys(way.relation for way in answer.holding)
    held = ", ".join(str(RELATIONS[relation]) for relation in relations)
    rows: list[dict[str, Any]] = [
        {"label": _("Owner"), "text": application.owner.name},
        {"label": pgettext("application", "Relation"), "text": held or _("none at the moment")},
        {"label": _("Technical name"), "code": application.name},
    ]
    if application.home_url:
        rows.append({"label": _("Address"), "text": application.home_url, "url": application.home_url})
    if own:
        rows.append({"label": _("Registered"), "at": during.start})
    if during.end is not None:
        rows.append({"label": _("Retired"), "at": during.end})
    return rows
