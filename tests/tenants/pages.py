"""Sample pages and their addresses, for the tests of the frame."""

from django import forms
from django.http import HttpResponse
from django.urls import path

from iam_portal.errors import DomainError, NotFound
from iam_portal.walls import current_tenant
from tenants.actions import groups, sessions
from tenants.http import TenantPage, forget, remember


class GroupForm(forms.Form):
    name = forms.CharField(required=False)


class Open(TenantPage):
    permission = "Users:read"

    def get(self, request):
        assert current_tenant() == str(self.tenant.id)
        assert self.can("Users:read")
        return self.render("iam_portal/page.html", {"page": {"title": f"of {self.actor.name}"}})

    def post(self, request):
        """Makes a group, and refuses afterwards whatever ``then`` says."""
        form = GroupForm(request.POST)
        form.is_valid()
        with self.attempt(form if "form" in request.POST else None) as outcome:
            by = self.actor
            group = groups.create(tenant=self.tenant, name=form.cleaned_data["name"], by=by, at=self.at)
            if "loop" in request.POST:
                groups.move(tenant=self.tenant, group_id=group.id, parent_id=group.id, by=by, at=self.at)
            if "missing" in request.POST:
                raise NotFound
        return HttpResponse(f"{bool(outcome)} {form.errors.as_json()}", status=200 if outcome else 422)


class Late(TenantPage):
    """Writes first and is refused then, outside :meth:`attempt`."""

    permission = "Users:read"

    def get(self, request):
        groups.create(tenant=self.tenant, name="Half", by=self.actor, at=self.at)
        self.require("Users:delete")
        return HttpResponse()

    def post(self, request):
        groups.create(tenant=self.tenant, name="Half", by=self.actor, at=self.at)
        raise DomainError("Not in this state.")


class Closed(TenantPage):
    permission = "Keys:modify"


class Undeclared(TenantPage):
    pass


class SignIn(TenantPage):
    public = True

    def get(self, request):
        return self.render("iam_portal/signin.html", {"heading": "Sign in"})

    def post(self, request):
        try:
            user, token = sessions.sign_in(
                tenant=self.tenant, slug=self.slug, at=self.at, **request.POST.dict()
            )
        except DomainError as refusal:
            return HttpResponse(refusal.detail, status=403)
        response = HttpResponse(self.next_address())
        remember(request, response, tenant=self.tenant, user=user, token=token)
        return response


class SignOut(TenantPage):
    permission = "Users:read"

    def post(self, request):
        sessions.sign_out(session=self.session, by=self.actor, at=self.at)
        response = HttpResponse()
        forget(request, response, tenant=self.tenant)
        return response


urlpatterns = [
    path("t/<slug:slug>/", Open.as_view(), name="overview"),
    path("t/<slug:slug>/open", Open.as_view(), name="open"),
    path("t/<slug:slug>/late", Late.as_view(), name="late"),
    path("t/<slug:slug>/closed", Closed.as_view(), name="closed"),
    path("t/<slug:slug>/undeclared", Undeclared.as_view(), name="undeclared"),
    path("t/<slug:slug>/sign-in", SignIn.as_view(), name="sign-in"),
    path("t/<slug:slug>/sign-out", SignOut.as_view(), name="sign-out"),
]
