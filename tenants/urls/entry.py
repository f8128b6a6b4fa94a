"""The way in, before an organization is known."""

from django.urls import path

from tenants.views import entry

app_name = "entry"

urlpatterns = [
    path("", entry.PickOrganization.as_view(), name="organization-pick"),
    path("asked", entry.OrganizationsAsked.as_view(), name="organization-asked"),
    path("forget", entry.ForgetOrganization.as_view(), name="organization-forget"),
    path("join", entry.JoinPartner.as_view(), name="invitation-open"),
    path("join/<str:code>", entry.TakeInvitation.as_view(), name="invitation-take"),
]
