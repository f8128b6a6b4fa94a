"""Keys and certificates for tests, as clients make them; each is made once."""

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
WHOLE_DAY = timedelta(days=1)
_LOOPBACK = "127.0.0.1"


def ec_key(name: str = "robot", curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    """The same name has the same key."""
    return _ec_key(name, curve)


@cache
def _ec_key(name: str, curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: Any) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(PEM, kind).decode())


def private_pem(key: Any, kind: str = "PKCS8") -> str:
    none = serialization.NoEncryption()
    return str(key.private_bytes(PEM, getattr(serialization.PrivateFormat, kind), none).decode())


def b64(value: int, size: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def public_jwk(key: ec.EllipticCurvePrivateKey | None = None) -> dict[str, Any]:
    """Of a P-256 key."""
    numbers = (key or ec_key()).public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(numbers.x, 32), "y": b64(numbers.y, 32)}


def private_jwk(key: ec.EllipticCurvePrivateKey | None = None) -> dict[str, Any]:
    return {**public_jwk(key), "d": b64((key or ec_key()).private_numbers().private_value, 32)}


@cache
def certified(
    name: str = "robot",
    *,
    authority: bool = False,
    signs: bool = True,
    key: Any = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> x509.Certificate:
    """A self-signed certificate; ``authority``: it may sign others, unless its key usage takes that back."""
    own = key or ec_key(name)
    now = datetime.now(UTC)
    subject = x509.Name.from_rfc4514_string(f"CN={name},O=Acme,C=DE")
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(4711)
    built = built.public_key(own.public_key())
    built = built.not_valid_before(starts_at or now - WHOLE_DAY)
    built = built.not_valid_after(ends_at or now + timedelta(days=365))
    if authority:
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"),
            False,
        )
        off = {"encipher_only": False, "decipher_only": False}
        extension = x509.KeyUsage(digital_signature=True, key_cert_sign=signs, **usage, **off)
        built = built.add_extension(extension, critical=True)
    return built.sign(own, hashes.SHA256())


def of_loopback(name: str) -> x509.Certificate:
    """Of a server at this machine's own address, by the key of that name; its own authority."""
    key, now = ec_key(name), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _LOOPBACK)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_LOOPBACK))])
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(1)
    built = built.public_key(key.public_key()).not_valid_before(now - WHOLE_DAY)
    built = built.not_valid_after(now + WHOLE_DAY).add_extension(names, critical=False)
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    return built.add_extension(constraints, critical=True).sign(key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(PEM).decode()
