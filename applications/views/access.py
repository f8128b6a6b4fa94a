"""What an application declares: its roles, and its resources as a tree."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from applications.availability import SharingFacts
from applications.http import address
from applications.models import Application, ApplicationRole, Resource, ResourcePlace, RolePermission
from applications.models.applications import PORTAL_ID
from applications.trees import Node, forest
from applications.views import role_words
from applications.views._application import ApplicationPage, TabPage
from applications.views._filters import Chip, chosen, filters
from applications.views.applications import state_of
from iam_portal.errors import NotFound
from iam_portal.gate import Privilege
from iam_portal.templatetags.numbers import grouped
from tenants.http import paging

STATE = Chip(
    "state",
    gettext_lazy("State"),
    [("", gettext_lazy("Declared")), ("ended", gettext_lazy("Ended"))],
)
KIND = Chip(
    "kind",
    gettext_lazy("Kind"),
    [
        ("", gettext_lazy("All")),
        ("static", gettext_lazy("Static")),
        ("own", gettext_lazy("Your organization's own")),
    ],
)
_ORDER = [privilege.value for privilege in Privilege]
FEW = 8  # permissions that a line of the list spells out
SIZE = 50  # resources on a page


def parts(page: ApplicationPage, application: Application, active: str) -> list[dict[str, Any]]:
    """The pages of the tab: for the owner also whom it serves, and its manifest."""
    named = {"application_id": application.id}
    found = [("access", _("Roles")), ("resources", _("Resources"))]
    if page.owns(application) and application.id != PORTAL_ID:
        found += [("served", _("Organizations served"))]
    links = [(name, label, address(f"application-{name}", page.slug, **named)) for name, label in found]
    more = []
    if page.can("Roles:read"):
        more += [("calls", _("It calls"))] if application.id != PORTAL_ID else []
        more.append(("callers", _("Called by")))
    if page.owns(application) and application.id != PORTAL_ID:
        more.append(("manifest", _("Manifest")))
    links += [(name, label, page.url(f"accesscontrol:application-{name}", **named)) for name, label in more]
    return [{"label": label, "url": url, "active": name == active} for name, label, url in links]


class AccessPage(TabPage):
    """A page of the tab *Access*: what is declared, for those with whom it is shared now or later."""

    def application(self, application_id: str) -> Application:
        """One whose declarations may be read, or 404: an organization with which it was shared reads none."""
        found = super().application(application_id)
        if not self.is_open(found):
            raise NotFound
        return found

    def around(
        self, application: Application, part: str, facts: SharingFacts | None = None
    ) -> dict[str, Any]:
        """The frame with the way to the other pages of the tab."""
        frame = self.frame(application, "access", state_of(self.answer(application, facts)))
        return {"page": frame, "parts": parts(self, application, part)}


class ApplicationAccess(AccessPage):
    """Its roles: what each allows in short; all of it stands on the role's own page."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        ended = chosen(request, STATE) == "ended"
        rows = _roles(self, application, ended)
        count = rows.count()
        shown = paging.page_of(rows, request=request, key="name")
        labels = [_("Role"), _("Allows"), _("Ended") if ended else _("Permissions")]
        context = {
            **self.around(application, "access"),
            "filters": filters(request, _("Search roles"), [STATE]),
            "table": {
                "caption": _("Roles"),
                "columns": [{"label": label, "numeric": label == _("Permissions")} for label in labels],
                "rows": [{"cells": cells} for cells in _role_cells(self, application, shown.rows, ended)],
                "count_text": ngettext("%(count)d role", "%(count)d roles", count) % {"count": count},
                "paging": shown.paging,
            },
        }
        return self.render("applications/application_access.html", context)


