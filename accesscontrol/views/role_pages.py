"""One role: what it may, who holds it, what was done to it."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol.decide import application_role_urn, tenant_role_urn
from accesscontrol.models import Assignment, TenantRole
from accesscontrol.views import linking
from accesscontrol.views.material import Material, material
from accesscontrol.views.matrix import Matrix
from applications import facts as sharing_facts
from applications.availability import granted
from applications.models import ApplicationRole, RolePermission
from applications.models.applications import PORTAL_ID
from applications.opened import open_to
from applications.trees import Forest, forest
from applications.views import role_words
from iam_portal.errors import NotFound
from tenants.http import paging
from tenants.models.lookups import just
from tenants.views.console import ConsolePage

SIZE = 25  # resources on a page, with five cells each
_NAMED = """
SELECT named.resource_id, s.application_id, named.privileges
FROM (
    SELECT resource_id, string_agg(privilege, ' ') AS privileges FROM accesscontrol_tenantrolepermission
    WHERE role_id = %(role)s AND (during @> %(at)s) IS TRUE GROUP BY resource_id OFFSET 0
) named
CROSS JOIN LATERAL (SELECT application_id FROM applications_resource WHERE id = named.resource_id OFFSET 0) s
"""


class RolePage(ConsolePage):
    """What pages about a role share; without an application in the address it is one of the tenant's own."""

    permission = "Roles:read"

    def own(self) -> TenantRole:
        """The living role of this tenant's making."""
        rows = TenantRole.objects.at(self.at).filter(tenant=self.tenant, key=self.kwargs["key"])
        return self.found(rows.first())

    def of_application(self) -> ApplicationRole:
        """A declared role of an application that is this organization's, or shared with it now or later."""
        named = {"application_id": self.kwargs["application_id"], "key": self.kwargs["key"]}
        seen = Q(application_id=PORTAL_ID) | Q(application__in=open_to(self.tenant, at=self.at))
        rows = ApplicationRole.objects.at(self.at).filter(seen, **named).select_related("application")
        return self.found(rows.first())

    def role(self) -> TenantRole | ApplicationRole:
        """Either."""
        return self.of_application() if "application_id" in self.kwargs else self.own()

    def found(self, role: Any) -> Any:
        """It, or 404."""
        if role is None:
            raise NotFound
        return role

    def to(self, name: str, role: TenantRole | ApplicationRole) -> str:
        """A page of the role."""
        if isinstance(role, TenantRole):
            return self.url(f"accesscontrol:role-{name}", key=role.key)
        named = {"application_id": role.application_id, "key": role.key}
        suffix = "" if name == "detail" else f"-{name}"
        return self.url(f"accesscontrol:application-role{suffix}", **named)

    def crumbs(self, role: TenantRole | ApplicationRole | None = None) -> list[dict[str, str]]:
        """The way to it, or to what is below it."""
        found = [{"label": _("Roles"), "url": self.url("accesscontrol:role-list")}]
        return found + ([{"label": role_words.shown(role), "url": self.to("detail", role)}] if role else [])

    def holders(self, role: TenantRole | ApplicationRole) -> int:
        """How many assignments of it there are, now or later."""
        return int(held(role, Assignment.objects.not_over(self.at).filter(tenant=self.tenant)).count())

    def frame(
        self, role: TenantRole | ApplicationRole, active: str, *, holders: int | None = None
    ) -> dict[str, Any]:
        """``page``: title, tabs, acts."""
        tabs: list[tuple[str, str, object]] = [("detail", _("Permissions"), "")]
        if self.can("Roles:read"):
            tabs.append(("holders", _("Held by"), self.holders(role) if holders is None else holders))
        page: dict[str, Any] = {
            "title": role_words.shown(role),
            "breadcrumb": self.crumbs(),
            "lead": role.description,
            "copy_id": role.key,
            "tabs": [
                {"label": label, "url": self.to(name, role), "active": name == active, "count": count}
                for name, label, count in tabs
            ],
        }
        assign = self.link(
            _("Assign a role"), "Roles:modify", self.url("accesscontrol:assignment-add"), icon="plus"
        )
        if isinstance(role, ApplicationRole):
            return page | {"primary": assign}
        edit = self.link(_("Edit"), "Roles:modify", self.to("edit", role), icon="edit")
        url = self.to("delete", role)
        delete = self.link(_("Delete"), "Roles:delete", url, icon="trash", dialog=True, danger=True)
        return page | {"primary": edit, "more": [assign, delete]}


def held(role: TenantRole | ApplicationRole, rows: Any) -> Any:
    """Of these assignments, those of the role."""
    if isinstance(role, TenantRole):
        return rows.filter(just("tenant_role", role.pk))
    return rows.filter(application_role=role)


class RoleDetail(RolePage):
    """The permissions, in their trees."""

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        role = self.role()
        context: dict[str, Any] = {"page": self.frame(role, "detail")}
        if isinstance(role, TenantRole):
            matrix = _own_matrix(self, role)
            context |= {"facts": _own_facts(self, role), **self.past("role", role.pk)}
        else:
            matrix = _application_matrix(self, role)
            context |= _standing(self, role)
        return self.render("accesscontrol/role_detail.html", context | _shown(self, matrix))


