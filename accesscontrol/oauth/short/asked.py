"""A request as the short way reads it: before any of it is believed, and without taking the form apart.

Two requests are alike when all that the long way looks at is alike to the byte, but for the secret, the
assertion and the token. What was parsed and judged of the first then holds of the second.
"""

import hashlib
import re
from io import BytesIO
from typing import Any, NamedTuple

from accesscontrol.oauth.clients import basic
from accesscontrol.oauth.clients.assertions import Assertion, Unproven, parse
from accesscontrol.oauth.clients.own_keys import METHOD as ASSERTED
from accesscontrol.oauth.clients.secrets import BASIC, POST
from iam_portal.admission import GIVEN, Credentials

Environ = dict[str, Any]
TOKEN, INTROSPECTION = "token", "introspection"
LONGEST = {TOKEN: 4_096, INTROSPECTION: 20_000}  # bytes of a body
LONGEST_HEADER = 300  # characters of what is remembered
KNOWN = {
    TOKEN: frozenset({b"grant_type", b"scope", b"resource", b"tenant_id", b"client_id", b"client_secret"}),
    INTROSPECTION: frozenset({b"token", b"token_type_hint", b"client_id", b"client_secret"}),
}
KNOWN_BESIDE_ASSERTION = frozenset({b"client_assertion", b"client_assertion_type"})
_LENGTH = re.compile(r"[0-9]{1,6}", re.ASCII)
_PROOFS = (b"client_secret", b"token", b"client_assertion")
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
    length: int  # of the form, without what was taken out
    assertion: Assertion | None  # in the place of a secret; nobody has looked at its signature

    def __repr__(self) -> str:
        return f"Asked({self.kind}, {self.client_id})"


def read(environ: Environ) -> Asked | None:
    """What is asked, if it may be the ordinary case. The body is put back for whoever reads it next."""
    path, get = environ["PATH_INFO"], environ.get
    if not path.endswith(_ENDS) or environ["REQUEST_METHOD"] != "POST":
        return None
    kind = TOKEN if path.endswith("/token") else INTROSPECTION
    length = get("CONTENT_LENGTH") or ""
    if not _LENGTH.fullmatch(length) or not 0 < int(length) <= LONGEST[kind]:
        return None
    for name in _ODD:  # thousands of times a second: a generator would cost as much again
        if get(name):
            return None
    alike = tuple([get(name, "") for name in _ALIKE])
    if len(max(alike, key=len)) > LONGEST_HEADER:
        return None
    body = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)
    authorization = get("HTTP_AUTHORIZATION")
    given = (get(GIVEN) or basic(authorization)) if authorization else None
    if authorization and given is None:
        return None
    return _taken_apart(kind, alike, given, body)


def _taken_apart(kind: str, alike: Gate, given: Credentials | None, body: bytes) -> Asked | None:
    """By its credentials. No name or value that has to be decoded first is among what is taken out."""
    taken = {b"client_secret": b""}
    taken |= {b"token": b""} if kind == INTROSPECTION else {b"client_assertion": b""}
    client_id = b""
    rest = []
    for part in body.split(b"&"):
        name, _, value = part.partition(b"=")
        # An empty one stays in what has to be alike: the long way counts it as sent.
        if value and taken.get(name) == b"":
            taken[name] = value
        else:
            if name == b"client_id":
                client_id = value
            rest.append(part)
    plain = b"".join((*taken.values(), client_id))
    if b"%" in plain or b"+" in plain or not plain.isascii():
        return None
    secret, token, signed = (taken.get(name, b"").decode() for name in _PROOFS)
    ways = [given is not None, bool(secret), bool(signed)]
    if sum(ways) != 1 or (kind == INTROSPECTION and not token):
        return None
    assertion = _assertion(signed, client_id.decode()) if signed else None
    if signed:
        who, method = assertion.text("iss") if assertion else "", ASSERTED
    else:
        who, method = (given.client_id, BASIC) if given else (client_id.decode(), POST)
    if not 0 < len(who) <= LONGEST_HEADER:
        return None
    gate = (kind, method, who, *alike, hashlib.sha256(b"&".join(rest)).digest())
    proof = given.secret if given else secret
    return Asked(kind, gate, who, proof, method, token, body, sum(map(len, rest)), assertion)


def _assertion(value: str, client_id: str) -> Assertion | None:
    """One that a client may have made for itself; not the word of an issuer about a client."""
    try:
        assertion = parse(value)
    except Unproven:
        return None
    return assertion if client_id in ("", assertion.text("iss")) else None
