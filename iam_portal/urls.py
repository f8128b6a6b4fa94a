"""All addresses."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from iam_portal import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", pages.livez, name="livez"),
    path("readyz", pages.readyz, name="readyz"),
    path("metrics", pages.metrics, name="metrics"),
    path("", include("accesscontrol.oauth.urls")),
    path("iam/application-management/v1/", include("applications.urls.api")),
    path("iam/application-management/v1/", include("tenants.urls.api")),
    path("iam/access-management/v1/", include("accesscontrol.urls.api")),
    path("iam/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    # Of the two that there are, the one that needs neither inline script nor inline style.
    path(
        "iam/reference/",
        SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="iam_portal/reference.html"),
        name="reference",
    ),
    path("", include("tenants.urls.entry")),
    path("t/<slug:slug>/", include("tenants.urls.pages")),
    path("t/<slug:slug>/", include("applications.urls.pages")),
    path("t/<slug:slug>/", include("accesscontrol.urls.pages")),
]

handler400 = "iam_portal.pages.bad_request"
handler403 = "iam_portal.pages.forbidden"
handler404 = "iam_portal.pages.not_found"
handler500 = "iam_portal.pages.server_error"
