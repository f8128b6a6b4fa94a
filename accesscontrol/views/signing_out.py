"""The answer of a person who was asked whether to sign out, as an application wished."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accesscontrol.oauth import logout
from tenants.actions import sessions
from tenants.http import forget
from tenants.views.console import ConsolePage


class SignOutAsked(ConsolePage):
    """Ends this browser's session and goes on to the application. Without a session it is simply out.

    So it is at an organization that does not exist: which ones there are, it tells nobody.
    """

    public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        if self.tenant is None:
            return logout.signed_out(request, slug=self.slug)
        if self.session is not None:
            sessions.sign_out(session=self.session, by=self.actor, at=self.at)
        address = logout.onward(request.POST.get("onward", ""), tenant=self.tenant)
        response = logout.signed_out(request, slug=self.slug, address=address)
        forget(request, response, tenant=self.tenant)
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(self.url("tenants:session-start"))
