"""``private_key_jwt`` (RFC 7523 §3; OpenID Connect Core §9): the client signs, we know its public keys."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

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

_ONCE = """
INSERT INTO applications_usedassertion (client_id, digest, expires_at)
VALUES (%(client)s, %(digest)s, %(ends)s) ON CONFLICT (client_id, digest) DO NOTHING
"""


def holder(assertion: Assertion, presented: Presented, *, at: datetime) -> Client:
    """The client that signed it, which is used up by that. Unproven else.

    Whatever is wrong, the same questions are asked and one signature is tried.
    """
    client_id = sound(assertion.text("iss"))
    signing = {"client_type": Client.CLIENT_CONFIDENTIAL, "token_endpoint_auth_method": METHOD}
    client: Client | None = living(client_id, at).filter(**signing).first()
    rows = _rows(client_id, at)
    objection = _objection(assertion, presented, client, at)
    keys = _keys(client, rows, assertion) if client is not None and not objection else []
    key = signer(assertion, keys)
    if client is None or objection or key is None:
        raise Unproven(objection or ("unknown" if client is None else "signature"))
    _use_up(assertion, client)
    for row in rows:
        if public_key(row.public_jwk) is key:
            uses.note(ClientKey, row.id, last=row.last_used_at, at=at)
    return client


def _rows(client_id: str, at: datetime) -> list[ClientKey]:
    return list(ClientKey.objects.at(at).filter(client__client_id=client_id)[:MOST_KEYS])


def _objection(assertion: Assertion, presented: Presented, client: Client | None, at: datetime) -> str:
    """What is wrong besides the signature; empty when nothing is."""
    client_id = assertion.text("iss")
    try:
        if not client_id or assertion.text("sub") != client_id:
            raise Unproven("subject")
        if presented.client_id not in ("", client_id):
            raise Unproven("client_id")
        allowed = issuers(presented, client)
        if client is not None and client.assertion_for_token_endpoint:
            allowed |= token_endpoints(presented, client)
        require_audience(assertion, allowed)
        require_living(assertion, at=at)
        if not 0 < len(assertion.text("jti")) <= LONGEST_JTI:
            raise Unproven("jti")
    except Unproven as unproven:
        return str(unproven)
    return ""


def _keys(client: Client, rows: Sequence[ClientKey], assertion: Assertion) -> list[PublicKey]:
    """Registered ones that the header's ``kid`` can mean, by their thumbprint or by the client's own name.

    Whoever registered a PEM never told how his library calls it: when the name fits none, each is tried.
    """
    found = [(row, key) for row in rows if (key := public_key(row.public_jwk)) is not None]
    fitting = [key for row, key in found if assertion.kid in (row.kid, key.kid)] if assertion.kid else []
    registered = fitting or [key for _, key in found]
    return registered + _fetched(client, assertion) if client.client_jwks_uri else registered


def _fetched(client: Client, assertion: Assertion) -> list[PublicKey]:
    source, owner_id = foreign.Source(client.client_jwks_uri), client.application.owner_id
    keys = named(assertion.kid, foreign.keys(source, owner_id=owner_id))
    return keys or named(assertion.kid, foreign.newer_keys(source, owner_id=owner_id))


def _use_up(assertion: Assertion, client: Client) -> None:
    """RFC 7523 §3 (7): of many at once, the row of one is written. Unproven for every other."""
    ends = assertion.moment("exp")
    assert ends is not None
    row = {
        "client": client.pk,
        "digest": hashlib.sha256(assertion.text("jti").encode()).hexdigest(),
        "ends": datetime.fromtimestamp(ends, tz=UTC),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ONCE, row)
        if not cursor.rowcount:
            raise Unproven("used_before")
