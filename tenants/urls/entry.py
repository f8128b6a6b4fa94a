"""The way in, before an organization is known."""

from django.urls import path

from tenants.views import brand_files, entry, languages

app_name = "entry"

urlpatterns = [
    path("", entry.PickOrganization.as_view(), name="organization-pick"),
    path("brand/<slug:colour>.css", brand_files.BrandSheet.as_view(), name="brand-sheet"),
    path("asked", entry.OrganizationsAsked.as_view(), name="organization-asked"),
    path("forget", entry.ForgetOrganization.as_view(), name="organization-forget"),
    path("language", languages.ChooseLanguage.as_view(), name="language-choose"),
    path("join", entry.JoinPartner.as_view(), name="invitation-open"),
    path("join/<str:code>", entry.TakeInvitation.as_view(), name="invitation-take"),
]
