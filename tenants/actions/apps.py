"""Authenticator apps: a secret that both sides know, and its code, good for a moment (RFC 6238)."""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pyotp
import structlog

from iam_portal.errors import DomainError
from iam_portal.sealing import InvalidToken, seal, unseal
from tenants.models import AuthenticatorApp, User

log = structlog.get_logger("iam.sign_in")

STEP = 30  # seconds
DRIFT = (-1, 0, 1)  # steps by which a telephone's clock may differ
SET_UP = timedelta(minutes=15)
_CODE = re.compile(r"[0-9]{6}")


class SetUpOver(DomainError):
    """It took too long, was begun for somebody else, or is done already."""

    code = "set_up_over"


class WrongCode(DomainError):
    """Not the code of this moment, or one that was used."""

    code = "wrong_code"


@dataclass(frozen=True, slots=True)
class SetUp:
    """One that is being set up. ``sealed`` comes back with the first code; until then nothing is stored."""

    secret: str
    address: str  # otpauth: for the picture
    sealed: str


def propose(*, user: User, at: datetime) -> SetUp:
    """A fresh secret for this person."""
    return _set_up(user, uuid4(), pyotp.random_base32(), at)


def again(*, user: User, sealed: str, at: datetime) -> SetUp:
    """The same once more, where the code was mistyped."""
    app_id, secret = _opened(user, sealed, at)
    return SetUp(secret, _address(user, secret), sealed) if app_id else propose(user=user, at=at)


def add(*, user: User, sealed: str, code: str, name: str, at: datetime) -> AuthenticatorApp:
    """The app, once it has shown a right code. The caller holds the person and records it."""
    app_id, secret = _opened(user, sealed, at)
    if app_id is None or AuthenticatorApp.objects.filter(pk=app_id).exists():
        raise SetUpOver("This took too long, or the app is set up already. Begin again.")
    step = _step(secret, code, after=0, at=at)
    if step is None:
        raise WrongCode("This is not the code of this moment. Is the clock of your telephone right?")
    app = AuthenticatorApp(
        id=app_id,
        tenant_id=user.tenant_id,
        user=user,
        name=name,
        secret_sealed=seal(secret),
        last_step=step,
        created_at=at,
    )
    app.full_clean(exclude=["tenant", "user"])
    app.save(force_insert=True)
    return app


def is_code(text: str) -> bool:
    """Whether it may be one, and no recovery code."""
    return bool(_CODE.fullmatch(_typed(text)))


def use(*, user: User, code: str, at: datetime) -> bool:
    """Whether one of his apps shows this code now. It is used up, and those before it. He is held."""
    for app in AuthenticatorApp.objects.filter(user=user):
        step = _step(_secret(app), code, after=app.last_step, at=at)
        if step is not None:
            app.last_step, app.last_used_at = step, at
            app.save(update_fields=["last_step", "last_used_at"])
            return True
    return False


def _secret(app: AuthenticatorApp) -> str:
    """Empty where its key has left the ring: the app opens nothing then, the others still do."""
    try:
        return unseal(app.secret_sealed)
    except InvalidToken:
        log.error("app_secret_unreadable", app_id=str(app.pk))
        return ""


def _step(secret: str, code: str, *, after: int, at: datetime) -> int | None:
    """The time step whose code this is. Of a step that was used, or lies before one, none counts (§5.2)."""
    typed, now = _typed(code), int(at.timestamp()) // STEP
    if not secret or not _CODE.fullmatch(typed):
        return None
    found = None
    for step in (now + drift for drift in DRIFT):
        if hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step), typed) and step > after:
            found = step
    return found


def _typed(code: str) -> str:
    """``123 456``, as apps show it."""
    return re.sub(r"\s", "", code[:20])


def _set_up(user: User, app_id: UUID, secret: str, at: datetime) -> SetUp:
    told = [str(app_id), str(user.pk), secret, (at + SET_UP).timestamp()]
    return SetUp(secret, _address(user, secret), seal(json.dumps(told)))


def _address(user: User, secret: str) -> str:
    totp = pyotp.TOTP(secret)
    return totp.provisioning_uri(name=user.username, issuer_name=user.tenant.name.replace(":", " "))


def _opened(user: User, sealed: str, at: datetime) -> tuple[UUID | None, str]:
    try:
        app_id, user_id, secret, until = json.loads(unseal(sealed))
    except (InvalidToken, ValueError, TypeError):
        return None, ""
    if user_id != str(user.pk) or until <= at.timestamp():
        return None, ""
    return UUID(app_id), secret
