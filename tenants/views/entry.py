"""The way in: which organization, and an invitation that somebody was sent. Nothing is ever listed here."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.cache import never_cache

from tenants.forms import OrganizationForm
from tenants.http import carried

REMEMBERED = "iam_organization"  # the slug that this browser was in last
INVITATION = "iam_invitation"
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
    lead: str | Promise = ""
    target = "tenants:session-start"

    def get(self, request: HttpRequest) -> HttpResponse:
        known = request.COOKIES.get(REMEMBERED, "")
        return self._page(request, OrganizationForm(initial={"organization": known}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = OrganizationForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        slug = form.cleaned_data["organization"]
        response = HttpResponseRedirect(reverse(self.target, kwargs={"slug": slug}))
        remember_organization(response, slug)
        return response

    def _page(self, request: HttpRequest, form: OrganizationForm) -> HttpResponse:
        context = {"heading": self.heading, "lead": self.lead, "form": form}
        return render(request, "tenants/organization_pick.html", context)


class JoinPartner(PickOrganization):
    """Which organization answers the invitation; there it is looked at before anything happens."""

    heading = _("You are invited to a partnership")
    lead = _("Say for which organization you answer. You see who invites before you accept anything.")
    target = "tenants:partner-redeem"


@method_decorator(never_cache, name="dispatch")
class TakeInvitation(View):
    """Takes the code of an invitation out of the address at once."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        to = reverse("entry:invitation-open")
        # For every path: the page that accepts stands below an organization that is not known yet.
        return carried.taken_out(name=INVITATION, value=code[:200], to=to, path="/")
