"""A person who signs in to an application: his browser's requests, without a browser."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

from tests.support.browsing import Login
from tests.support.console import CSRF

SCOPE = "openid profile email"
MOST_STEPS = 12
REFRESH = r'http-equiv="refresh" content="0; url=([^"]+)"'


@dataclass(frozen=True)
class Pkce:
    """RFC 7636 §4.1, §4.2."""

    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Visitor:
    """Follows where he is sent, and fills in the sign-in page on the way."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self.http = requests.Session()
        self.http.headers["Accept"] = "text/html"

    def arrives(self, address: str, at: str) -> str:
        """The address below ``at`` to which he is sent in the end; nobody asks there."""
        for _ in range(MOST_STEPS):
            reply = self.http.get(address, allow_redirects=False, timeout=20)
            onward = self._onward(reply)
            if onward.startswith(at):
                return onward
            address = onward
        raise AssertionError(f"led in circles, at last to {address}")

    def _onward(self, reply: requests.Response) -> str:
        if "Location" in reply.headers:
            return urljoin(reply.url, reply.headers["Location"])
        assert reply.status_code == 200, reply.text
        if 'name="password"' in reply.text:
            sent = {
                "csrfmiddlewaretoken": _found(CSRF, reply),
                "username": self.login.username,
                "password": self.login.password,
            }
            return self._onward(self.http.post(reply.url, sent, allow_redirects=False, timeout=20))
        return urljoin(reply.url, html.unescape(_found(REFRESH, reply)))


def _found(pattern: str, reply: requests.Response) -> str:
    found = re.search(pattern, reply.text)
    assert found is not None, reply.text
    return found[1]


@dataclass
class Relying:
    """An application's side of the code flow, sent as the RFCs write it and nothing besides."""

    realm: str  # address of the endpoints, up to protocol/openid-connect
    client: tuple[str, str]
    redirect_uri: str
    pkce: Pkce = field(default_factory=Pkce)

    def address(self, **asked: str) -> str:
        """Where a browser is sent to sign in; what is asked comes on top, or in place of the usual."""
        usual = {
            "response_type": "code",
            "client_id": self.client[0],
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": "here again",
            "code_challenge": self.pkce.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.realm}/auth?{urlencode({**usual, **asked})}"

    def code(self, visitor: Visitor, **asked: str) -> str:
        """A fresh one, as it comes back in the address."""
        return answered(visitor.arrives(self.address(**asked), self.redirect_uri))["code"]

    def exchange(self, code: str) -> requests.Response:
        return self.token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.pkce.verifier,
        )

    def refresh(self, token: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)

    def token(self, **form: str) -> requests.Response:
        return requests.post(f"{self.realm}/token", form, auth=self.client, timeout=20)

    def signed_in(self, visitor: Visitor, **asked: str) -> dict[str, Any]:
        """The reply to a whole sign-in."""
        reply = self.exchange(self.code(visitor, **asked))
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        return told


def answered(address: str) -> Mapping[str, str]:
    """The members of an answer at the application's address."""
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
