"""Signing with everything prepared that can be (RFC 7515 §5.1): the key, and the header as it is sent."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.util import json_b64encode

from accesscontrol.actions.keys import ParsedKey
from accesscontrol.oauth.tokens import ACCESS

Signer = Callable[[bytes], bytes]
_ECDSA, _PKCS1, _HASH = ec.ECDSA(SHA256()), padding.PKCS1v15(), SHA256()


def signer(key: ParsedKey) -> Signer:
    """Claims as JSON → a compact JWS, as :func:`accesscontrol.oauth.tokens.sign` makes one."""
    assert key.private is not None
    head = json_b64encode({"typ": ACCESS, "alg": key.algorithm, "kid": key.kid}) + b"."
    private: Any = key.private.get_op_key("sign")

    def by_curve(payload: bytes) -> bytes:
        signed = head + urlsafe_b64encode(payload).rstrip(b"=")
        r, s = decode_dss_signature(private.sign(signed, _ECDSA))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")

    def by_rsa(payload: bytes) -> bytes:
        signed = head + urlsafe_b64encode(payload).rstrip(b"=")
        signature = private.sign(signed, _PKCS1, _HASH)
        return signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")

    return {"ES256": by_curve, "RS256": by_rsa}[key.algorithm]
