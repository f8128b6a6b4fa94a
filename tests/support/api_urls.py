"""The REST and OAuth addresses alone, for tests that do not draw pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("accesscontrol.oauth.urls")),
    path("iam/application-management/v1/", include("applications.urls.api")),
    path("iam/access-management/v1/", include("accesscontrol.urls.api")),
]
handler404 = "iam_portal.pages.not_found"
handler500 = "iam_portal.pages.server_error"
