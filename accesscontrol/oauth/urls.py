"""Addresses of the OAuth endpoints; included at the root with an empty prefix.

Ids and slugs are plain words here, not converters: a malformed one must answer like an unknown one.
"""

from django.urls import URLPattern, path

from accesscontrol.oauth import views
from accesscontrol.oauth.authorize import AuthorizeView
from accesscontrol.oauth.logout import LogoutView
from accesscontrol.oauth.revocation import RevokeView
from accesscontrol.oauth.userinfo import UserinfoView

REALMS = "auth/realms/<str:realm>"
# (prefix of the endpoints, suffix of the URL name)
PREFIXES = (
    ("iam/access-management/v1/tenants/<str:tenant_id>/openid-connect", ""),
    (f"iam/{REALMS}/protocol/openid-connect", "-realm"),
    (f"{REALMS}/protocol/openid-connect", "-realm-short"),
)

app_name = "oauth"
urlpatterns: list[URLPattern] = [
    path("auth/oauth/token", views.TokenView.as_view(), name="token-open"),
    path("oauth2/token", views.TokenView.as_view(), name="token-open-short"),
    *(
        route
        for prefix, name in PREFIXES
        for route in (
            path(f"{prefix}/auth", AuthorizeView.as_view(), name=f"authorize{name}"),
            path(f"{prefix}/token", views.TokenView.as_view(), name=f"token{name}"),
            path(f"{prefix}/token/introspect", views.IntrospectView.as_view(), name=f"introspect{name}"),
            path(f"{prefix}/revoke", RevokeView.as_view(), name=f"revoke{name}"),
            path(f"{prefix}/userinfo", UserinfoView.as_view(), name=f"userinfo{name}"),
            path(f"{prefix}/logout", LogoutView.as_view(), name=f"logout{name}"),
            path(f"{prefix}/certs", views.CertsView.as_view(), name=f"certs{name}"),
        )
    ),
    path(
        f"iam/{REALMS}/.well-known/openid-configuration",
        views.MetadataView.as_view(),
        name="openid-configuration",
    ),
    path(
        f"{REALMS}/.well-known/openid-configuration",
        views.MetadataView.as_view(),
        name="openid-configuration-short",
    ),
    path(
        f".well-known/ssf-configuration/iam/{REALMS}",
        views.SignalsView.as_view(),
        name="ssf-configuration",
    ),
    path(
        f"iam/{REALMS}/.well-known/ssf-configuration",
        views.SignalsView.as_view(),
        name="ssf-configuration-below",
    ),
    path(
        f".well-known/oauth-authorization-server/iam/{REALMS}",
        views.MetadataView.as_view(),
        name="authorization-server",
    ),
]
