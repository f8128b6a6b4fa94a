"""What may be done to somebody's place in a group: another end, or none any more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from iam_portal.errors import NotFound
from tenants.actions import memberships
from tenants.forms import EndForm
from tenants.http import undoing
from tenants.http.undoing import Undo
from tenants.models import Membership
from tenants.rest import parse_moment
from tenants.signals import group_shown
from tenants.views.console import ConfirmPage, ConsolePage, FormPage
from tenants.views.group_acts import OfGroup


class _OfMember(OfGroup, ConsolePage):
    """About one membership of somebody, or all that are not over."""

    permission = "Groups:modify"
    recent = True

    def of(self) -> dict[str, Any]:
        """What every act on it takes. ``from`` of the address says which one is meant."""
        start: datetime | None = None
        if text := self.request.GET.get("from"):
            start = parse_moment(text, "from")
        return {
            "tenant": self.tenant,
            "group_id": self.kwargs["group_id"],
            "user_id": self.kwargs["user_id"],
            "by": self.actor,
            "at": self.at,
            "starts_at": start,
        }

    def meant(self) -> Membership | None:
        """The one that the address names, or else the first that is not over."""
        rows = Membership.objects.not_over(self.at).filter(group=self.group(), user=self.kwargs["user_id"])
        if start := self.of()["starts_at"]:
            rows = rows.filter(during__startswith=start)
        found: Membership | None = rows.select_related("user", "group").order_by("during").first()
        return found

    def member(self) -> Membership:
        """The same, where there has to be one."""
        found = self.meant()
        if found is None:
            raise NotFound
        return found


class ChangeMembership(_OfMember, FormPage):
    """Another end, or none."""

    def frame(self) -> dict[str, Any]:
        crumbs = self.crumbs(self.shown.group)
        page = {"title": _("Until when is %(name)s a member?") % {"name": self.shown.user}}
        return {"page": {**page, "breadcrumb": crumbs}, "submit": _("Save"), "cancel_url": crumbs[-1]["url"]}

    def get(self, request: HttpRequest, group_id: UUID, user_id: UUID) -> HttpResponse:
        self.shown = self.member()
        return self.form_page(EndForm(initial={"ends_at": self.shown.during.upper}))

    def post(self, request: HttpRequest, group_id: UUID, user_id: UUID) -> HttpResponse:
        self.shown = self.member()
        form = EndForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                memberships.set_end(**self.of(), ends_at=form.cleaned_data["ends_at"])
            if outcome:
                said = _("The membership of %(name)s is changed.") % {"name": self.shown.user}
                return self.done(said, self.url("tenants:group-detail", group_id=group_id))
        return self.form_page(form)


class RemoveMember(_OfMember, ConfirmPage):
    """Somebody leaves the group."""

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
            "url": self.request.get_full_path(),
            "cancel_url": crumbs[-1]["url"],
            "nothing": _("No role comes from this group."),
            "counts": [{"label": _("Roles that came from the group"), "value": len(held)}] if held else [],
            "names": [{"label": _("Roles"), "items": [{"text": text} for text in held]}] if held else [],
            "danger": True,
        }
        return {"page": {"title": _("Remove member"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        left = self.meant()
        memberships.remove(**self.of())
        assert left is not None  # else there was nobody to remove
        user, group = left.user, left.group
        start = "" if left.during.lower <= self.at else undoing.typed(left.during.lower)
        end = undoing.typed(left.during.upper)
        if start is not None and end is not None:
            fields = (("user", user.username), ("starts_at", start), ("ends_at", end))
            self.undo = Undo(self.url("tenants:group-detail", group_id=group.pk), fields)
        return _("%(name)s is no longer a member of %(group)s.") % {"name": user, "group": group.name}
