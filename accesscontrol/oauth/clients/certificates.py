"""The certificate of the TLS connection, as a proxy of ours says (RFC 8705; RFC 9440 for the header).

TLS ends at the proxy, so a header brings the certificate, and anybody can write a header. It is believed only
beside the secret that proxy and portal share; without that it is as if it had not been sent. The proxy takes
both headers away from what comes from outside: else a caller's own would ride on the proxy's secret.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificate
from django.conf import settings
from django.http import HttpRequest

SECRET_HEADER = "X-Portal-Proxy-Secret"  # noqa: S105  (a name)
CHAIN_HEADER = "Client-Cert-Chain"  # proves nothing itself, so a caller's own does no harm
LONGEST = 16_384  # characters of a header
MOST_IN_CHAIN = 8
_DER = re.compile(r":([A-Za-z0-9+/]+={0,2}):")  # a byte sequence of RFC 9651 §3.3.5
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True)
class Proven:
    """A certificate whose private key the other end has, and what it sent to lead to its authority."""

    leaf: Certificate
    chain: tuple[Certificate, ...]
    thumbprint: str  # RFC 8705 §3.1: base64url of the SHA-256 of its DER


def configured() -> bool:
    """Whether certificates are taken at all."""
    return bool(settings.PORTAL_CLIENT_CERTIFICATE_HEADER)


def proven(request: HttpRequest) -> Proven | None:
    """The certificate of this request; None without one, without proof, or for what cannot be read."""
    if not configured() or not _from_our_proxy(request):
        return None
    value = _header(request, settings.PORTAL_CLIENT_CERTIFICATE_HEADER)
    chain = _header(request, CHAIN_HEADER)
    if not value or max(len(value), len(chain)) > LONGEST:
        return None
    try:
        leaf = _read(value)
        sent = tuple(_read(each.strip()) for each in chain.split(",")[:MOST_IN_CHAIN]) if chain else ()
    except ValueError:
        return None
    return Proven(leaf, sent, thumbprint(leaf))


def thumbprint(certificate: Certificate) -> str:
    """``x5t#S256``."""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def fits(confirmation: Mapping[str, Any], request: HttpRequest) -> bool:
    """Whether whoever shows this token may: anybody may show one that is bound to no certificate."""
    if "x5t#S256" not in confirmation:
        return True
    bound = confirmation["x5t#S256"]
    shown = proven(request)
    return isinstance(bound, str) and shown is not None and hmac.compare_digest(bound, shown.thumbprint)


def _from_our_proxy(request: HttpRequest) -> bool:
    """Compared in constant time. A secret that is too short is none (settings refuse it)."""
    given = _header(request, SECRET_HEADER).encode("utf-8", "replace")
    known = [secret.encode() for secret in settings.PORTAL_PROXY_SECRETS if len(secret) >= 32]
    return any(hmac.compare_digest(given, secret) for secret in known)


def _header(request: HttpRequest, name: str) -> str:
    return str(request.META.get("HTTP_" + name.upper().replace("-", "_"), "")) if name else ""


def _read(value: str) -> Certificate:
    """One certificate as RFC 9440 writes it, or as PEM with percent signs; ValueError else.

    Two are none: which one the proxy has seen nobody could tell.
    """
    if found := _DER.fullmatch(value):
        return load_der_x509_certificate(base64.b64decode(found[1], validate=True))
    text = unquote(value)
    if _PEM.fullmatch(text):
        return load_pem_x509_certificate(text.encode())
    raise ValueError("no certificate")
