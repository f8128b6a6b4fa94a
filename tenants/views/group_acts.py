"""Making, changing, moving and deleting groups; taking somebody out."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from iam_portal.errors import NotFound
from tenants.actions import groups, memberships
from tenants.forms import NewGroupForm, PlaceForm, RevisedGroupForm
from tenants.models import Group, Membership
from tenants.signals import group_shown
from tenants.views import trees
from tenants.views.console import ConfirmPage, ConsolePage, FormPage


class _OfGroup(ConsolePage):
    """What pages about one group share."""

    def group(self) -> Group:
        """The living group of this tenant."""
        found = Group.objects.at(self.at).filter(tenant=self.tenant, pk=self.kwargs["group_id"]).first()
        if found is None:
            raise NotFound
        return found

    def crumbs(self, group: Group) -> list[dict[str, str]]:
        """The way to a page below the group."""
        return [
            {"label": _("Groups"), "url": self.url("tenants:group-list")},
            {"label": group.name, "url": self.url("tenants:group-detail", group_id=group.pk)},
        ]


class CreateGroup(FormPage):
    """A group without members."""

    permission = "Groups:add"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:group-list")
        page = {"title": _("Create a group"), "breadcrumb": [{"label": _("Groups"), "url": back}]}
        return {"page": page, "submit": _("Create group"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {"parent": request.GET.get("parent", "")}
        return self.form_page(NewGroupForm(parents=self._parents(), initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewGroupForm(request.POST, parents=self._parents())
        if form.is_valid():
            given = form.cleaned_data
            with self.attempt(form) as outcome:
                group = groups.create(
                    tenant=self.tenant,
                    name=given["name"],
                    description=given["description"],
                    parent_id=UUID(given["parent"]) if given["parent"] else None,
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                said = _("The group %(name)s is there. Add its members.") % {"name": group.name}
                return self.done(said, self.url("tenants:group-detail", group_id=group.pk))
        return self.form_page(form)

    def _parents(self) -> list[tuple[str, str]]:
        return trees.forest(self.tenant, self.at).choices()


class ChangeGroup(_OfGroup, FormPage):
    """Another name or purpose."""

    permission = "Groups:modify"

    def frame(self) -> dict[str, Any]:
        crumbs = self.crumbs(self.shown)
        page = {"title": _("Change"), "breadcrumb": crumbs}
        return {"page": page, "submit": _("Save"), "cancel_url": crumbs[-1]["url"]}

    def get(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        names = ("name", "description", "revision")
        return self.form_page(RevisedGroupForm(initial={name: getattr(self.shown, name) for name in names}))

    def post(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        form = RevisedGroupForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                groups.rename(
                    tenant=self.tenant, group_id=group_id, by=self.actor, at=self.at, **form.cleaned_data
                )
            if outcome:
                return self.done(_("Saved."), self.url("tenants:group-detail", group_id=group_id))
        return self.form_page(form)


class MoveGroup(_OfGroup, FormPage):
    """Another place in the tree: roles from above follow it."""

    permission = "Groups:modify"

    def frame(self) -> dict[str, Any]:
        crumbs = self.crumbs(self.shown)
        lead = _(
            "Members lose what comes from the groups above the old place, and gain what stands above the new."
        )
        page = {"title": _("Move"), "breadcrumb": crumbs, "lead": lead}
        return {"page": page, "submit": _("Move group"), "cancel_url": crumbs[-1]["url"]}

    def get(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        woods = trees.forest(self.tenant, self.at)
        initial = {"parent": woods.parents.get(group_id), "revision": self.shown.revision}
        return self.form_page(PlaceForm(parents=self._places(woods), initial=initial))

    def post(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        form = PlaceForm(request.POST, parents=self._places(trees.forest(self.tenant, self.at)))
        if form.is_valid():
            given = form.cleaned_data
            parent_id = UUID(given["parent"]) if given["parent"] else None
            with self.attempt(form) as outcome:
                groups.move(
                    tenant=self.tenant,
                    group_id=group_id,
                    parent_id=parent_id,
                    by=self.actor,
                    at=self.at,
                    revision=given["revision"],
                )
            if outcome:
                return self.done(_("Moved."), self.url("tenants:group-detail", group_id=group_id))
        return self.form_page(form)

    def _places(self, woods: trees.Forest) -> list[tuple[str, str]]:
        return woods.choices(without=woods.below(self.shown.pk))


class DeleteGroup(_OfGroup, ConfirmPage):
    """The group ends, with its memberships and what was given to it."""

    permission = "Groups:delete"

    def confirmation(self) -> dict[str, Any]:
        group = self.group()
        crumbs = self.crumbs(group)
        held = self.panels(group_shown, group=group)
        roles = [
            {"label": panel["title"], "items": [{"text": text} for text in panel["names"]]}
            for panel in held
            if panel["names"]
        ]
        counts = [
            {"label": _("Members"), "value": Membership.objects.at(self.at).filter(group=group).count()},
            {"label": _("Roles"), "value": sum(len(panel["names"]) for panel in held)},
        ]
        confirm = {
            "title": _("Delete the group %(name)s?") % {"name": group.name},
            "act": _("Delete group"),
            "cancel_url": crumbs[-1]["url"],
            "revision": group.revision,
            "counts": counts,
            "names": roles,
            "danger": True,
        }
        return {"page": {"title": _("Delete"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        group = self.group()
        groups.delete(tenant=self.tenant, group_id=group.pk, by=self.actor, at=self.at, revision=revision)
        return _("The group %(name)s is deleted.") % {"name": group.name}

    def done_url(self, back: str) -> str:
        return self.url("tenants:group-list")


class RemoveMember(_OfGroup, ConfirmPage):
    """Somebody leaves the group."""

    permission = "Groups:modify"

    def confirmation(self) -> dict[str, Any]:
        group = self.group()
        user = self.tenant.users.filter(pk=self.kwargs["user_id"]).first()
        if user is None:
            raise NotFound
        crumbs = self.crumbs(group)
        held = [name for panel in self.panels(group_shown, group=group) for name in panel["names"]]
        confirm = {
            "title": _("Remove %(name)s from %(group)s?") % {"name": user, "group": group.name},
            "act": _("Remove member"),
            "cancel_url": crumbs[-1]["url"],
            "nothing": _("No role comes from this group."),
            "counts": [{"label": _("Roles that came from the group"), "value": len(held)}] if held else [],
            "names": [{"label": _("Roles"), "items": [{"text": text} for text in held]}] if held else [],
            "danger": True,
        }
        return {"page": {"title": _("Remove member"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        user_id = self.kwargs["user_id"]
        group_id = self.kwargs["group_id"]
        memberships.remove(tenant=self.tenant, group_id=group_id, user_id=user_id, by=self.actor, at=self.at)
        return _("Removed.")