class ApplicationRoleDetail(RoleDetail):
    """What a role of an application may, whoever manages applications may read, too."""

    permission = "Roles:read|Modules:read"


def held_by(role: TenantRole, page: ConsolePage) -> tuple[dict[UUID, frozenset[str]], set[str]]:
    """What the tenant's role names: resource → privileges; and of which applications."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"role": role.pk, "at": page.at})
        rows = cursor.fetchall()
    return {pk: frozenset(each.split()) for pk, _of, each in rows}, {of for _pk, of, _each in rows}


def scope(page: ConsolePage, stuff: Material, wanted: str, among: set[str] | None = None) -> list[str]:
    """The applications to look through: the wanted one, or all, in their order."""
    known = [pk for pk in stuff.names if among is None or pk in among]
    return [wanted] if wanted in known else known


def _own_matrix(page: ConsolePage, role: TenantRole) -> Matrix:
    held, applications = held_by(role, page)
    stuff = material(tenant=page.tenant, at=page.at, also=applications)
    text, wanted = paging.searched(page.request), paging.searched(page.request, "application")
    woods = forest(
        scope(page, stuff, wanted, applications),
        tenant_id=page.tenant.pk,
        at=page.at,
        roles=stuff.roles,
        text=text,
        among=held,
    )
    names = {pk: stuff.names[pk] for pk in stuff.names if pk in applications}
    return Matrix(woods, held, stuff.running, names, searched=bool(text))


def _application_matrix(page: ConsolePage, role: ApplicationRole) -> Matrix:
    held: dict[UUID, set[str]] = defaultdict(set)
    rows = RolePermission.objects.at(page.at).filter(role=role)
    for pk, privilege in rows.values_list("resource_id", "privilege"):
        held[pk].add(privilege)
    text = paging.searched(page.request)
    frozen = {pk: frozenset(each) for pk, each in held.items()}
    woods = forest([role.application_id], tenant_id=page.tenant.pk, at=page.at, text=text, among=frozen)
    names = {role.application_id: str(role.application)}
    return Matrix(woods, frozen, frozenset(names), names, searched=bool(text), judged=False)


def _shown(page: ConsolePage, matrix: Matrix) -> dict[str, Any]:
    """The page of the matrix, with its search above it."""
    given = matrix.given()
    hits = [node for node in given if node.found]
    places = {node.id: f"{index:06}" for index, node in enumerate(hits)}
    part = paging.page_of_list(hits, request=page.request, key=lambda node: (places[node.id],), size=SIZE)
    count = len(hits)
    request = page.request
    chosen = request.GET.get("application", "")
    chips = [
        {
            "label": _("Application"),
            "value": matrix.names.get(chosen),
            "options": linking.options(request, "application", matrix.names),
        }
    ]
    return {
        "lines": matrix.lines(part.rows),
        "paging": part.paging,
        "count_text": ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count},
        "empty_role": not given and not matrix.forest.left_out,
        "left_out": left_out(matrix.forest, matrix.names),
        "filters": {
            "url": request.path,
            "q": paging.searched(request),
            "placeholder": _("Search resources"),
            "hidden": [("application", chosen)] if chosen else [],
            "chips": chips if len(matrix.names) > 1 else [],
            "clear_url": request.path if request.GET else "",
        },
    }


def left_out(woods: Forest, names: dict[str, str] | Any) -> str:
    """The sentence for applications that were too many to look through at once."""
    if not woods.left_out:
        return ""
    named = ", ".join(names.get(pk, pk) for pk in woods.left_out[:5])
    return _("Too many resources to show at once. Choose an application to see those of: %(names)s.") % {
        "names": named
    }


def _own_facts(page: ConsolePage, role: TenantRole) -> list[dict[str, Any]]:
    return [
        {"label": _("Kind"), "text": _("Your organization's own role")},
        {"label": _("Made"), "at": role.during.lower},
        {"label": _("Name in tokens"), "copy_id": tenant_role_urn(str(page.tenant.pk), role.key)},
        {"label": _("Revision"), "text": str(role.revision)},
    ]


def _standing(page: ConsolePage, role: ApplicationRole) -> dict[str, Any]:
    facts = sharing_facts.of_application(role.application_id, tenant_id=page.tenant.pk)
    assert facts is not None, "an application that was just read"
    answer = granted(facts, role=role.key, tenant_id=str(page.tenant.pk), at=page.at)
    urn = application_role_urn(str(page.tenant.pk), role.application_id, role.key)
    named = {"application_id": role.application_id}
    url = page.url("applications:application-detail", **named) if page.can("Modules:read") else ""
    return {
        "sentence": _("Your organization has this role.")
        if answer
        else _("Your organization does not have this role now."),
        "decision": linking.why(answer.decision, page),
        "facts": [
            {"label": _("Kind"), "text": _("Declared by an application")},
            {"label": _("Application"), "text": str(role.application), "url": url},
            {"label": _("Name in tokens"), "copy_id": urn},
        ],
        "history": None,
    }
