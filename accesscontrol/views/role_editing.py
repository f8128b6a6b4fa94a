"""Making and changing a role of the organization's own: its names, and its permissions as a matrix."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition, RoleChanged, Wanted
from accesscontrol.forms.roles import NewRoleForm, RoleConfirmForm, RoleForm
from accesscontrol.models import TenantRole
from accesscontrol.views import role_rows
from accesscontrol.views.role_drafts import MOST, Draft
from accesscontrol.views.role_merge import meanwhile
from accesscontrol.views.role_pages import RolePage, held_by
from applications.http import SAME_CLICK, take_turns
from applications.models import Resource
from iam_portal.errors import DomainError
from tenants.impact import Act, ImpactChanged, ImpactRequired, carry_out
from tenants.views import impacts
from tenants.views.console import revision_of


class _Editor(RolePage):
    """Draws the form around a draft; without a ``role`` it is to be made."""

    def drawn(
        self, form: forms.Form, draft: Draft, role: TenantRole | None, status: int = 200, **more: Any
    ) -> HttpResponse:
        """The form, with one page of the matrix."""
        stored, applications = held_by(role, self) if role else ({}, set())
        context = {
            "form": form,
            "page": self.heading(role),
            "cancel_url": self.to("detail", role) if role else self.url("accesscontrol:role-list"),
            "submit": _("Save role") if role else _("Make role"),
            "revision": role.revision if role else None,
            "changed": _changed(draft),
            **role_rows.part(self, draft, stored, applications),
            **more,
        }
        return self.render("accesscontrol/role_form.html", context, status=status)

    def heading(self, role: TenantRole | None) -> dict[str, Any]:
        """``page``."""
        lead = _("Tick what whoever holds it may do. What you may not give yourself is off, with the reason.")
        title = _("Edit %(name)s") % {"name": role.name} if role else _("Make a role")
        return {"title": title, "breadcrumb": self.crumbs(role), "lead": lead}

    def permissions(self, draft: Draft, stored: Mapping[UUID, frozenset[str]]) -> list[Wanted]:
        """All that the role shall hold, as the action takes it."""
        held = draft.over(stored)
        rows = Resource.objects.filter(pk__in=held).values_list("pk", "application_id", "type", "key")
        places = {pk: address for pk, *address in rows}
        return sorted(
            (places[pk][0], places[pk][1], places[pk][2], privilege)
            for pk, privileges in held.items()
            if pk in places  # what is gone meanwhile, or another organization's, is nobody's to give
            for privilege in privileges
        )

    def too_much(self, draft: Draft, form: forms.Form) -> bool:
        """Whether one form changes more than it can carry."""
        if len(draft.changes) <= MOST:
            return False
        said = _("That is more than %(most)d resources at once. Save some of it first.") % {"most": MOST}
        form.add_error(None, said)
        return True


class RoleCreate(_Editor):
    """A new role. The same form sent twice makes one."""

    permission = "Roles:add"
    recent = True

    def place(self) -> str:
        return self.url("accesscontrol:role-list")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.drawn(NewRoleForm(), Draft(), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        draft = Draft.of(request.POST)
        if request.POST.get("go") != "save":
            return self.drawn(NewRoleForm(initial=request.POST.dict()), draft, None)
        form = NewRoleForm(request.POST)
        if not form.is_valid() or self.too_much(draft, form):
            return self.drawn(form, draft, None)
        given = form.cleaned_data
        definition = Definition(permissions=self.permissions(draft, {}), **given)
        take_turns(f"role:{self.tenant.pk}:{self.actor.id}")
        with self.attempt(form) as outcome:
            role = self._same(definition) or tenant_roles.create(
                tenant=self.tenant, definition=definition, by=self.actor, at=self.at
            )
        if not outcome:
            return self.drawn(form, draft, None)
        said = _("The role %(name)s is there. Give it to somebody.") % {"name": role.name}
        return self.done(said, self.to("detail", role))

    def _same(self, definition: Definition) -> TenantRole | None:
        """The role that the same form made a moment ago: one click, sent twice."""
        rows = TenantRole.objects.at(self.at).filter(tenant=self.tenant, key=definition.key, revision=1)
        texts = {"name": definition.name, "description": definition.description}
        role = rows.filter(during__startswith__gt=self.at - SAME_CLICK, **texts).first()
        if role is None:
            return None
        held, _applications = held_by(role, self)
        return role if self.permissions(Draft(), held) == sorted(definition.permissions) else None


class RoleEdit(_Editor):
    """Another name, more or fewer permissions. What takes something from somebody is shown first."""

    permission = "Roles:modify"
    recent = True

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        role = self.own()
        initial = {"name": role.name, "description": role.description}
        return self.drawn(RoleForm(initial=initial), Draft(), role)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        role, draft = self.own(), Draft.of(request.POST)
        shown = revision_of(request)
        # The confirmation's own button has no name; the other one leads back to the form.
        confirmed = "save" if request.POST.get("impact") else ""
        if request.POST.get("go", confirmed) != "save":
            form = RoleForm(initial=request.POST.dict())
            return self.drawn(form, draft, role, revision=shown or role.revision)
        form = RoleForm(request.POST)
        if not form.is_valid() or self.too_much(draft, form):
            return self.drawn(form, draft, role, revision=shown or role.revision)
        with self.attempt(form) as outcome:
            self._carry_out(role, form, draft, shown)
        if outcome:
            return self.done(_("The role %(name)s is saved.") % {"name": role.name}, self.to("detail", role))
        refusal = outcome.refusal
        if isinstance(refusal, ImpactRequired | ImpactChanged):
            return self._asked(role, form, draft, shown, refusal)
        if isinstance(refusal, RoleChanged):  # told now: what is sent again is sent knowingly
            merge = meanwhile(self, role, shown or role.revision)
            return self.drawn(form, draft, role, 412, meanwhile=merge)
        return self.drawn(form, draft, role, revision=shown or role.revision)

    def _carry_out(self, role: TenantRole, form: forms.Form, draft: Draft, shown: int | None) -> None:
        stored, _applications = held_by(role, self)
        texts = {"name": form.cleaned_data["name"], "description": form.cleaned_data["description"]}
        definition = Definition(key=role.key, permissions=self.permissions(draft, stored), **texts)
        given: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        asked = [role.key, role.revision, texts, definition.permissions]
        act = Act(name="define", subject=role, asked=asked, by=self.actor, **given)

        def define() -> TenantRole:
            return tenant_roles.define(definition=definition, revision=shown, by=self.actor, **given)

        expected = self.request.POST.get("impact") or None
        carry_out(act, define, expected=expected, required=True, unless_nothing=True)

    def _asked(
        self, role: TenantRole, form: forms.Form, draft: Draft, shown: int | None, refusal: DomainError
    ) -> HttpResponse:
        """The same form once more, out of sight, below what it takes away."""
        found = refusal.data["impact"]
        stored, _applications = held_by(role, self)
        initial = {**form.cleaned_data, "kept": draft.carried(stored)}
        confirm = {
            "title": _("Change the role %(name)s?") % {"name": role.name},
            "act": _("Save role"),
            "url": self.request.path,
            "cancel_url": self.to("edit", role),
            "revision": shown,
            "impact": found["revision"],
            "danger": True,
            **impacts.shown(found, self, nothing=_("Nobody loses anything.")),
        }
        page = {"title": _("Edit %(name)s") % {"name": role.name}, "breadcrumb": self.crumbs(role)}
        context = {
            "page": page,
            "confirm": confirm,
            "confirm_panels": [{"template": "accesscontrol/_role_back.html"}],
            "form": RoleConfirmForm(initial=initial),
        }
        return self.render("iam_portal/confirm.html", context)


def _changed(draft: Draft) -> str:
    count = len(draft.changes)
    if not count:
        return ""
    return ngettext(
        "%(count)d resource changed, not saved yet", "%(count)d resources changed, not saved yet", count
    ) % {"count": count}
