"""All roles that exist here: the organization's own, those of its applications, and the portal's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol.models import Assignment, TenantRole
from accesscontrol.views import linking
from accesscontrol.views.role_choices import telling
from applications import facts as sharing_facts
from applications.availability import Answer, granted
from applications.models.applications import PORTAL_ID
from applications.opened import held_by_contract
from applications.views import role_words
from tenants.http import paging
from tenants.models import Tenant
from tenants.views.console import ConsolePage

KINDS = {
    "own": gettext_lazy("Own roles"),
    "application": gettext_lazy("Of applications"),
    "portal": gettext_lazy("Of this portal"),
}
HELD = {"yes": gettext_lazy("By somebody"), "no": gettext_lazy("By nobody")}
_RANKS = {kind: str(rank) for rank, kind in enumerate(KINDS)}
_COUNTS = ("permissions", "people", "groups", "services")
# By what leads to them: asked of each role of the installation, it takes as long as all others together.
_HERE = """
WITH own AS MATERIALIZED (
    SELECT id, display_name FROM applications_application
    WHERE (owner_id = %s OR id = %s) AND (during @> %s) IS TRUE
)
SELECT r.id, r.key, r.name, r.description, r.application_id, own.display_name
FROM own CROSS JOIN LATERAL (
    SELECT * FROM applications_applicationrole
    WHERE application_id = own.id AND (during @> %s) IS TRUE OFFSET 0
) r
UNION ALL
SELECT r.id, r.key, r.name, r.description, r.application_id, a.display_name
FROM (
    SELECT DISTINCT t.role_id FROM applications_contract c
    JOIN applications_contractterm t ON t.contract_id = c.id
    WHERE c.consumer_id = %s AND c.state = 'accepted' AND (c.ends_at IS NULL OR c.ends_at > %s)
) agreed
CROSS JOIN LATERAL (
    SELECT * FROM applications_applicationrole WHERE id = agreed.role_id AND (during @> %s) IS TRUE OFFSET 0
) r
CROSS JOIN LATERAL (
    SELECT id, owner_id, display_name FROM applications_application
    WHERE id = r.application_id AND (during @> %s) IS TRUE OFFSET 0
) a
WHERE a.owner_id <> %s AND a.id <> %s AND (a.id IN ({held})) IS TRUE
"""
# Role by role: together, the rows of all are sorted, or the planner calls for help that costs more. At one
# moment nobody holds a role of the organization's own twice; one of an application by several contracts.
_COUNTED = """
SELECT role.id, (
    SELECT count(*) FROM accesscontrol_tenantrolepermission
    WHERE tenant_id = %(tenant)s AND role_id = ANY(ARRAY[role.id]) AND (during @> %(at)s) IS TRUE
), held.* FROM unnest(%(own)s::uuid[]) AS role(id)
CROSS JOIN LATERAL (
    SELECT count(user_id), count(group_id), count(application_id) FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND tenant_role_id = role.id AND (during @> %(at)s) IS TRUE
) held
UNION ALL
SELECT role.id, NULL, held.* FROM unnest(%(declared)s::uuid[]) AS role(id)
CROSS JOIN LATERAL (
    SELECT count(DISTINCT user_id), count(DISTINCT group_id), count(DISTINCT application_id)
    FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND application_role_id = role.id AND (during @> %(at)s) IS TRUE
) held
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A role for the list. ``application_id`` is empty for one of the organization's own."""

    pk: UUID
    key: str
    name: str
    description: str
    application_id: str = ""
    application: str = ""
    shown: str = ""  # its name in the reader's language

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return (
            "portal" if self.application_id == PORTAL_ID else "application" if self.application_id else "own"
        )

    @property
    def place(self) -> tuple[str, ...]:
        """Own ones first, then by application; the portal's come last."""
        return (
            _RANKS[self.kind],
            self.application.lower(),
            self.application_id,
            self.shown.lower(),
            str(self.pk),
        )

    def matches(self, text: str) -> bool:
        """Whether it has the text in one of its names."""
        return any(text in each.lower() for each in (self.name, self.shown, self.key, self.application))


def roles_here(tenant: Tenant, at: datetime) -> list[tuple[Any, ...]]:
    """Application roles that the tenant owns, or has or will have by a contract, and the portal's."""
    held = held_by_contract(tenant.pk, at=at)
    with connection.cursor() as cursor:
        own = (tenant.pk, PORTAL_ID, at, at)
        cursor.execute(_HERE.format(held=held.sql), (*own, tenant.pk, at, at, at, *own[:2], *held.values))
        return cursor.fetchall()


class RoleList(ConsolePage):
    """Searched, filtered, paged; what is counted and judged is the page alone."""

    permission = "Roles:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        everything = _entries(self)
        chosen = _narrowed(self, everything)
        shown = paging.page_of_list(chosen, request=request, key=lambda entry: entry.place)
        labels = [_("Role"), _("Application"), _("State"), _("Held by")]
        create = self.link(_("Make a role"), "Roles:add", self.url("accesscontrol:role-create"), icon="plus")
        table = {
            "caption": _("Roles"),
            "columns": [{"label": label} for label in labels],
            "rows": [{"cells": cells} for cells in _rows(self, shown.rows)],
            "count_text": ngettext("%(count)d role", "%(count)d roles", len(chosen)) % {"count": len(chosen)},
            "paging": shown.paging,
        }
        lead = _("What somebody may do here: roles of your own, of your applications, and of this portal.")
        return self.render(
            "accesscontrol/role_list.html",
            {
                "page": {"title": _("Roles"), "lead": lead, "primary": create},
                "filters": _filters(self, everything),
                "table": table,
            },
        )


