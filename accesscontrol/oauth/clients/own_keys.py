"""``private_key_jwt`` (RFC 7523 §3; OpenID Connect Core §9): the client signs, we know its public keys."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accesscontrol.oauth.clients import foreign, uses
from accesscontrol.oauth.clients.assertions import (
    Assertion,
    Unproven,
    require_audience,
    require_living,
    signer,
)
from accesscontrol.oauth.clients.audiences import issuers, token_endpoints
from accesscontrol.oauth.clients.jwks import PublicKey, named, public_key
from accesscontrol.oauth.clients.living import living, sound
from accesscontrol.oauth.clients.presented import Presented
from applications.models import Client, ClientKey

METHOD = "private_key_jwt"
MOST_KEYS = 20
LONGEST_JTI = 512
_SIGNING: Mapping[str, Any] = {
    "client_type": Client.CLIENT_CONFIDENTIAL,
    "token_endpoint_auth_method": METHOD,
}

_ONCE = """
INSERT INTO applications_usedassertion (client_id, digest, expires_at)
VALUES (%(client)s, %(digest)s, %(ends)s) ON CONFLICT (client_id, digest) DO NOTHING
"""


class Registered(NamedTuple):
    """A key of a client as it is remembered: with its row, and by which names a header may mean it."""

    id: UUID
    kid: str
    key: PublicKey
    until: datetime | None
    last_used_at: datetime | None


def holder(assertion: Assertion, presented: Presented, *, at: datetime) -> Client:
    """The client that signed it, which is used up by that. Unproven else.

    Whatever is wrong, the same questions are asked and one signature is tried.
    """
    client_id = sound(assertion.text("iss"))
    client: Client | None = living(client_id, at).filter(**_SIGNING).first()
    known = _registered(_rows(client_id, at))
    said = objection(assertion, presented.client_id, audiences(presented, client), at=at)
    keys = _keys(client, known, assertion) if client is not None and not said else []
    key = signer(assertion, keys)
    if client is None or said or key is None:
        raise Unproven(said or ("unknown" if client is None else "signature"))
    _use_up(assertion, client)
    for each in known:
        if each.key is key:
            uses.note(ClientKey, each.id, last=each.last_used_at, at=at)
    return client


def living_keys(client_id: str, *, at: datetime) -> list[Registered]:
    """All keys that prove the client, if that is its way; none where some of them have to be fetched."""
    client = living(client_id, at).filter(**_SIGNING, client_jwks_uri="").first()
    return _registered(_rows(client.client_id, at)) if client is not None else []


def signer_among(known: Sequence[Registered], assertion: Assertion) -> Registered | None:
    """Whose signature it is. One is tried in any case."""
    key = signer(assertion, _meant(known, assertion))
    return next((each for each in known if each.key is key), None)


def audiences(presented: Presented, client: Client | None) -> frozenset[str]:
    """What an assertion may be for."""
    allowed = issuers(presented, client)
    if client is not None and client.assertion_for_token_endpoint:
        allowed |= token_endpoints(presented, client)
    return allowed


def objection(assertion: Assertion, client_id: str, allowed: Collection[str], *, at: datetime) -> str:
    """What is wrong besides the signature; empty when nothing is. ``client_id``: the parameter, if sent."""
    said = assertion.text("iss")
    try:
        if not said or assertion.text("sub") != said:
            raise Unproven("subject")
        if client_id not in ("", said):
            raise Unproven("client_id")
        require_audience(assertion, allowed)
        require_living(assertion, at=at)
        if not 0 < len(assertion.text("jti")) <= LONGEST_JTI:
            raise Unproven("jti")
    except Unproven as unproven:
        return str(unproven)
    return ""


def once(assertion: Assertion) -> tuple[str, datetime]:
    """By what it is known when it comes again, and when that need not be known any longer."""
    ends = assertion.moment("exp")
    assert ends is not None
    digest = hashlib.sha256(assertion.text("jti").encode()).hexdigest()
    return digest, datetime.fromtimestamp(ends, tz=UTC)


def _rows(client_id: str, at: datetime) -> list[ClientKey]:
    return list(ClientKey.objects.at(at).filter(client__client_id=client_id)[:MOST_KEYS])


def _registered(rows: Sequence[ClientKey]) -> list[Registered]:
    found = ((row, public_key(row.public_jwk)) for row in rows)
    return [
        Registered(row.id, row.kid, key, row.during.upper, row.last_used_at)
        for row, key in found
        if key is not None
    ]


def _keys(client: Client, known: Sequence[Registered], assertion: Assertion) -> list[PublicKey]:
    registered = _meant(known, assertion)
    return registered + _fetched(client, assertion) if client.client_jwks_uri else registered


def _meant(known: Sequence[Registered], assertion: Assertion) -> list[PublicKey]:
    """Those that the header's ``kid`` can mean, by their thumbprint or by the client's own name.

    Whoever registered a PEM never told how his library calls it: when the name fits none, each is tried.
    """
    named_so = [each.key for each in known if assertion.kid in (each.kid, each.key.kid)]
    return (named_so if assertion.kid else []) or [each.key for each in known]


def _fetched(client: Client, assertion: Assertion) -> list[PublicKey]:
    source, owner_id = foreign.Source(client.client_jwks_uri), client.application.owner_id
    keys = named(assertion.kid, foreign.keys(source, owner_id=owner_id))
    return keys or named(assertion.kid, foreign.newer_keys(source, owner_id=owner_id))


def _use_up(assertion: Assertion, client: Client) -> None:
    """RFC 7523 §3 (7): of many at once, the row of one is written. Unproven for every other."""
    digest, ends = once(assertion)
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, {"client": client.pk, "digest": digest, "ends": ends})
        if not cursor.rowcount:
            raise Unproven("used_before")
