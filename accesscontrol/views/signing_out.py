"""The answer of a person who was asked whether to sign out, as an application wished."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accesscontrol.oauth import browsers, logout
from tenants.actions import sessions
from tenants.http import forget, leaving
from tenants.views import providers
from tenants.views.console import ConsolePage


class SignOutAsked(ConsolePage):
    """Ends this browser's session and goes on to the application. Without a session it is simply out.

    So it is at an organization that does not exist: which ones there are, it tells nobody.
    """

    public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.tenant is None:
            return logout.signed_out(request, slug=self.slug)
        address = logout.onward(request.POST.get("onward", ""), tenant=self.tenant)
        left = leaving.Leaving()
        if self.session is not None:
            left = leaving.leave(tenant=self.tenant, session=self.session, onward=address)
            sessions.sign_out(session=self.session, by=self.actor, at=self.at)
        if left.address:
            response = browsers.quiet(providers.leaving_page(self, left))
        else:
            response = logout.signed_out(request, slug=self.slug, address=address)
        forget(request, response, tenant=self.tenant)
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(self.url("tenants:session-start"))
