"""Clients that sign, and whoever plays them: keys, assertions, and what they are told."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from applications.models import Client, ClientKey, TrustedIssuer
from tenants.models import since
from tests.accesscontrol.oauth.conftest import World

READER, METER = "globex.reader", "acme.meter"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
REFUSED = (
    401,
    b'{"error": "invalid_client", "error_description": "Client authentication failed."}',
    'Basic realm="iam-portal", charset="UTF-8"',
)


@cache
def key(kind: str = "P-256", number: int = 0) -> Any:
    """One of each kind for all tests: an RSA key takes its time."""
    if kind == "RSA":
        return RSAKey.generate_key(2048)
    return OKPKey.generate_key(kind) if kind.startswith("Ed") else ECKey.generate_key(kind)


def encoded(value: bytes | Any) -> str:
    """base64url of bytes, or of a value as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: Any, by: Any) -> str:
    """A compact JWS, however wrong. ``by``: a key, the bytes of a secret, or None for no signature."""
    text = f"{encoded(header)}.{encoded(claims)}"
    if by is None:
        return f"{text}."
    if isinstance(by, bytes):
        made = hmac.new(by, text.encode(), hashlib.sha256).digest()
    else:
        made = JWSRegistry.algorithms[header["alg"]].sign(text.encode(), by)
    return f"{text}.{encoded(made)}"


@dataclass
class Signer:
    """A client with a key of its own, at an address of the token endpoint."""

    world: World
    client_id: str = READER
    key: Any = field(default_factory=key)
    algorithm: str = "ES256"

    @property
    def path(self) -> str:
        return f"/auth/realms/{self.world.globex.id}/protocol/openid-connect/token"

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(self.world.clock.at.timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer(self.world.globex.id),
            "exp": now + 60,
            "iat": now,
            "jti": uuid4().hex,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        return signed({"alg": self.algorithm, **(header or {})}, self.claims(**changed), self.key)

    def post(self, assertion: str, path: str = "", **form: Any) -> HttpResponse:
        body = {**GRANT, "client_assertion_type": TYPE, "client_assertion": assertion, **form}
        reply: HttpResponse = self.world.browser.post(path or self.path, body)
        return reply

    def status(self, header: dict[str, Any] | None = None, **changed: Any) -> int:
        return self.post(self.assertion(header, **changed)).status_code


def issuer(tenant_id: object) -> str:
    return f"http://testserver/iam/auth/realms/{tenant_id}"


def answer(response: Any) -> tuple[int, bytes, str]:
    """All that a client sees of a refusal."""
    return response.status_code, response.content, response["WWW-Authenticate"]


def registered(world: World, made: Any, *, client_id: str = READER, at: datetime | None = None) -> ClientKey:
    """A public key of the client, from the story's beginning on; the client signs from now on."""
    world.set_client(client_id, token_endpoint_auth_method="private_key_jwt")
    return ClientKey.objects.create(
        client=Client.objects.get(client_id=client_id),
        kid=made.thumbprint(),
        public_jwk=made.as_dict(private=False),
        during=since(at or world.clock.start),
        created_by="test",
    )


def trusted(world: World, **columns: Any) -> TrustedIssuer:
    """An issuer whose word is taken for the reader."""
    return TrustedIssuer.objects.create(
        client=Client.objects.get(client_id=READER),
        during=since(world.clock.start),
        created_by="test",
        **columns,
    )
