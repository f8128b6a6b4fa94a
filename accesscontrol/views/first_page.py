"""On the first page: required roles that nobody has given yet, and the applications of the one who looks."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol import drift
from accesscontrol.views import standing
from applications.models import Application
from applications.signals import overview_shown, tasks_asked
from applications.views._task import OPEN
from tenants.models import Tenant, User

TEMPLATE = "accesscontrol/_own_applications.html"


@receiver(tasks_asked)
def open_requirements(*, page: Any, tenant: Tenant, at: datetime, **kwargs: Any) -> list[dict[str, Any]]:
    """One task for each application that lacks a role which it says it needs; for who may read roles."""
    if not page.can("Roles:read"):
        return []
    lines = drift.report(tenant=tenant, actor=page.actor, at=at, now=at)
    lacking = [line for line in lines if line.met.state == "open"]
    names = {line.requirement.application_id: line.application for line in lacking}
    counts = Counter(line.requirement.application_id for line in lacking)
    return [
        _task(page, application_id, names[application_id], count) for application_id, count in counts.items()
    ]


@receiver(overview_shown)
def own_applications(
    *,
    page: Any,
    tenant: Tenant,
    user: User,
    at: datetime,
    alone: bool,
    shared: standing.Shared | None = None,
    **kwargs: Any,
) -> dict[str, Any] | None:
    """What the person can open now, with the roles held there; ``alone``: also that it is nothing."""
    roles: dict[Application, list[str]] = defaultdict(list)
    for held in standing.of_user(user, tenant=tenant, at=at, opening=True, shared=shared):
        role = held.row.application_role
        if role is not None and held.standing.state == "in_force":
            roles[role.application].append(str(role))
    rows = [
        {
            "name": str(application),
            "url": application.home_url,
            "roles": ", ".join(sorted(set(names))),
        }
        for application, names in sorted(roles.items(), key=lambda item: (str(item[0]).lower(), item[0].id))
    ]
    return {"template": TEMPLATE, "title": _("Your applications"), "rows": rows} if rows or alone else None


def _task(page: Any, application_id: str, name: str, count: int) -> dict[str, Any]:
    words = ngettext(
        "Lacks %(count)d role of another application that it needs",
        "Lacks %(count)d roles of other applications that it needs",
        count,
    )
    readable = page.can("Modules:read").allowed
    url = page.url("applications:application-detail", application_id=application_id) if readable else ""
    return {
        "rank": OPEN,
        "icon": "role",
        "text": name,
        "note": words % {"count": count},
        "at": None,
        "action": {"label": _("Give"), "url": url or page.url("accesscontrol:assignment-list")},
    }
