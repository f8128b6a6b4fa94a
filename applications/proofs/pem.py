"""PEM texts (RFC 7468): what is in them, before anything reads them."""

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from applications.proofs.refused import Unusable, private_key
from iam_portal.sentences import said

LONGEST = 20_000  # characters; a certificate of an 8192-bit key with many names has half of it
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_UNREADABLE = (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion)


def only_block(text: str) -> str:
    """The label of the one block; Unusable for none, for several, and for whatever holds a private key."""
    # Looked for in the whole text, also where it is no block: a broken private key is one, too.
    if "PRIVATE KEY" in text.upper() or "PRIVATE-LINES" in text.upper():
        raise private_key()
    if len(text) > LONGEST:
        raise Unusable(
            "pem_malformed", said("The PEM is longer than %(longest)s characters.", {"longest": LONGEST})
        )
    found = _BEGIN.findall(text)
    if not found or not text.isascii():
        raise Unusable("pem_malformed", "Give PEM: text that begins with -----BEGIN.")
    if len(found) > 1:
        raise Unusable("pem_several", said("Give one block: here are %(found)s.", {"found": len(found)}))
    return str(found[0])


def certificate(text: str) -> x509.Certificate:
    """The one certificate; Unusable otherwise."""
    if only_block(text) != "CERTIFICATE":
        raise Unusable("pem_malformed", "Give a CERTIFICATE in PEM.")
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except _UNREADABLE:
        raise Unusable("pem_malformed", "The certificate cannot be read.") from None


def key_of(certificate: x509.Certificate) -> object:
    """Its public key; Unusable for one of a kind that nobody here knows."""
    try:
        return certificate.public_key()
    except _UNREADABLE:
        raise Unusable("pem_malformed", "The key of the certificate cannot be read.") from None
