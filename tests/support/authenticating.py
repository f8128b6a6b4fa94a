"""A person's devices: an app that shows codes, and one that makes passkeys, as sound as a test wants them."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import cbor2
import pyotp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from iam_portal.walls import tenant_scope
from tenants.actions import apps, factors
from tenants.models import User
from tests.support.factories import acting

ORIGIN, HOST = "http://testserver", "testserver"
_PRESENT, _VERIFIED, _MAY_SYNC, _NEW = 0x01, 0x04, 0x08, 0x40


def encoded(raw: bytes) -> str:
    """base64url, as WebAuthn writes it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Device:
    """It obeys the options it is given; what is set here it says of itself, true or not."""

    origin: str = ORIGIN
    host: str = HOST
    verifies: bool = True
    syncs: bool = False
    count: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""

    def make(self, options: dict[str, Any]) -> str:
        """The answer to being asked for a new passkey."""
        self.handle = decoded(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + cbor2.dumps(public)
        data = self._data(_NEW) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._client("webauthn.create", options)
        response = {
            "clientDataJSON": encoded(said),
            "attestationObject": encoded(made),
            "transports": ["usb"],
        }
        return self._credential(response)

    def answer(self, options: dict[str, Any]) -> str:
        """The answer to being asked for this passkey."""
        self.count += 1
        data, said = self._data(0), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": encoded(self.handle),
        }
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> str:
        own = encoded(self.credential_id)
        found = {"id": own, "rawId": own, "type": "public-key", "response": response}
        return json.dumps({**found, "clientExtensionResults": {}})

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0) | (_MAY_SYNC if self.syncs else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()


def code(secret: str, at: datetime, *, step: int = 0) -> str:
    """What the app shows at the moment, or some steps later."""
    return pyotp.TOTP(secret).generate_otp(int(at.timestamp()) // apps.STEP + step)


def with_app(user: User, *, at: datetime) -> tuple[str, list[str]]:
    """Set an app up: its secret, and the recovery codes. The code of the moment before is used."""
    with tenant_scope(user.tenant_id):
        found = apps.propose(user=user, at=at)
        shown = code(found.secret, at, step=-1)
        added = factors.add_app(
            user=user, sealed=found.sealed, code=shown, name="phone", by=acting(user), at=at
        )
    return found.secret, added.codes
