"""Certificates for mutual TLS (RFC 8705): one by its thumbprint, or a subject name and its trust anchor."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from applications.proofs import keys, pem
from applications.proofs.refused import Unusable

LONGEST_DN = 500


@dataclass(frozen=True, slots=True)
class Certificate:
    """``thumbprint`` as in ``x5t#S256`` (RFC 8705 §3.1); ``text`` is the certificate alone, as PEM."""

    thumbprint: str
    subject: str
    starts_at: datetime
    ends_at: datetime
    text: str


def of_pem(text: str) -> Certificate:
    """One certificate whose key is strong enough; Unusable otherwise."""
    read = pem.certificate(text)
    keys.of_key(pem.key_of(read))
    return Certificate(
        thumbprint=keys.encoded(hashlib.sha256(read.public_bytes(keys.Encoding.DER)).digest()),
        subject=_shown(read.subject),
        starts_at=read.not_valid_before_utc,
        ends_at=read.not_valid_after_utc,
        text=read.public_bytes(keys.Encoding.PEM).decode(),
    )


def anchor_of_pem(text: str) -> Certificate:
    """A certificate that may sign others (RFC 5280 §4.2.1.3, §4.2.1.9); Unusable otherwise."""
    made = of_pem(text)
    try:
        extensions = pem.certificate(text).extensions
        may = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usage = [each.value for each in extensions if isinstance(each.value, x509.KeyUsage)]
    except x509.ExtensionNotFound:
        may, usage = False, []
    except (ValueError, TypeError, x509.DuplicateExtension):
        raise Unusable("pem_malformed", "The extensions of the certificate cannot be read.") from None
    if not may or not all(each.key_cert_sign for each in usage):
        raise Unusable("not_an_authority", "This certificate may not sign others: it is no trust anchor.")
    return made


def subject_dn(text: str) -> str:
    """A subject name as RFC 4514 writes it, in the one spelling that is compared; Unusable otherwise."""
    wrong = Unusable("subject_malformed", "Write the subject like CN=robot,OU=Plant 4,O=Acme,C=DE.")
    if not text.isprintable() or not text.strip() or len(text) > LONGEST_DN:
        raise wrong
    try:
        name = x509.Name.from_rfc4514_string(text).rfc4514_string()
    except (ValueError, TypeError, IndexError, KeyError, OverflowError):
        raise wrong from None
    if not name or len(name) > LONGEST_DN or not name.isprintable():
        raise wrong
    return name


def _shown(name: x509.Name) -> str:
    """For people only: what cannot be printed is left out."""
    return "".join(sign for sign in name.rfc4514_string() if sign.isprintable())[:LONGEST_DN]
