"""What the short way takes from an answer of the long way, and from a token that is shown."""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from django.db import close_old_connections, connection
from django.urls import resolve

from accesscontrol.oauth import tokens
from accesscontrol.oauth.claims import ACTOR, audience_of
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.short.asked import KNOWN, KNOWN_BESIDE_ASSERTION, TOKEN, Asked
from accesscontrol.oauth.short.kept import Known, Presented, Shelf
from accesscontrol.oauth.short.versions import revocation
from iam_portal import apart

PROVING = ("client_secret", "client_assertion", "token")
# Of each request its own.
MOVING = frozenset({"x-request-id", "content-length", "date"})


def known(asked: Asked, headers: Iterable[tuple[str, str]]) -> Known | None:
    """A kind of request, read by what it says; None where it says more than the short way knows of."""
    posted = parse_qsl(asked.body.decode("ascii"), keep_blank_values=True)
    names = [name.encode() for name, _ in posted]
    understood = KNOWN[asked.kind] | (KNOWN_BESIDE_ASSERTION if asked.assertion is not None else frozenset())
    if len(set(names)) < len(names) or not understood.issuperset(names):
        return None
    form = {name: value for name, value in posted if name not in PROVING}
    if asked.assertion is not None and form.get("client_id", asked.client_id) != asked.client_id:
        return None  # the word of an issuer about a client, by a name that was written in another way
    if asked.kind == TOKEN and form.get("grant_type") != "client_credentials":
        return None
    match = resolve(asked.gate[3])
    return Known(
        address=Address(**match.kwargs),
        form=form,
        headers=[(name, value) for name, value in headers if name.lower() not in MOVING],
        route=match.route,
        tenant=str(match.kwargs.get("tenant_id") or ""),
    )


def presented(shelf: Shelf[Presented], asked: Asked, *, at: datetime) -> Presented | None:
    """A service's access token that lives at the moment; verified when this client shows it first."""
    text = asked.token
    shown = asked.client_id, hashlib.sha256(text.encode("ascii")).digest()
    found = shelf.get(shown)
    if found is None:
        try:
            claims = apart.done(partial(_read, text, at))
        except tokens.Unreadable:
            return None
        if "sid" in claims or ACTOR in claims or "jkt" in claims.get("cnf", ()):
            return None
        head = text.partition(".")[0]
        kid = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
        narrowed = tuple(word for word in claims["scope"].split(" ") if "/" in word)
        bearer = (claims["sub"], claims["client_id"], claims["tid"], *audience_of(claims), narrowed)
        found = Presented(claims, kid, bearer, revocation(claims["tid"], claims["jti"]))
        shelf.put(shown, found)
    return found if found.claims["exp"] > at.timestamp() else None


def _read(text: str, at: datetime) -> dict[str, Any]:
    """Keys are looked up where they were not for a moment; the connection is given back afterwards."""
    try:
        return tokens.read(text, at=at)
    finally:
        if not connection.in_atomic_block:  # of a test
            close_old_connections()
