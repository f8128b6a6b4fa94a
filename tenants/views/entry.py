"""The way in: which organization, and an invitation that somebody was sent. Nothing is ever listed here."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.cache import never_cache

from iam_portal.tracing import source_address
from tenants.actions import finding
from tenants.forms import EntryForm, OrganizationForm
from tenants.http import carried
from tenants.http.refusals import into_form
from tenants.models.tenants import SLUG_PATTERN

REMEMBERED = "iam_organization"  # the slug that this browser was in last
INVITATION = "iam_invitation"
SLUG = re.compile(SLUG_PATTERN)
YEAR = 31_536_000


def remember_organization(response: HttpResponse, slug: str) -> None:
    """So that the next visit begins with this organization."""
    response.set_cookie(
        REMEMBERED,
        slug,
        max_age=YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@method_decorator(never_cache, name="dispatch")
class PickOrganization(View):
    """``/``: the address of the organization, then its sign-in page, which looks alike for any address."""

    heading: str | Promise = _("Which organization?")
    lead: str | Promise = _("To sign in, say first to which organization you belong.")
    target = "tenants:session-start"
    form: type[OrganizationForm] = EntryForm

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        if isinstance(form, EntryForm) and form.email:
            return self._ask(request, form)
        slug = form.cleaned_data["organization"]
        response = HttpResponseRedirect(reverse(self.target, kwargs={"slug": slug}))
        remember_organization(response, slug)
        return response

    def _ask(self, request: HttpRequest, form: EntryForm) -> HttpResponse:
        """The same answer for every address, after the same work."""
        try:
            finding.ask(email=form.email, source_address=source_address(request), at=timezone.now())
        except finding.AskedTooOften as refusal:
            into_form(form, refusal)
            response = self._page(request, form, status=429)
            response["Retry-After"] = str(refusal.data["retryAfter"])
            return response
        return HttpResponseRedirect(reverse("entry:organization-asked"))

    def _page(self, request: HttpRequest, form: OrganizationForm, status: int = 200) -> HttpResponse:
        known = request.COOKIES.get(REMEMBERED, "")
        known = known if SLUG.fullmatch(known) else ""
        context = {"heading": self.heading, "lead": self.lead, "form": form, "known": known}
        context["known_url"] = reverse(self.target, kwargs={"slug": known}) if known else ""
        return render(request, "tenants/organization_pick.html", context, status=status)


@method_decorator(never_cache, name="dispatch")
class OrganizationsAsked(View):
    """What everybody reads who typed an e-mail address."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "tenants/organization_asked.html", {"heading": _("Look into your mail")})


class ForgetOrganization(View):
    """The organization that this browser was in last is nobody's business here any more."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("entry:organization-pick"))

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(reverse("entry:organization-pick"))
        response.delete_cookie(REMEMBERED, samesite="Lax")
        return response


class JoinPartner(PickOrganization):
    """Which organization answers the invitation; there it is looked at before anything happens."""

    heading = _("You are invited to a partnership")
    lead = _("Say for which organization you answer. You see who invites before you accept anything.")
    target = "tenants:partner-redeem"
    form = OrganizationForm


@method_decorator(never_cache, name="dispatch")
class TakeInvitation(View):
    """Takes the code of an invitation out of the address at once."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        to = reverse("entry:invitation-open")
        # For every path: the page that accepts stands below an organization that is not known yet.
        return carried.taken_out(name=INVITATION, value=code[:200], to=to, path="/")
