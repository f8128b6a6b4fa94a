"""What may be done to a person: each asks its action, and says what came of it."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import deletion, factors, steps, users
from tenants.forms import RevisedUserForm, UserForm
from tenants.impact import Act
from tenants.models import User
from tenants.views.console import ConfirmPage, FormPage
from tenants.views.users import one_of
from tenants.views.weighed import NamedPage, Weighed, WeighedPage


class InviteUser(FormPage):
    """A new account; the link that sets its password goes to the person's own mailbox."""

    permission = "Users:add"
    recent = True

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
    recent = True

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:user-detail", user_id=self.user.pk)
        crumbs = [
            {"label": _("Users"), "url": self.url("tenants:user-list")},
            {"label": str(self.user), "url": back},
        ]
        page = {"title": _("Change"), "breadcrumb": crumbs}
        return {"page": page, "submit": _("Save"), "cancel_url": back}

    def fresh(self) -> RevisedUserForm:
        self.user = one_of(self.tenant, self.kwargs["user_id"], self.at)
        names = ("display_name", "email", "username", "revision")
        return RevisedUserForm(initial={name: getattr(self.user, name) for name in names})

    def get(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest, user_id: UUID) -> HttpResponse:
        self.user = one_of(self.tenant, user_id, self.at)
        form = RevisedUserForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                users.change(
                    tenant=self.tenant, user_id=user_id, by=self.actor, at=self.at, **form.cleaned_data
                )
            if outcome:
                said = _("%(name)s is changed.") % {"name": form.cleaned_data["display_name"]}
                return self.done(said, self.url("tenants:user-detail", user_id=user_id))
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


class _TakesFromUser(_ActOnUser, WeighedPage):
    """An act that takes what he holds. ``asked_of`` is he, as the question found him."""

    name: ClassVar[str]
    action: ClassVar[Callable[..., object]]
    asked_of: User

    def person(self) -> User:
        self.asked_of = super().person()
        return self.asked_of

    def weighed(self, revision: int | None) -> Weighed:
        user = self.asked_of
        act = Act(name=self.name, tenant=self.tenant, subject=user, at=self.at, by=self.actor)
        given: dict[str, Any] = {"tenant": self.tenant, "user_id": user.pk, "by": self.actor, "at": self.at}
        action = type(self).action
        return act, lambda: action(**given, revision=revision)


class DeactivateUser(_TakesFromUser):
    """No sign-in, and nothing held, from now on."""

    name = "deactivate"
    action = users.deactivate

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        title = _("Deactivate %(name)s?") % {"name": user}
        nothing = _("%(name)s is not signed in and holds no role.") % {"name": user}
        seen = self.foreseen(nothing=nothing)
        return self.question(user, act=_("Deactivate"), title=title, danger=True, **seen)

    def act(self, revision: int | None) -> str:
        user = self.person()
        self.carry_out(revision)
        return _("%(name)s is inactive: signed out, and without any role.") % {"name": user}


class DeleteUser(_TakesFromUser, NamedPage):
    """Everything of his ends, for good."""

    permission = "Users:delete"
    recent = True
    name = "delete"
    action = deletion.delete

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        title = _("Delete the account of %(name)s?") % {"name": user}
        nothing = _("%(name)s is not signed in and holds no role.") % {"name": user}
        seen = self.foreseen(nothing=nothing)
        asked = {"title": title, "irreversible": str(user), "danger": True, **seen}
        return self.question(user, act=_("Delete account"), **asked)

    def act(self, revision: int | None) -> str:
        user = self.person()
        self.carry_out(revision)
        return _("The account of %(name)s is deleted.") % {"name": user}

    def done_url(self, back: str) -> str:
        return self.url("tenants:user-list")


class ReactivateUser(_ActOnUser):
    """He may come back, with what he still has."""

    recent = True

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
        asked: dict[str, Any] = {"title": title, "nothing": said}
        if steps.has_factor(user):
            text = _("Reset second factors, where somebody else may have added one")
            item = {"text": text, "url": self.url("tenants:user-factors", user_id=user.pk)}
            asked["names"] = [{"label": _("Passkeys and apps stay after a new password"), "items": [item]}]
        return self.question(user, act=_("Send link"), **asked)

    def act(self, revision: int | None) -> str:
        user = self.person()
        users.reset(tenant=self.tenant, user_id=user.pk, by=self.actor, at=self.at)
        return _("A link is on its way to %(email)s.") % {"email": user.email}


class ResetFactors(_ActOnUser):
    """For who has lost them: the password alone, until another one is set up."""

    recent = True

    def confirmation(self) -> dict[str, Any]:
        user = self.person()
        held = steps.held(user)
        counts = [
            {"label": _("Passkeys"), "value": held.passkeys},
            {"label": _("Authenticator apps"), "value": held.apps},
            {"label": _("Recovery codes"), "value": held.codes},
        ]
        title = _("Reset the second factors of %(name)s?") % {"name": user}
        asked: dict[str, Any] = {"title": title, "danger": True, "counts": counts if held else []}
        if not held:
            asked["nothing"] = _("%(name)s has no second factor.") % {"name": user}
        return self.question(user, act=_("Reset second factors"), **asked)

    def act(self, revision: int | None) -> str:
        user = self.person()
        given: dict[str, Any] = {"by": self.actor, "at": self.at, "revision": revision}
        factors.reset(tenant=self.tenant, user_id=user.pk, **given)
        return _("%(name)s is signed out, has no second factor any more, and is told so by mail.") % {
            "name": user
        }
