"""Making, changing, moving and deleting groups; taking somebody out."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from iam_portal.errors import NotFound
from tenants.actions import groups
from tenants.forms import ChosenPlaceForm, NewGroupForm, PlaceForm, RevisedGroupForm
from tenants.http.undoing import Undo
from tenants.impact import Act, ImpactChanged, ImpactRequired, carry_out
from tenants.models import Group
from tenants.views import impacts, trees
from tenants.views.console import ConsolePage, FormPage
from tenants.views.weighed import Weighed, WeighedPage


class OfGroup(ConsolePage):
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


def moving(page: ConsolePage, group: Group, parent: str | None, revision: int | None) -> Weighed:
    """The move for its impact, and the move itself."""
    named: dict[str, Any] = {"tenant": page.tenant, "by": page.actor, "at": page.at}
    act = Act(name="move", subject=group, asked=parent or None, **named)
    parent_id = UUID(parent) if parent else None
    return act, lambda: groups.move(**named, group_id=group.pk, parent_id=parent_id, revision=revision)


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


class ChangeGroup(OfGroup, FormPage):
    """Another name or purpose."""

    permission = "Groups:modify"

    def frame(self) -> dict[str, Any]:
        crumbs = self.crumbs(self.shown)
        page = {"title": _("Change"), "breadcrumb": crumbs}
        return {"page": page, "submit": _("Save"), "cancel_url": crumbs[-1]["url"]}

    def fresh(self) -> RevisedGroupForm:
        self.shown = self.group()
        names = ("name", "description", "revision")
        return RevisedGroupForm(initial={name: getattr(self.shown, name) for name in names})

    def get(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        form = RevisedGroupForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                groups.rename(
                    tenant=self.tenant, group_id=group_id, by=self.actor, at=self.at, **form.cleaned_data
                )
            if outcome:
                said = _("%(name)s is changed.") % {"name": form.cleaned_data["name"]}
                return self.done(said, self.url("tenants:group-detail", group_id=group_id))
        return self.form_page(form)


class MoveGroup(OfGroup, FormPage):
    """Another place in the tree: roles from above follow it."""

    permission = "Groups:modify"
    recent = True

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
        initial = {"parent": woods.parents.get(str(group_id)), "revision": self.shown.revision}
        return self.form_page(PlaceForm(parents=self._places(woods), initial=initial))

    def post(self, request: HttpRequest, group_id: UUID) -> HttpResponse:
        self.shown = self.group()
        woods = trees.forest(self.tenant, self.at)
        form = PlaceForm(request.POST, parents=self._places(woods))
        if not form.is_valid():
            return self.form_page(form)
        with self.attempt(form) as outcome:
            weighed = moving(self, self.shown, form.cleaned_data["parent"], form.cleaned_data["revision"])
            expected = request.POST.get("impact") or None
            carry_out(*weighed, expected=expected, required=True, unless_nothing=True)
        if outcome:
            return self._moved(woods, form.cleaned_data["parent"])
        if isinstance(outcome.refusal, ImpactRequired | ImpactChanged):
            return self._asked(outcome.refusal.data["impact"])
        return self.form_page(form)

    def _moved(self, woods: trees.Forest, parent: str | None) -> HttpResponse:
        """Say where it stands, with the way back to where it stood."""
        moved, former = self.group(), woods.parents.get(str(self.shown.pk))
        fields = (("parent", str(former or "")), ("revision", str(moved.revision)))
        where = woods.groups[parent].name if parent else ""
        said = _("%(name)s stands below %(parent)s now.") if where else _("%(name)s stands at the top now.")
        said %= {"name": moved.name, "parent": where}
        here = self.url("tenants:group-detail", group_id=moved.pk)
        return self.done(said, here, Undo(self.request.path, fields))

    def _asked(self, found: impacts.Found) -> HttpResponse:
        """The same form once more, out of sight, below what the move takes away."""
        crumbs = self.crumbs(self.shown)
        confirm = {
            "title": _("Move %(name)s?") % {"name": self.shown.name},
            "act": _("Move group"),
            "url": self.request.path,
            "cancel_url": crumbs[-1]["url"],
            "impact": found["revision"],
            "danger": True,
            **impacts.shown(found, self, nothing=_("Nobody loses anything.")),
        }
        places = self._places(trees.forest(self.tenant, self.at))
        form = ChosenPlaceForm(
            initial={name: self.request.POST.get(name, "") for name in ("parent", "revision")}, parents=places
        )
        page = {"title": _("Move"), "breadcrumb": crumbs}
        return self.render("iam_portal/confirm.html", {"page": page, "confirm": confirm, "form": form})

    def _places(self, woods: trees.Forest) -> list[tuple[str, str]]:
        return woods.choices(without=woods.below(str(self.shown.pk)))


class DeleteGroup(OfGroup, WeighedPage):
    """The group ends, with its memberships, what was given to it and the mappers that lead into it."""

    permission = "Groups:delete"
    recent = True
    required = unless_nothing = True

    def weighed(self, revision: int | None) -> Weighed:
        group = self.group()
        act = Act(name="delete", tenant=self.tenant, subject=group, at=self.at, by=self.actor)
        given: dict[str, Any] = {"tenant": self.tenant, "group_id": group.pk, "by": self.actor, "at": self.at}
        return act, lambda: groups.delete(**given, revision=revision)

    def confirmation(self) -> dict[str, Any]:
        group = self.group()
        crumbs = self.crumbs(group)
        confirm = {
            "title": _("Delete the group %(name)s?") % {"name": group.name},
            "act": _("Delete group"),
            "cancel_url": crumbs[-1]["url"],
            "revision": group.revision,
            "danger": True,
            **self.foreseen(nothing=_("Nobody loses a role.")),
        }
        return {"page": {"title": _("Delete"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        group = self.group()
        self.carry_out(revision)
        return _("The group %(name)s is deleted.") % {"name": group.name}

    def done_url(self, back: str) -> str:
        return self.url("tenants:group-list")
