"""Workload identity: the JWT of an issuer that a client trusts, about one subject, stands for the client.

So a batch job shows the token that its cluster or its pipeline gave it, and keeps no secret. Such a token may
be shown many times in its life: whoever made it decides how often a new one comes.
"""

import re
from datetime import datetime, timedelta

from accesscontrol.oauth.clients import foreign, uses
from accesscontrol.oauth.clients.assertions import (
    LIFE,
    Assertion,
    Unproven,
    require_audience,
    require_living,
    signer,
)
from accesscontrol.oauth.clients.audiences import issuers
from accesscontrol.oauth.clients.jwks import PublicKey, named, public_keys
from accesscontrol.oauth.clients.living import sound
from accesscontrol.oauth.clients.presented import Presented
from applications.models import Client, TrustedIssuer

MOST = 50  # rows of one client and issuer
ANY = "*"
PARTERS = (":", "/")  # what a namespace ends with
_PARTS = re.compile(r"[^:/]+[:/]")
LONGEST = 500  # characters of an issuer


def holder(assertion: Assertion, presented: Presented, *, at: datetime) -> Client:
    """The client of ``client_id``, if it trusts the issuer for this subject. Unproven else."""
    row = _trust(assertion, presented, at)
    client = row.client if row is not None else None
    objection = _objection(assertion, presented, client, at)
    keys = _keys(row, assertion) if row is not None and not objection else []
    key = signer(assertion, keys)
    if row is None or objection or key is None:
        raise Unproven(objection or ("not_trusted" if row is None else "signature"))
    uses.note(TrustedIssuer, row.id, last=row.last_used_at, at=at)
    made: Client = row.client
    return made


def covers(pattern: str, subject: str) -> bool:
    """Whether the subject is meant: exactly, or by one ``*`` at the end of a fixed namespace.

    A namespace has two parts at least, and ends with a colon or a slash: ``team*`` would be
    ``team-of-somebody-else``, too, and ``repo:*`` every repository of a public issuer.
    """
    if ANY not in pattern:
        return bool(subject) and subject == pattern
    namespace = pattern.removesuffix(ANY)
    if ANY in namespace or not namespace.endswith(PARTERS) or len(_PARTS.findall(namespace)) < 2:
        return False
    return subject.startswith(namespace) and len(subject) > len(namespace)


def _trust(assertion: Assertion, presented: Presented, at: datetime) -> TrustedIssuer | None:
    rows = TrustedIssuer.objects.at(at).filter(
        issuer=assertion.text("iss")[: LONGEST + 1],
        client__client_id=sound(presented.client_id),
        client__client_type=Client.CLIENT_CONFIDENTIAL,
        client__application__during__contains=at,
    )
    subject = assertion.text("sub")
    found = rows.select_related("client__application").order_by("subject")[:MOST]
    return next((row for row in found if covers(row.subject, subject)), None)


def _objection(assertion: Assertion, presented: Presented, client: Client | None, at: datetime) -> str:
    """What is wrong besides the signature; empty when nothing is."""
    try:
        require_audience(assertion, issuers(presented, client))
        require_living(assertion, at=at)
        made, ends = assertion.moment("iat"), assertion.moment("exp")
        if made is None or ends is None or timedelta(seconds=ends - made) > LIFE:
            raise Unproven("long_life")
    except Unproven as unproven:
        return str(unproven)
    return ""


def _keys(row: TrustedIssuer, assertion: Assertion) -> list[PublicKey]:
    """Strictly by ``kid`` where the header names one: these are whole sets, made to be chosen from."""
    if row.jwks is not None:
        return named(assertion.kid, public_keys(row.jwks))
    source = foreign.Source(row.jwks_uri) if row.jwks_uri else foreign.Source(row.issuer, discovers=True)
    owner_id = row.client.application.owner_id
    keys = named(assertion.kid, foreign.keys(source, owner_id=owner_id))
    return keys or named(assertion.kid, foreign.newer_keys(source, owner_id=owner_id))
