"""What an operator does to organizations: make, rename, suspend, resume, and invite once more."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from accesscontrol.installation import organizations
from accesscontrol.views.platform.frame import OrganizationPage, PlatformPage, whole
from iam_portal.errors import DomainError
from tenants.actions import founding, tenants
from tenants.forms.organizations import MailboxForm, NameForm, NewOrganizationForm, SuspensionForm
from tenants.impact import Act, ImpactChanged, ImpactRequired, carry_out, foresee
from tenants.models import Tenant
from tenants.models.tenants import slug_fits
from tenants.views.console import ConfirmPage, FormPage


class CreateOrganization(PlatformPage, FormPage):
    """An organization and its first administrator; with ``?slug=`` also whether that one is free."""

    permission = "Organizations:add"
    recent = True
    template = "accesscontrol/organization_create.html"

    def frame(self) -> dict[str, Any]:
        back = self.url("accesscontrol:organization-list")
        page = {
            "title": _("New organization"),
            "breadcrumb": [{"label": _("Organizations"), "url": back}],
            "lead": _("It begins with one person, who gets a link by mail. You will not see what is inside."),
        }
        return {"page": page, "submit": _("Create organization"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        slug = request.GET.get("slug", "")
        typed = {"slug": slug} if slug_fits(slug) else {}
        return self._page(NewOrganizationForm(check_url=request.path, initial=typed), slug)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewOrganizationForm(request.POST, check_url=request.path)
        if form.is_valid():
            with self.attempt(form) as outcome:
                made = founding.found(by=self.actor, at=self.at, **form.cleaned_data)
            if outcome:
                said = _("%(name)s is there. The invitation is on its way to %(email)s.")
                words = {"name": made.name, "email": form.cleaned_data["email"]}
                url = self.url("accesscontrol:organization-detail", organization_id=made.pk)
                return self.done(said % words, url)
        return self._page(form, request.POST.get("slug", ""))

    def _page(self, form: NewOrganizationForm, slug: str) -> HttpResponse:
        return self.form_page(form, slug=slug[:41], slug_state=_slug_state(slug))


class RenameOrganization(OrganizationPage, FormPage):
    """Another name; id and short name stay."""

    permission = "Organizations:modify"

    def frame(self) -> dict[str, Any]:
        row = self.organization()
        page = {
            "title": _("Rename organization"),
            "breadcrumb": self.crumbs(row),
            "lead": _("Id and short name stay, and so does every address."),
        }
        return {"page": page, "submit": _("Save"), "cancel_url": self.back()}

    def get(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        row = self.organization()
        return self.form_page(NameForm(initial={"name": row.name, "revision": row.revision}))

    def post(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        row, form = self.organization(), NameForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                made = tenants.rename(tenant=row, by=self.actor, at=self.at, **form.cleaned_data)
            if outcome:
                return self.done(_("It is called %(name)s now.") % {"name": made.name}, self.back())
        return self.form_page(form)


class SuspendOrganization(OrganizationPage):
    """From now on or for a span: what it takes away is shown first, and again when the dates are others."""

    permission = "Organizations:modify"
    recent = True

    def get(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        row = self.organization()
        impact = self._impact(row, {})
        return self._show(row, SuspensionForm(at=self.at, initial={"shown": _revision(impact)}), impact)

    def post(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        row, form = self.organization(), SuspensionForm(request.POST, at=self.at)
        if not form.is_valid():
            return self._show(row, form, self._impact(row, {}))
        given = form.cleaned_data
        with self.attempt(form) as outcome:
            expected = given["shown"] or None
            carry_out(*self._weighed(row, given), expected=expected, required=True)
        if outcome:
            return self.done(_said(row, given), self.back())
        if isinstance(outcome.refusal, ImpactChanged | ImpactRequired):
            impact = outcome.refusal.data["impact"]
            data = request.POST.copy()
            data["shown"] = _revision(impact)
            again = SuspensionForm(data, at=self.at)
            again.is_valid()
            return self._show(row, again, impact, differs=True)
        return self._show(row, form, None)

    def _weighed(self, row: Any, given: Mapping[str, Any]) -> tuple[Act, Callable[[], object]]:
        """The act for its impact, and the act itself."""
        span = {name: given.get(name) for name in ("starts_at", "ends_at")}
        act = Act(name="suspend", tenant=self.tenant, subject=row, at=self.at, when=span["starts_at"])
        reason = given.get("reason", "")
        return act, lambda: tenants.suspend(tenant=row, reason=reason, by=self.actor, at=self.at, **span)

    def _impact(self, row: Any, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """None for what is refused anyway: the page then says why when it is sent."""
        try:
            return foresee(*self._weighed(row, given)).as_json()
        except DomainError:
            return None

    def _show(
        self, row: Any, form: SuspensionForm, impact: Mapping[str, Any] | None, **more: bool
    ) -> HttpResponse:
        counts = _counts(impact, organizations.reach(row.pk, at=self.at)) if impact else []
        confirm = {
            "title": _("Suspend %(name)s?") % {"name": row.name},
            "act": _("Suspend organization"),
            "url": self.request.path,
            "cancel_url": self.back(),
            "danger": True,
            "at": form.cleaned_data.get("starts_at") if form.is_bound else None,
            "counts": counts,
            "nothing": _("Nobody can sign in there any more. Nothing of it is used elsewhere."),
        }
        page = {
            "title": _("Suspend organization"),
            "breadcrumb": self.crumbs(row),
            "lead": _(
                "Nobody can sign in there, and nothing that it owns is available anywhere, until it ends."
            ),
        }
        context = {"page": page, "confirm": confirm, "form": form, **more}
        return self.render("applications/confirm.html", context)


class _ActOnOrganization(OrganizationPage, ConfirmPage):
    """An act after a question."""

    def question(self, row: Any, *, act: str, **asked: Any) -> dict[str, Any]:
        """The context of the question."""
        confirm = {"act": act, "cancel_url": self.back(), **asked}
        return {"page": {"title": act, "breadcrumb": self.crumbs(row)}, "confirm": confirm}


class ResumeOrganization(_ActOnOrganization):
    """Everything as it was; or a planned suspension that does not come."""

    permission = "Organizations:modify"

    def confirmation(self) -> dict[str, Any]:
        row = self.organization()
        if row.planned and not row.suspended:
            title = _("Cancel the planned suspension of %(name)s?") % {"name": row.name}
            nothing = _("Nothing becomes unavailable then.")
            return self.question(row, act=_("Cancel suspension"), title=title, nothing=nothing)
        title = _("Resume %(name)s?") % {"name": row.name}
        said = _("People there can sign in again; what it owns and gets by contract is available again.")
        return self.question(row, act=_("Resume organization"), title=title, nothing=said)

    def act(self, revision: int | None) -> str:
        row = self.organization()
        tenants.resume(tenant=row, by=self.actor, at=self.at)
        if row.suspended:
            return _("%(name)s is resumed.") % {"name": row.name}
        return _("%(name)s will not be suspended.") % {"name": row.name}


class InviteAgain(_ActOnOrganization):
    """The first administrator, as long as nobody has come in."""

    permission = "Organizations:add"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.organization()
        title = _("Send the invitation for %(name)s again?") % {"name": row.name}
        said = _("The link that was sent before stops working.")
        asked = self.question(row, act=_("Send invitation"), title=title, nothing=said)
        return {**asked, "form": MailboxForm()}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = MailboxForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                row, email = self.organization(), form.cleaned_data["email"] or None
                founding.invite_again(tenant=row, email=email, by=self.actor, at=self.at)
            if outcome:
                return self.done(_("A new invitation is on its way."), self.back())
        shown = {**self.confirmation(), "form": form}
        shown["confirm"]["url"] = request.path
        return self.render("iam_portal/confirm.html", shown)


def _slug_state(slug: str) -> dict[str, str]:
    """What is said below the field while it is typed; nothing for nothing."""
    if not slug:
        return {}
    if not slug_fits(slug):
        return {"state": "refused", "text": _("Use lower-case letters, digits and hyphens, at most 40.")}
    if Tenant.objects.filter(slug=slug).exists():
        return {"state": "refused", "text": _("It is taken.")}
    return {"state": "available", "text": _("It is free.")}


def _counts(impact: Mapping[str, Any], reach: organizations.Reach) -> list[dict[str, Any]]:
    """How much, never whose: the operator is no party of it."""
    contracts, users, services = (
        int(impact.get(part, {}).get("count", 0)) for part in ("contracts", "users", "services")
    )
    elsewhere, others = reach.elsewhere, reach.organizations
    found = [
        (elsewhere, ngettext("Application used elsewhere", "Applications used elsewhere", elsewhere)),
        (others, ngettext("Other organization", "Other organizations", others)),
        (contracts, npgettext("counted", "Contract", "Contracts", contracts)),
        (users, npgettext("counted", "Person", "People", users)),
        (services, ngettext("Service call", "Service calls", services)),
    ]
    return [{"value": whole(number), "label": label} for number, label in found if number]


def _said(row: Any, given: Mapping[str, Any]) -> str:
    if given["starts_at"]:
        return _("%(name)s will be suspended as planned.") % {"name": row.name}
    return _("%(name)s is suspended.") % {"name": row.name}


def _revision(impact: Mapping[str, Any] | None) -> str:
    return str(impact["revision"]) if impact else ""
