"""A request as the short way reads it: before any of it is believed, and without taking the form apart.

Two requests are alike when all that the long way looks at is alike to the byte, but for the secret and the
token. What was parsed and judged of the first then holds of the second.
"""

import hashlib
import re
from io import BytesIO
from typing import Any, NamedTuple

from accesscontrol.oauth.clients import basic
from accesscontrol.oauth.clients.secrets import BASIC, POST

Environ = dict[str, Any]
TOKEN, INTROSPECTION = "token", "introspection"
LONGEST = {TOKEN: 4_096, INTROSPECTION: 20_000}  # bytes of a body
LONGEST_HEADER = 300  # characters of what is remembered
KNOWN = {
    TOKEN: frozenset({b"grant_type", b"scope", b"resource", b"tenant_id", b"client_id", b"client_secret"}),
    INTROSPECTION: frozenset({b"token", b"token_type_hint", b"client_id", b"client_secret"}),
}
_LENGTH = re.compile(r"[0-9]{1,6}", re.ASCII)
_ENDS = ("/token", "/token/introspect")
_ALIKE = (
    "PATH_INFO",
    "SCRIPT_NAME",
    "HTTP_HOST",
    "CONTENT_TYPE",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_PROTO",
)
# With them the long way may answer otherwise: other headers, other pages, another body, a bound token.
_ODD = (
    *("QUERY_STRING", "HTTP_ORIGIN", "HTTP_COOKIE", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING"),
    "HTTP_DPOP",
)

Gate = tuple[Any, ...]


def client_of(gate: Gate) -> str:
    """Who asks, as he says it himself."""
    name: str = gate[2]
    return name


class Asked(NamedTuple):
    """``gate`` is what has to be alike. It holds no secret, and of the body a digest alone."""

    kind: str
    gate: Gate
    client_id: str
    secret: str
    method: str
    token: str
    body: bytes

    def __repr__(self) -> str:
        return f"Asked({self.kind}, {self.client_id})"


def read(environ: Environ) -> Asked | None:
    """What is asked, if it may be the ordinary case. The body is put back for whoever reads it next."""
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] != "POST" or not path.endswith(_ENDS):
        return None
    kind = TOKEN if path.endswith("/token") else INTROSPECTION
    length = environ.get("CONTENT_LENGTH") or ""
    if not _LENGTH.fullmatch(length) or not 0 < int(length) <= LONGEST[kind]:
        return None
    if any(environ.get(name) for name in _ODD):
        return None
    alike = tuple(environ.get(name, "") for name in _ALIKE)
    if any(len(value) > LONGEST_HEADER for value in alike):
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)
    return _taken_apart(kind, alike, environ.get("HTTP_AUTHORIZATION", ""), body)


def _taken_apart(kind: str, alike: Gate, authorization: str, body: bytes) -> Asked | None:
    """By its credentials. No name or value that has to be decoded first is among what is taken out."""
    given = basic(authorization) if authorization else None
    if authorization and given is None:
        return None
    secret = b""
    token = b""
    client_id = b""
    rest = []
    for part in body.split(b"&"):
        name, _, value = part.partition(b"=")
        # An empty one stays in what has to be alike: the long way counts it as sent.
        if name == b"client_secret" and value and not secret:
            secret = value
        elif name == b"token" and value and kind == INTROSPECTION and not token:
            token = value
        else:
            if name == b"client_id":
                client_id = value
            rest.append(part)
    if any(b"%" in value or b"+" in value or not value.isascii() for value in (secret, token, client_id)):
        return None
    if (given is None) is not bool(secret) or (kind == INTROSPECTION and not token):
        return None
    who = given.client_id if given else client_id.decode()
    if not 0 < len(who) <= LONGEST_HEADER:
        return None
    method = BASIC if given else POST
    gate = (kind, method, who, *alike, hashlib.sha256(b"&".join(rest)).digest())
    return Asked(kind, gate, who, given.secret if given else secret.decode(), method, token.decode(), body)
