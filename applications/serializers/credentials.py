"""Shapes of keys, certificates and trusted issuers of a client."""

from typing import Any

from rest_framework import serializers as rest

from applications.actions.client_addresses import LONGEST
from applications.proofs.certificates import LONGEST_DN
from applications.proofs.pem import LONGEST as LONGEST_PEM
from applications.serializers.shared import Text
from tenants.rest import StrictSerializer


class OneOf(StrictSerializer):
    """Exactly one of several ways to say the same."""

    ways: tuple[frozenset[str], ...] = ()
    least = 1  # how many of the ways are to be given; 0: perhaps none

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Each way whole, and no two of them."""
        names = frozenset().union(*self.ways)
        present = frozenset(name for name in names if given.get(name) is not None)
        if present not in self.ways and not (not present and self.least == 0):
            choices = ", or ".join(" with ".join(sorted(way)) for way in self.ways)
            raise rest.ValidationError(f"Give {choices}.", "one_of")
        return given


class CredentialIn(OneOf):
    """What every credential may have."""

    note = Text(200, required=False, allow_blank=True, default="")
    expiresAt = rest.DateTimeField(required=False, allow_null=True, default=None)


class KeyIn(CredentialIn):
    """A public key, or where the client publishes its own. A private one is refused and forgotten."""

    ways = (frozenset({"jwk"}), frozenset({"pem"}), frozenset({"jwksUri"}))
    jwk = rest.DictField(required=False, help_text="RFC 7517, public members only.")
    pem = Text(LONGEST_PEM, required=False, help_text="A PUBLIC KEY or a CERTIFICATE.")
    jwksUri = Text(LONGEST, required=False, help_text="Replaces the present one; has no note and no end.")


class CertificateIn(CredentialIn):
    """One certificate, or a subject name with the anchor that it must chain to."""

    ways = (frozenset({"pem"}), frozenset({"subjectDn", "trustAnchorPem"}))
    pem = Text(LONGEST_PEM, required=False)
    subjectDn = Text(LONGEST_DN, required=False, help_text="RFC 4514, like CN=robot,O=Acme,C=DE.")
    trustAnchorPem = Text(LONGEST_PEM, required=False, help_text="The certificate of an authority.")


class TrustedIssuerIn(CredentialIn):
    """Whom to trust about whom. Without keys they are found by the issuer's own discovery."""

    ways = (frozenset({"jwks"}), frozenset({"jwksUri"}))
    least = 0
    issuer = Text(LONGEST, help_text="Exactly as in `iss`.")
    subject = Text(LONGEST, help_text="Exactly as in `sub`; one * at the end of a fixed namespace.")
    jwks = rest.DictField(required=False, allow_null=True, default=None, help_text="RFC 7517 §5.")
    jwksUri = Text(LONGEST, required=False, allow_null=True, default=None)


class CredentialOut(rest.Serializer[Any]):
    """What every credential has."""

    note = rest.CharField()
    startsAt = rest.DateTimeField()
    createdBy = rest.CharField(allow_null=True)
    expiresAt = rest.DateTimeField(allow_null=True)
    lastUsedAt = rest.DateTimeField(allow_null=True)


class KeyOut(CredentialOut):
    """A registered key, or (``keyId`` null) where the client publishes its own."""

    keyId = rest.UUIDField(allow_null=True)
    kid = rest.CharField(allow_null=True)
    jwk = rest.DictField(allow_null=True)
    jwksUri = rest.CharField(allow_null=True)


class KeyList(rest.Serializer[Any]):
    """The living ones, at most ten: always one page."""

    items = KeyOut(many=True)
    next = rest.CharField(allow_null=True)


class CertificateOut(CredentialOut):
    """A registered certificate, or a subject name with its anchor."""

    certificateId = rest.UUIDField()
    thumbprint = rest.CharField(allow_null=True)
    subjectDn = rest.CharField(allow_null=True)
    trustAnchorPem = rest.CharField(allow_null=True)


class CertificateList(rest.Serializer[Any]):
    """The living ones, at most ten: always one page."""

    items = CertificateOut(many=True)
    next = rest.CharField(allow_null=True)


class TrustedIssuerOut(CredentialOut):
    """Whom the client trusts, about whom."""

    issuerId = rest.UUIDField()
    issuer = rest.CharField()
    subject = rest.CharField()
    jwks = rest.DictField(allow_null=True)
    jwksUri = rest.CharField(allow_null=True)


class TrustedIssuerList(rest.Serializer[Any]):
    """The living ones, at most ten: always one page."""

    items = TrustedIssuerOut(many=True)
    next = rest.CharField(allow_null=True)