def _entries(page: ConsolePage) -> list[Entry]:
    own = TenantRole.objects.at(page.at).filter(tenant=page.tenant)
    names = ("pk", "key", "name", "description")
    found = [
        Entry(pk, key, name, description, shown=name)
        for pk, key, name, description in own.values_list(*names)
    ]
    return found + [_worded(*row) for row in roles_here(page.tenant, page.at)]


def _worded(*row: Any) -> Entry:
    """The portal and its roles in the reader's language; others are called as they are called."""
    pk, key, name, description, application_id, application = row
    called, shown = (role_words.named(each, application_id) for each in (application, name))
    return Entry(pk, key, name, description, application_id, called, shown)


def _narrowed(page: ConsolePage, entries: Iterable[Entry]) -> list[Entry]:
    given = page.request.GET
    text = paging.searched(page.request).lower()
    application, kind = paging.searched(page.request, "application"), given.get("kind", "")
    rows = [entry for entry in entries if not text or entry.matches(text)]
    if kind in KINDS:
        rows = [entry for entry in rows if entry.kind == kind]
    if application:
        rows = [entry for entry in rows if entry.application_id == application]
    if given.get("held") in HELD:
        living = Assignment.objects.at(page.at).filter(tenant=page.tenant)
        held = {pk for pair in living.values_list("application_role_id", "tenant_role_id") for pk in pair}
        rows = [entry for entry in rows if (entry.pk in held) == (given["held"] == "yes")]
    return rows


def _filters(page: ConsolePage, entries: Sequence[Entry]) -> dict[str, Any]:
    places = {entry.application_id: entry.application for entry in entries if entry.kind == "application"}
    applications = dict(sorted(places.items(), key=lambda pair: pair[1].lower())[:50])
    menus = (
        ("kind", _("Kind"), KINDS),
        ("application", _("Application"), applications),
        ("held", _("Held"), HELD),
    )
    return linking.filters(page.request, menus, placeholder=_("Search roles and applications"))


def _rows(page: ConsolePage, entries: Sequence[Entry]) -> list[list[dict[str, Any]]]:
    applications = {entry.application_id for entry in entries if entry.application_id}
    sharing = sharing_facts.sharing(applications, tenant_ids=[page.tenant.pk]) if applications else {}
    own = [entry.pk for entry in entries if entry.kind == "own"]
    declared = [entry.pk for entry in entries if entry.kind != "own"]
    holders = counted(own, declared, tenant=page.tenant, at=page.at)
    made = []
    for entry in entries:
        if entry.kind == "own":
            size = holders[entry.pk]["permissions"]
            url = page.url("accesscontrol:role-detail", key=entry.key)
            note = ngettext("%(count)d permission", "%(count)d permissions", size) % {"count": size}
            where, state = {"text": _("own role")}, {"state": "active", "note": note}
        else:
            named = {"application_id": entry.application_id, "key": entry.key}
            url = page.url("accesscontrol:application-role", **named)
            facts = sharing[entry.application_id]
            where = {"text": entry.application}
            state = standing(granted(facts, role=entry.key, tenant_id=str(page.tenant.pk), at=page.at))
        name = {"text": entry.shown, "url": url, "note": telling(entry.name, entry.key)}
        made.append([name, where, state, {"text": said(holders[entry.pk])}])
    return made


def standing(answer: Answer) -> dict[str, Any]:
    """Whether a role is granted here, as a cell with what stands in its way."""
    if answer:
        return {"state": "available"}
    reason = answer.decision.reasons[0]
    states = {"contract_not_started": "scheduled", "contract_paused": "paused", "contract_ended": "ended"}
    return {"state": states.get(reason.code, "not_available"), "note": reason.text}


def counted(
    own: Sequence[UUID], declared: Sequence[UUID], *, tenant: Tenant, at: datetime
) -> dict[UUID, dict[str, int]]:
    """How many people, groups and services hold each of the roles directly, and what own ones hold."""
    with connection.cursor() as cursor:
        roles = {"own": list(own), "declared": list(declared)}
        cursor.execute(_COUNTED, {"tenant": tenant.pk, "at": at, **roles})
        return {role: dict(zip(_COUNTS, numbers, strict=True)) for role, *numbers in cursor.fetchall()}


def said(numbers: dict[str, int]) -> str:
    """``3 people, 1 group``."""
    people, groups, services = numbers["people"], numbers["groups"], numbers["services"]
    parts = [
        ngettext("%(count)d person", "%(count)d people", people) % {"count": people} if people else "",
        ngettext("%(count)d group", "%(count)d groups", groups) % {"count": groups} if groups else "",
        ngettext("%(count)d service", "%(count)d services", services) % {"count": services}
        if services
        else "",
    ]
    return ", ".join(part for part in parts if part) or _("nobody")
