"""What may be done to a person: each asks its action, and says what came of it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import users
from tenants.forms import RevisedUserForm, UserForm
from tenants.models import Membership, User, UserSession
from tenants.signals import user_shown
from tenants.views.console import ConfirmPage, FormPage
from tenants.views.users import one_of


class InviteUser(FormPage):
    """A new account; the link that sets its password goes to the person's own mailbox."""

    permission = "Users:add"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:user-list")
        page = {
            "title": _("Invite a person"),
            "breadcrumb": [{"label": _("Users"), "url": back}],
            "lead": _(
                "The person gets a link by mail and sets a password. Roles and groups are given afterwards."
            ),
        }
        return {"page": page, "submit": _("Send invitation"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(UserForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = UserForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                user = users.invite(tenant=self.tenant, by=self.actor, at=self.at, **form.cleaned_data)
            if outcome:
                said = _("An invitation is on its way to %(email)s.") % {"email": user.email}
                return self.done(said, self.url("tenants:user-detail", user_id=user.pk))
        return self.form_page(form)


class ChangeUser(FormPage):
    """Another name or mailbox."""

    permission = "Users:modify"

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:user-detail", user_id=self.user.pk)
        crumbs = [
            {"label": _("Users"), "url": self.url("tenants:user-list")},
            {"label": str(self.user), "url": back},
        ]
        page = {"title": _("Change"), "breadcrumb": crumbs}
        return {"page": page, "submit": _("Save"), "cancel_url": back}

    def get(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        self.user = one_of(self.tenant, user_id, self.at)
        names = ("display_name", "email", "username", "revision")
        return self.form_page(RevisedUserForm(initial={name: getattr(self.user, name) for name in names}))

    def post(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        self.user = one_of(self.tenant, user_id, self.at)
        form = RevisedUserForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                users.change(
                    tenant=self.tenant, user_id=user_id, by=self.actor, at=self.at, **form.cleaned_data
                )
            if outcome:
                return self.done(_("Saved."), self.url("tenants:user-detail", user_id=user_id))
        return self.form_page(form)


class _ActOnUser(ConfirmPage):
    """An act on one person, after a question."""

    permission = "Users:modify"

    def person(self) -> User:
        """Asked of again after the act: it is always as it is now."""
        return one_of(self.tenant, self.kwargs["user_id"], self.at)

    def question(self, user: User, *, act: str, **asked: Any) -> dict[str, Any]:
        """The context of the question."""
        back = self.url("tenants:user-detail", user_id=user.pk)
        crumbs = [
            {"label": _("Users"), "url": self.url("tenants:user-list")},
            {"label": str(user), "url": back},
        ]
        confirm = {"act": act, "cancel_url": back, "revision": user.revision, **asked}
        return {"page": {"title": act, "breadcrumb": crumbs}, "confirm": confirm}


class DeactivateUser(_ActOnUser):
    """No sign-in, and nothing held, from now on."""

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        held = self.panels(user_shown, user=user)
        names = [
            {"label": panel["title"], "items": [{"text": text} for text in panel["names"]]}
            for panel in held
            if panel["names"]
        ]
        sessions = UserSession.objects.filter(user=user, ended_at=None, expires_at__gt=self.at).count()
        counts = [
            {"label": _("Open sessions"), "value": sessions},
            {"label": _("Groups"), "value": Membership.objects.at(self.at).filter(user=user).count()},
            {"label": _("Roles"), "value": sum(len(panel["names"]) for panel in held)},
        ]
        title = _("Deactivate %(name)s?") % {"name": user}
        return self.question(user, act=_("Deactivate"), title=title, counts=counts, names=names, danger=True)

    def act(self, revision: int | None) -> str:
        user = users.deactivate(
            tenant=self.tenant, user_id=self.kwargs["user_id"], by=self.actor, at=self.at, revision=revision
        )
        return _("%(name)s is inactive: signed out, and without any role.") % {"name": user}


class ReactivateUser(_ActOnUser):
    """He may come back, with what he still has."""

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        title = _("Reactivate %(name)s?") % {"name": user}
        said = _("Memberships and roles that were not taken away meanwhile count again.")
        return self.question(user, act=_("Reactivate"), title=title, nothing=said)

    def act(self, revision: int | None) -> str:
        user = users.reactivate(
            tenant=self.tenant, user_id=self.kwargs["user_id"], by=self.actor, at=self.at, revision=revision
        )
        return _("%(name)s is active again.") % {"name": user}


class SendLink(_ActOnUser):
    """A link to set a password, to the person's own mailbox and nowhere else."""

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        title = _("Send a link to %(email)s?") % {"email": user.email}
        said = _("Older links stop working. The present password stays until the new link is used.")
        return self.question(user, act=_("Send link"), title=title, nothing=said)

    def act(self, revision: int | None) -> str:
        user = self.person()
        users.reset(tenant=self.tenant, user_id=user.pk, by=self.actor, at=self.at)
        return _("A link is on its way to %(email)s.") % {"email": user.email}
