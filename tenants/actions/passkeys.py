"""Passkeys (WebAuthn Level 2): made for a person, and asked for. Bound to the portal's host and origin.

A passkey is taken only when its owner was verified by it (PIN, finger, face): it is two factors by itself.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.db.models import QuerySet
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor
from tenants import policies
from tenants.actions import challenges
from tenants.actions.challenges import Purpose
from tenants.actions.entering import DEVICE_KEY, MULTIPLE, SYNCED_KEY
from tenants.models import Passkey, Tenant, User

LONGEST = (
    20_000  # characters of what a browser sends; an attestation with its certificates has some thousands
)
_LOOPBACK = ("127.0.0.1", "::1")
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)


class PasskeyRefused(DomainError):
    """Unknown, of another organization, without its owner, from elsewhere, or no answer at all."""

    code = "passkey_refused"
    kind = Kind.FORBIDDEN


class _Verified(Protocol):
    credential_device_type: CredentialDeviceType


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked for: ``options`` for it, ``signed`` comes back with its answer."""

    options: Mapping[str, Any]
    signed: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the credential as the browser wrote it, and the signed challenge."""

    credential: str
    signed: str


def ask_to_make(*, user: User, bound_to: object, at: datetime) -> Asked:
    """For a new passkey. One that the person has already is not made again on the same device."""
    challenge, signed = challenges.give(
        tenant_id=user.tenant_id, purpose=Purpose.REGISTER, bound_to=bound_to, at=at
    )
    selection = AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
    )
    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name="IAM portal",
        user_id=user.pk.bytes,
        # Browsers list passkeys by this name, those of all organizations of the portal together.
        user_name=f"{user.username} ({user.tenant.name})",
        user_display_name=str(user),
        challenge=challenge,
        authenticator_selection=selection,
        exclude_credentials=_described(Passkey.objects.filter(user=user)),
    )
    asked = json.loads(webauthn.options_to_json(options))
    return Asked({**asked, "extensions": {"credProps": True}}, signed)


def ask(*, tenant_id: object, purpose: Purpose, bound_to: object, at: datetime, user: User | None) -> Asked:
    """For a passkey of this person; of whomever the browser knows, where there is none yet."""
    challenge, signed = challenges.give(tenant_id=tenant_id, purpose=purpose, bound_to=bound_to, at=at)
    options = webauthn.generate_authentication_options(
        rp_id=_host(),
        challenge=challenge,
        allow_credentials=_described(Passkey.objects.filter(user=user)) if user else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Asked(json.loads(webauthn.options_to_json(options)), signed)


def add(*, user: User, answer: Answer, bound_to: object, name: str, at: datetime) -> Passkey:
    """The passkey that the browser has made. The caller holds the person and records it."""
    challenge = challenges.spend(
        tenant=user.tenant, signed=answer.signed, purpose=Purpose.REGISTER, bound_to=bound_to, at=at
    )
    credential = _read(answer.credential)
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origins(),
            require_user_verification=True,
        )
    except Exception as exc:  # strangers send this, and what parses it fails in many ways
        raise PasskeyRefused("This passkey was not made as it has to be. Nothing was changed.") from exc
    passkey = Passkey(
        tenant_id=user.tenant_id,
        user=user,
        name=name,
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=_transports(credential),
        discoverable=_is_discoverable(credential),
        synced=_is_synced(made),
        created_at=at,
    )
    passkey.full_clean(exclude=["tenant", "user"])
    passkey.save(force_insert=True)
    return passkey


def prove(
    *,
    tenant: Tenant,
    answer: Answer,
    purpose: Purpose,
    bound_to: object,
    at: datetime,
    user: User | None = None,
) -> Passkey:
    """Whose passkey has answered: with its person, locked, who is the one expected where one is.

    Raises :class:`PasskeyRefused`, alike for whatever was wrong.
    """
    challenge = challenges.spend(
        tenant=tenant, signed=answer.signed, purpose=purpose, bound_to=bound_to, at=at
    )
    credential = _read(answer.credential)
    passkey = _held(tenant, credential, user)
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origins(),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared below, because a step back says more
            require_user_verification=True,
        )
    except Exception as exc:  # strangers send this, and what parses it fails in many ways
        raise refusal() from exc
    count = verified.new_sign_count
    if max(count, passkey.sign_count) > 0 and count <= passkey.sign_count:
        raise _counted_back(passkey, at)
    passkey.sign_count, passkey.synced, passkey.last_used_at = count, _is_synced(verified), at
    passkey.save(update_fields=["sign_count", "synced", "last_used_at"])
    return passkey


def prove_nothing(
    *, tenant: Tenant, given_to: object, answer: Answer, purpose: Purpose, at: datetime
) -> NoReturn:
    """What :func:`prove` does for a passkey that nobody has, in a tenant that stands in for none."""
    challenges.spend(
        tenant=tenant, signed=answer.signed, purpose=purpose, bound_to="", at=at, given_to=given_to
    )
    text = _read(answer.credential).get("id")
    if isinstance(text, str) and "\0" not in text:
        Passkey.objects.filter(tenant=tenant, credential_id=text).values_list("user_id", flat=True).first()
    raise refusal()


def methods(passkey: Passkey) -> list[str]:
    """As RFC 8176 names it: the device and its owner are two factors."""
    return [SYNCED_KEY if passkey.synced else DEVICE_KEY, MULTIPLE]


def _held(tenant: Tenant, credential: Mapping[str, Any], expected: User | None) -> Passkey:
    """The passkey of this id in this organization, its person locked and named by it (§7.2, step 6)."""
    text = credential.get("id")
    rows = Passkey.objects.filter(tenant=tenant)
    if not isinstance(text, str) or "\0" in text:
        raise refusal()
    known = rows.filter(credential_id=text).values_list("user_id", flat=True).first()
    user = policies.held_user(tenant=tenant, user_id=known) if known else None
    passkey = rows.filter(credential_id=text).first() if user else None  # as it is under the lock
    if user is None or passkey is None or (expected is not None and expected.pk != user.pk):
        raise refusal()
    handle = _member(credential, "response").get("userHandle")
    if handle is None and expected is None:
        raise refusal()  # found without a name, it has to say whose it is
    if handle is not None and handle != bytes_to_base64url(user.pk.bytes):
        raise refusal()
    user.tenant = tenant
    passkey.user = user
    return passkey


def refusal() -> PasskeyRefused:
    """The one answer to whatever was wrong."""
    return PasskeyRefused(
        "This passkey was not accepted. It may belong to another account or organization, or was removed."
    )


def _counted_back(passkey: Passkey, at: datetime) -> PasskeyRefused:
    """Two devices hold the same key, one of which is a copy (WebAuthn §6.1.1). History is to know."""
    refused = refusal()
    user = passkey.user
    refused.record = {
        "action": "factor.copied",
        "tenants": [user.tenant_id],
        "by": Actor.system(),
        "at": at,
        "subject": ("user", user.pk, str(user)),
        "after": {"factor": str(passkey.pk)},
    }
    return refused


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PasskeyRefused("The browser sent no passkey.")
    return found


def _described(passkeys: QuerySet[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(name) for name in passkey.transports] or None,
        )
        for passkey in passkeys
    ]


def _transports(credential: Mapping[str, Any]) -> list[str]:
    """Those that we know; they only help the browser to ask for the right device."""
    said = _member(credential, "response").get("transports")
    named: Iterable[object] = said if isinstance(said, list) else []
    return sorted({name for name in named if isinstance(name, str) and name in _TRANSPORTS})


def _is_discoverable(credential: Mapping[str, Any]) -> bool:
    """As the browser says (``credProps``); where it does not, it was asked to be."""
    return bool(_member(_member(credential, "clientExtensionResults"), "credProps").get("rk", True))


def _is_synced(verified: _Verified) -> bool:
    return verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE


def _member(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _host() -> str:
    """The relying party: the host of the portal, without its port. Browsers take no address in its place."""
    host = urlsplit(settings.PORTAL_BASE_URL).hostname or ""
    return "localhost" if host in _LOOPBACK else host


def _origins() -> list[str]:
    """Where the pages lie that may ask for a passkey. A demo is reached by either name of this machine."""
    parts = urlsplit(settings.PORTAL_BASE_URL)
    origins = [f"{parts.scheme}://{parts.netloc}".lower()]
    if parts.hostname in _LOOPBACK:
        origins.append(f"{parts.scheme}://localhost" + (f":{parts.port}" if parts.port else ""))
    return origins
