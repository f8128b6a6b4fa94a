"""An identity provider of somebody else, on a host of its own: it says what a test wants, true or not."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from iam_portal.walls import tenant_scope
from tenants.actions import identity_providers
from tenants.http import cookie_name
from tenants.models import IdentityLink, IdentityProvider, Tenant, User, UserSession
from tests.accesscontrol.oauth.asserting import key, signed
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.issuing import DISCOVERY, Host, host, says
from tests.support.factories import SYSTEM, make_user, sign_in

__all__ = ["host", "there"]
CLIENT, SECRET = "portal-of-globex", "s3cret-of-globex"
ANNA = {"sub": "anna-1", "email": "anna@corp.example", "email_verified": True, "name": "Anna Arendt"}


@dataclass
class There:
    """The provider, a browser, and the tenant that trusts it."""

    world: World
    host: Host
    provider: IdentityProvider
    key: Any = field(default_factory=key)
    browser: Browser = field(default_factory=Browser)
    claims: dict[str, Any] = field(default_factory=lambda: dict(ANNA))
    header: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)  # claims of the ID token that differ, or are None
    tokens: dict[str, Any] = field(default_factory=dict)  # members of the token answer that differ
    signs: Any = None

    @property
    def tenant(self) -> Tenant:
        return self.world.globex

    @property
    def at(self) -> datetime:
        return self.world.clock.at

    @property
    def issuer(self) -> str:
        return self.host.url("/there")

    def describes(self, **changed: Any) -> None:
        """Its discovery; None leaves a member out."""
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": self.host.url("/authorize"),
            "token_endpoint": self.host.url("/token"),
            "jwks_uri": self.host.url("/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
            **changed,
        }
        self.host.answers[f"/there{DISCOVERY}"] = {
            name: value for name, value in said.items() if value is not None
        }

    def url(self, end: str = "", **query: str) -> str:
        text = f"/t/globex/sign-in/by/{self.provider.key}{end}"
        return f"{text}?{urlencode(query)}" if query else text

    def asked(self, **query: str) -> dict[str, str]:
        """What the browser is sent there with."""
        return self.asked_by(self.browser.get(self.url(**query)))

    def asked_by(self, reply: Any) -> dict[str, str]:
        """What a redirect there asks; the host answers for it from now on."""
        assert reply.status_code == 302, reply.content
        assert reply["Location"].startswith(self.host.url("/authorize?")), reply["Location"]
        asked = dict(parse_qsl(urlsplit(reply["Location"]).query))
        self.host.answers["/token"] = lambda handler: self._answer(handler, asked["nonce"])
        return asked

    def comes_back(self, state: str, **answer: str | None) -> HttpResponse:
        given = {"code": "c-1", "state": state, "iss": self.issuer, **answer}
        sent = {name: value for name, value in given.items() if value is not None}
        return self.browser.get(self.url("/back", **sent))

    def signs_in(self, code: str = "c-1", **query: str) -> HttpResponse:
        """There and back."""
        return self.comes_back(self.asked(**query)["state"], code=code)

    def fails(self, code: str, reply: HttpResponse | None = None) -> None:
        """The page says this, nobody is in, and nothing secret is on it."""
        reply = reply or self.signs_in()
        text = reply.content.decode()
        assert reply.status_code == 403 and f"<code>{code}" in text, text[-900:]
        assert not self.is_in
        assert SECRET not in text and "access-1" not in text
        assert not re.search(r"eyJ[\w-]{12,}\.", text)

    @property
    def is_in(self) -> bool:
        cookie = self.browser.cookies.get(cookie_name(self.tenant.id))
        return cookie is not None and bool(cookie.value)

    def links(self, user: User, subject: str = "anna-1") -> IdentityLink:
        with tenant_scope(self.tenant.id):
            return IdentityLink.objects.create(
                tenant=self.tenant,
                provider=self.provider,
                user=user,
                subject=subject,
                created_at=self.at,
            )

    def changes(self, **chosen: Any) -> None:
        with tenant_scope(self.tenant.id):
            self.provider = identity_providers.change(
                tenant=self.tenant, key=self.provider.key, chosen=chosen, by=SYSTEM, at=self.at
            )

    def local(self, user: User) -> None:
        """The browser of somebody who signed in here as always."""
        self.browser.cookies[cookie_name(self.tenant.id)] = sign_in(user, at=self.at)

    def id_token(self, nonce: str) -> str:
        now = int(self.at.timestamp())
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
            **self.token,
        }
        header = {"alg": "ES256", "kid": self.key.thumbprint(), "typ": "JWT", **self.header}
        claims = {name: value for name, value in said.items() if value is not None}
        return signed(header, claims, self.key if self.signs is None else self.signs)

    def _answer(self, handler: BaseHTTPRequestHandler, nonce: str) -> None:
        body: dict[str, Any] = {"access_token": "access-1", "token_type": "Bearer"}
        body |= {"id_token": self.id_token(nonce), **self.tokens}
        says(body=json.dumps(body).encode())(handler)


@pytest.fixture
def there(shared: World, host: Host, settings: Settings) -> Iterator[There]:
    """Globex trusts it, under the key ``corp``."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    host.serves(key())
    chosen = {"name": "Corp login", "client_id": CLIENT, "scopes": ["email", "profile"], "enabled": True}
    with tenant_scope(shared.globex.id):
        row = identity_providers.create(
            tenant=shared.globex,
            key="corp",
            issuer=host.url("/there"),
            secret=SECRET,
            chosen=chosen,
            by=SYSTEM,
            at=shared.clock.at,
        )
    made = There(shared, host, row)
    made.describes()
    yield made


def anna(there: There, **more: str) -> User:
    return make_user(there.tenant, "anna", at=there.at, **more)


def session(there: There, user: User) -> UserSession:
    with tenant_scope(there.tenant.id):
        return UserSession.objects.select_related("by_provider").get(user=user, ended_at=None)
