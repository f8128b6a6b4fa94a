"""All addresses."""

from django.urls import URLPattern, URLResolver, include, path

from iam_portal import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", pages.livez, name="livez"),
    path("readyz", pages.readyz, name="readyz"),
    path("metrics", pages.metrics, name="metrics"),
    path("", include("accesscontrol.oauth.urls")),
    path("iam/application-management/v1/", include("applications.urls.api")),
    path("iam/application-management/v1/", include("tenants.urls.api")),
    path("iam/access-management/v1/", include("accesscontrol.urls.api")),
    path("iam/scim/v2/", include("accesscontrol.urls.scim")),
    path("iam/schema/", pages.described, name="schema"),
    path("iam/reference/", pages.reference, name="reference"),
    path("", include("tenants.urls.entry")),
    path("t/<slug:slug>/", include("tenants.urls.pages")),
    path("t/<slug:slug>/", include("applications.urls.pages")),
    path("t/<slug:slug>/", include("accesscontrol.urls.pages")),
]

handler400 = "iam_portal.pages.bad_request"
handler403 = "iam_portal.pages.forbidden"
handler404 = "iam_portal.pages.not_found"
handler500 = "iam_portal.pages.server_error"
