"""Groups: the tree, and one of them with its members."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import OuterRef, Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iam_portal.decision import Decision, Reason
from iam_portal.errors import NotFound
from tenants.actions import memberships
from tenants.forms import MemberForm
from tenants.http import paging
from tenants.models import Group, Membership, UserActivity
from tenants.models.lookups import there_is
from tenants.signals import group_shown
from tenants.views import trees
from tenants.views.console import ConsolePage

SUGGESTED = 50
DRAWN = 100  # groups in one tree
FOUND = 50


class GroupList(ConsolePage):
    """The tree, as far down as can be looked through; or the groups that were searched for."""

    permission = "Groups:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        woods, wanted = trees.forest(self.tenant, self.at), paging.searched(request)
        rows, said = _found(self, woods, wanted) if wanted else _drawn(self, woods)
        create = self.link(_("Create a group"), "Groups:add", self.url("tenants:group-create"), icon="plus")
        lead = _("Whoever is in a group holds its roles, and those of the groups above it.")
        context = {
            "page": {"title": _("Groups"), "lead": lead, "primary": create},
            "filters": {"url": request.path, "q": wanted, "placeholder": _("Search groups")},
            "rows": rows,
            "said": said,
            "any": bool(woods.groups),
        }
        return self.render("tenants/group_list.html", context)


def _drawn(page: ConsolePage, woods: trees.Forest) -> tuple[list[dict[str, Any]], str]:
    branches = woods.branches(most=DRAWN)
    rows = _rows(page, [(branch, branch.group.description) for branch in branches])
    if len(rows) == len(woods.groups):
        return rows, ""
    said = _(
        "%(shown)d of %(count)d groups are drawn, the topmost."
        " Search for another, or open a group to see what stands below it."
    )
    return rows, said % {"shown": len(rows), "count": len(woods.groups)}


def _found(page: ConsolePage, woods: trees.Forest, wanted: str) -> tuple[list[dict[str, Any]], str]:
    """Flat, each with the way down to it."""
    hits = woods.matching(wanted)
    flat = [trees.Branch(group, 0, False, range(0)) for group in hits[:FOUND]]
    ways = [" › ".join(above.name for above in woods.above(branch.group.pk)) for branch in flat]
    rows = _rows(page, list(zip(flat, ways, strict=True)))
    said = _("The first %(shown)d of %(count)d groups that match. Type more of the name.")
    return rows, said % {"shown": len(rows), "count": len(hits)} if len(rows) < len(hits) else ""


def _rows(page: ConsolePage, branches: list[tuple[trees.Branch, str]]) -> list[dict[str, Any]]:
    """Each as it is drawn, with its note."""
    ids = [branch.group.pk for branch, _note in branches]
    counts = trees.members(page.tenant, ids, page.at)
    return [
        {
            "name": branch.group.name,
            "url": page.url("tenants:group-detail", group_id=branch.group.pk),
            "note": note,
            "members": _counted(counts.get(branch.group.pk, 0)),
            "hidden": _hidden(branch.hidden),
            "opens": branch.opens,
            "closes": branch.closes,
        }
        for branch, note in branches
    ]


def _counted(count: int) -> str:
    return ngettext("%(count)d member", "%(count)d members", count) % {"count": count}


def _hidden(count: int) -> str:
    return (
        ngettext("%(count)d group below", "%(count)d groups below", count) % {"count": count} if count else ""
    )


class GroupDetail(ConsolePage):
    """One group. Sending the form adds a member."""

    permission = "Groups:read"
    recent = True

    def get(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        return self._page(group_id, MemberForm(tenant=self.tenant, at=self.at))

    def post(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.require("Groups:modify")
        form = MemberForm(request.POST, tenant=self.tenant, at=self.at)
        if form.is_valid():
            user, span = form.cleaned_data["user"], ("starts_at", "ends_at")
            with self.attempt(form) as outcome:
                memberships.add(
                    tenant=self.tenant,
                    group_id=group_id,
                    user_id=user.pk,
                    by=self.actor,
                    at=self.at,
                    **{name: form.cleaned_data[name] for name in span},
                )
            if outcome:
                planned = form.cleaned_data["starts_at"] is not None
                said = _("%(name)s will be a member.") if planned else _("%(name)s is a member now.")
                return self.done(said % {"name": user}, request.path)
        return self._page(group_id, form)

    def _page(self, group_id: UUID, form: MemberForm) -> HttpResponse:
        group = Group.objects.at(self.at).filter(tenant=self.tenant, pk=group_id).first()
        if group is None:
            raise NotFound
        return self.render("tenants/group_detail.html", {**_shown(self, group), "form": form})


def _shown(page: ConsolePage, group: Group) -> dict[str, Any]:
    at, near = page.request.path, trees.around(group, page.at)
    change = page.link(_("Change"), "Groups:modify", f"{at}/change", icon="edit")
    return {
        "page": {
            "title": group.name,
            "breadcrumb": _crumbs(page, near),
            "copy_id": str(group.pk),
            "lead": group.description,
            "primary": change,
            "more": _more(page, near),
        },
        "members": _members(page, group),
        "adding": page.can("Groups:modify"),
        "people": _suggested(page, group) if page.can("Groups:modify") else (),
        "subgroups": [_linked(page, below) for below in near.below],
        "panels": page.panels(group_shown, group=group),
        "history": page.history("group", group.pk),
        "history_url": f"{page.url('tenants:activity-list')}?object=group:{group.pk}",
    }


def _linked(page: ConsolePage, group: trees.Leaf) -> dict[str, str]:
    return {"label": group.name, "url": page.url("tenants:group-detail", group_id=group.pk)}


def _crumbs(page: ConsolePage, near: trees.Around) -> list[dict[str, str]]:
    top = {"label": _("Groups"), "url": page.url("tenants:group-list")}
    return [top, *(_linked(page, above) for above in near.above)]


def _more(page: ConsolePage, near: trees.Around) -> list[dict[str, Any]]:
    at = page.request.path
    delete = page.link(_("Delete"), "Groups:delete", f"{at}/delete", icon="trash", dialog=True, danger=True)
    if delete["decision"] and near.below:
        said = _("Groups stand below it: move or delete them first.")
        delete["decision"] = Decision.no(Reason("group_has_subgroups", said))
    return [page.link(_("Move"), "Groups:modify", f"{at}/move", icon="arrow-right"), delete]


def _members(page: ConsolePage, group: Group) -> dict[str, Any]:
    rows = Membership.objects.not_over(page.at).filter(group=group).select_related("user")
    count = Membership.objects.at(page.at).filter(group=group).count()
    rows = rows.annotate(sorted_by=Lower("user__display_name"))
    shown = paging.page_of(rows, request=page.request, key="sorted_by")
    return {
        "caption": _("Members"),
        "columns": [
            {"label": _("Name")},
            {"label": _("From")},
            {"label": _("Until")},
            {"label": _("Remove"), "hidden_label": True},
        ],
        "rows": [{"cells": _cells(page, row)} for row in shown.rows],
        "count_text": _counted(count),
        "paging": shown.paging,
    }


def _cells(page: ConsolePage, row: Membership) -> list[dict[str, Any]]:
    url = page.url("tenants:user-detail", user_id=row.user_id)
    start, end = row.during.lower, row.during.upper
    of_row = f"{page.request.path}/members/{row.user_id}/{{}}?{urlencode({'from': start.isoformat()})}"
    may = page.can("Groups:modify")
    until = {"day": end} if end else {"text": _("no end").replace(" ", "\u00a0")}
    change = {"action": {"label": _("Change"), "url": of_row.format("change")}} if may else {}
    remove = {"label": _("Remove"), "url": of_row.format("remove"), "dialog": True} if may else None
    return [
        {"text": str(row.user), "url": url, "note": row.user.email},
        {"day": start, **({"note": _("planned")} if start > page.at else {})},
        {**until, **change},
        {"action": remove},
    ]


def _suggested(page: ConsolePage, group: Group) -> list[tuple[str, str]]:
    """Some who are not in the group, for the browser to complete: user name, and who that is."""
    # Row by row in the order of an index until they are enough: joined, everybody is looked at and sorted.
    present = UserActivity.objects.at(page.at).filter(tenant=page.tenant, user=OuterRef("pk"))
    member = Membership.objects.at(page.at).filter(group=group, user=OuterRef("pk"))
    found = page.tenant.users.filter(Q(there_is(present)), ~Q(there_is(member))).order_by(Lower("username"))
    rows = found.values_list("username", "display_name", "email")[:SUGGESTED]
    return [(username, f"{name or username} · {email}") for username, name, email in rows]