class ApplicationResources(AccessPage):
    """Its resources, static ones and those of the tenant's own, each below what contains it."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        ended = chosen(request, STATE) == "ended"
        shown = _ended(self, application) if ended else _living(self, application)
        context = {
            **self.around(application, "resources"),
            "filters": filters(request, _("Search resources"), [STATE, KIND]),
            "ended": ended,
            **shown,
        }
        return self.render("applications/application_resources.html", context)


def _roles(page: ApplicationPage, application: Application, ended: bool) -> QuerySet[ApplicationRole]:
    rows = application.roles.select_related("supersedes")
    rows = rows.filter(during__endswith__lte=page.at) if ended else rows.at(page.at)
    if text := paging.searched(page.request):
        rows = rows.filter(role_words.called(text) | Q(key__icontains=text))
    return rows


def _role_cells(
    page: ApplicationPage, application: Application, roles: Sequence[ApplicationRole], ended: bool
) -> list[list[dict[str, Any]]]:
    living = RolePermission.objects.at(page.at).filter(role__in=roles).order_by()
    sizes: dict[UUID, int] = dict(living.values_list("role_id").annotate(Count("pk")))
    few = [pk for pk, size in sizes.items() if size <= FEW]
    held: dict[UUID, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for pk, name, privilege in living.filter(role_id__in=few).values_list(
        "role_id", "resource__name", "privilege"
    ):
        held[pk][name].append(privilege)
    heirs = dict(
        ApplicationRole.objects.filter(supersedes__in=roles).values_list("supersedes_id", "name")
        if ended
        else ()
    )
    readable = page.can("Roles:read|Modules:read")
    return [
        [
            {
                "text": role_words.shown(role),
                "note": " · ".join(part for part in (role.key, role.description) if part),
                "url": page.url("accesscontrol:application-role", application_id=application.id, key=role.key)
                if readable and not ended
                else "",
            },
            {"text": _allows(held[role.pk], sizes.get(role.pk, 0))},
            {"day": role.during.upper, "note": _heir(heirs.get(role.pk, ""))}
            if ended
            else {"text": grouped(sizes.get(role.pk, 0))},
        ]
        for role in roles
    ]


def _allows(held: dict[str, list[str]], size: int) -> str:
    if held:
        lines = [f"{name}: {', '.join(sorted(held[name], key=_ORDER.index))}" for name in sorted(held)]
        return "; ".join(lines)
    return _("many things: see its page") if size else _("nothing by itself")


def _heir(name: str) -> str:
    return _("superseded by %(name)s") % {"name": name} if name else ""


def _living(page: ApplicationPage, application: Application) -> dict[str, Any]:
    request = page.request
    woods = forest([application.id], tenant_id=page.tenant.pk, at=page.at, text=paging.searched(request))
    kind = chosen(request, KIND)
    nodes = [
        node for node in woods.nodes.values() if node.found and (not kind or node.dynamic == (kind == "own"))
    ]
    places = {node.id: f"{index:06}" for index, node in enumerate(nodes)}
    shown = paging.page_of_list(nodes, request=request, key=lambda node: (places[node.id],), size=SIZE)
    flat = bool(paging.searched(request))

    def path(node: Node) -> str:
        return " › ".join(reversed([each.name for each in woods.above(node)])) if flat else ""

    count = len(nodes)
    return {
        "rows": [
            {"node": node, "path": path(node), "offers": ", ".join(node.offered)} for node in shown.rows
        ],
        "paging": shown.paging,
        "count_text": ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count},
    }


def _ended(page: ApplicationPage, application: Application) -> dict[str, Any]:
    """Flat: what contained them may be gone, too."""
    mine = Q(owner_tenant=None) | Q(owner_tenant=page.tenant)
    rows = Resource.objects.filter(mine, application=application, during__endswith__lte=page.at)
    kind = chosen(page.request, KIND)
    if kind:
        rows = rows.filter(owner_tenant__isnull=kind == "static")
    if text := paging.searched(page.request):
        rows = rows.filter(Q(name__icontains=text) | Q(key__icontains=text) | Q(type__icontains=text))
    count = rows.count()
    last = ResourcePlace.objects.filter(resource=OuterRef("pk")).order_by("-during")
    rows = rows.annotate(offered=Subquery(last.values("privileges")[:1]))
    shown = paging.page_of(rows, request=page.request, key="name")
    labels = [_("Resource"), _("Type"), _("Offered"), _("Ended")]
    return {
        "table": {
            "caption": _("Resources"),
            "columns": [{"label": label} for label in labels],
            "rows": [
                {
                    "cells": [
                        {"text": row.name, "note": row.key if row.key != row.name else ""},
                        {"code": row.type},
                        {"text": ", ".join(row.offered or ())},
                        {"day": row.during.upper},
                    ]
                }
                for row in shown.rows
            ],
            "count_text": ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count},
            "paging": shown.paging,
        }
    }
