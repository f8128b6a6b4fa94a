"""django-oauth-toolkit in a project as ``startproject`` makes it: ``TOOLKIT`` says which of three ways.

``stock`` hashes client secrets as it comes; ``fast`` with the cheapest hasher there is; ``signed`` with that,
and its access tokens are signed JWTs. All three keep their database connections and one row for each token.
"""

import json
import os
import time
import uuid
from typing import Any

import django
from django.conf import settings

WAY = os.environ["TOOLKIT"]
CHEAP = "django.contrib.auth.hashers.MD5PasswordHasher"

settings.configure(
    SECRET_KEY=os.environ["SECRET"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="toolkit",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["DATABASE"],
            "USER": os.environ["DATABASE_USER"],
            "HOST": os.environ["DATABASE_HOST"],
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    **({} if WAY == "stock" else {"PASSWORD_HASHERS": [CHEAP]}),
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "Read", "introspection": "Introspect"},
        "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
        **({"ACCESS_TOKEN_GENERATOR": "toolkit.signed"} if WAY == "signed" else {}),
    },
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from joserfc import jwt  # noqa: E402
from joserfc.jwk import ECKey  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

application = get_wsgi_application()
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
_KEY = ECKey.import_key(json.loads(os.environ["SIGNING_KEY"]))


def signed(request: Any) -> str:
    """The access token as a JWT, with what a JWT of ours says that needs no contract."""
    now = int(time.time())
    claims = {
        "iss": "http://127.0.0.1",
        "sub": request.client.client_id,
        "aud": "meter",
        "exp": now + 300,
        "iat": now,
        "jti": uuid.uuid4().hex,
        "client_id": request.client.client_id,
        "scope": " ".join(request.scopes),
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, _KEY)


def prepare() -> None:
    """Tables, and one client that gets its tokens by client credentials."""
    call_command("migrate", verbosity=0)
    named = {"client_id": "reader", "client_secret": os.environ["SECRET"], "name": "reader"}
    Application.objects.create(
        **named, client_type="confidential", authorization_grant_type="client-credentials"
    )
