"""A person's sign-in to a client: a code, exchanged once, begins a family of refresh tokens.

Refusals are answers here, not exceptions: a second use ends the family, and that must be committed.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from accesscontrol.actions import authorizations
from accesscontrol.models import Authorization, AuthorizationCode, RefreshToken
from applications.models import Client
from iam_portal.gate import Actor
from tenants import hashers
from tenants.actions import came_by
from tenants.history import record
from tenants.models import Tenant, UserSession

CODE_LIFETIME = timedelta(seconds=60)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a code is for. ``redirect_uri_named``: whether the request named it (RFC 6749 §4.1.3)."""

    client: Client
    redirect_uri: str
    redirect_uri_named: bool
    scope: str
    nonce: str
    code_challenge: str
    key_thumbprint: str = ""  # of the key that has to be proved with it (RFC 9449 §10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What comes with a code at the token endpoint; an address that was not sent is None."""

    redirect_uri: str | None
    verifier: str
    key_thumbprint: str = ""  # of the key that was proved with the request; empty for none


def issue(*, session: UserSession, wanted: Wanted, at: datetime) -> str:
    """A fresh code for the person of the session (RFC 6749 §4.1.2). Only its digest is kept."""
    value = hashers.fresh()
    code = AuthorizationCode(
        digest=hashers.digest(value),
        tenant_id=session.tenant_id,
        user_id=session.user_id,
        session=session,
        client=wanted.client,
        redirect_uri=wanted.redirect_uri,
        redirect_uri_named=wanted.redirect_uri_named,
        scope=wanted.scope,
        nonce=wanted.nonce,
        code_challenge=wanted.code_challenge,
        key_thumbprint=wanted.key_thumbprint,
        created_at=at,
        expires_at=at + CODE_LIFETIME,
    )
    code.full_clean(exclude=["tenant", "user", "session", "client"])
    code.save(force_insert=True)
    return value


def take(
    *, tenant: Tenant, client: Client, value: str, proof: Proof, by: Actor, at: datetime
) -> AuthorizationCode | None:
    """Use the code up, for this client and with this proof; None when it gives nothing.

    A second use, by whomever, says that the code has leaked: what the first one got ends (RFC 9700 §4.5).
    One that fails for its proof or its client is left to its owner, for the seconds that it has.
    """
    rows = AuthorizationCode.objects.select_for_update(of=("self",)).filter(tenant=tenant)
    code = rows.select_related("user").filter(digest=hashers.digest(value)).first()
    if code is None:
        return None
    if code.used_at is not None:
        if code.authorization is not None:
            _end_reused(code.authorization, by, at)
        return None
    fits = code.client_id == client.pk and _addressed(code, proof) and _proven(code, proof.verifier)
    fits = fits and code.key_thumbprint in ("", proof.key_thumbprint)
    if not fits or code.expires_at <= at or not _session_goes_on(code, at):
        return None
    code.used_at = at
    code.save(update_fields=["used_at"])
    return code


def begin(
    *, code: AuthorizationCode, offline: bool, by: Actor, at: datetime, key_thumbprint: str = ""
) -> tuple[Authorization, str]:
    """The family of a code that was taken in this transaction, and its first refresh token.

    ``key_thumbprint``: of the key that its refresh tokens are bound to.
    """
    row = Authorization(
        tenant_id=code.tenant_id,
        user=code.user,
        client=code.client,
        session=None if offline else code.session,
        scope=code.scope,
        nonce=code.nonce,
        authenticated_at=code.session.authenticated_at,
        methods=code.session.methods,
        key_thumbprint=key_thumbprint,
        by_provider=came_by.provider_of(code.session) if offline else None,
        created_at=at,
        used_at=at,
    )
    row.full_clean(exclude=["tenant", "user", "session", "client"])
    row.save(force_insert=True)
    code.authorization = row
    code.save(update_fields=["authorization"])
    record(
        action="authorization.started",
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=("user", row.user_id, str(row.user)),
        after={
            "authorization": str(row.id),
            "applicationId": row.client.application_id,
            "clientId": row.client.client_id,
            "offline": offline,
        },
    )
    return row, _turn(row, at)


def current(
    *, tenant: Tenant, client: Client, value: str, by: Actor, at: datetime, key_thumbprint: str = ""
) -> RefreshToken | None:
    """The refresh token with its living family, locked; None when it gives nothing.

    Without the key that the family is bound to it gives nothing, used or not: whoever has no more than the
    token can end nothing, either.
    One that was exchanged already has been stolen, or its successor was: the family ends (RFC 9700 §4.14.2).
    """
    digest = hashers.digest(value)
    known = RefreshToken.objects.filter(tenant=tenant, digest=digest).first()
    if known is None:
        return None
    family = authorizations.locked(tenant=tenant, authorization_id=known.authorization_id)
    if family is None or family.client_id != client.pk or family.key_thumbprint not in ("", key_thumbprint):
        return None
    token = RefreshToken.objects.filter(tenant=tenant, digest=digest).first()  # as it is under the lock
    if token is None:
        return None
    if token.used_at is not None:
        _end_reused(family, by, at)
        return None
    if not Authorization.objects.living(tenant=tenant, at=at).filter(pk=family.pk).exists():
        return None
    token.authorization = family
    return token


def renew(*, token: RefreshToken, at: datetime) -> str:
    """Its successor (rotation, RFC 9700 §4.14.2). The family is locked by :func:`current`."""
    family = token.authorization
    RefreshToken.objects.filter(pk=token.pk).update(used_at=at)
    Authorization.objects.filter(pk=family.pk).update(used_at=at)
    return _turn(family, at)


def _turn(family: Authorization, at: datetime) -> str:
    value = hashers.fresh()
    RefreshToken.objects.create(
        digest=hashers.digest(value), tenant_id=family.tenant_id, authorization=family, created_at=at
    )
    return value


def _end_reused(family: Authorization, by: Actor, at: datetime) -> None:
    authorizations.end(authorization=family, because=Authorization.Ended.REUSED, by=by, at=at)


def _addressed(code: AuthorizationCode, proof: Proof) -> bool:
    """RFC 6749 §4.1.3: the address again where the request named it, and never another one."""
    if proof.redirect_uri is None:
        return not code.redirect_uri_named
    return proof.redirect_uri == code.redirect_uri


def _proven(code: AuthorizationCode, verifier: str) -> bool:
    """PKCE (RFC 7636 §4.6). A verifier without a challenge: somebody took that away (RFC 9700 §2.1.1)."""
    if not code.code_challenge or not verifier:
        return not code.code_challenge and not verifier
    if not _VERIFIER.fullmatch(verifier):
        return False
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    return hmac.compare_digest(hashed, code.code_challenge.encode("ascii"))


def _session_goes_on(code: AuthorizationCode, at: datetime) -> bool:
    """The browser that got the code is still signed in. Locked: an end of all sign-ins waits, or is seen."""
    rows = UserSession.objects.select_for_update(of=("self",), no_key=True)
    session = rows.filter(pk=code.session_id, ended_at=None, expires_at__gt=at).first()
    if session is not None:
        code.session = session
    return session is not None
