"""What proves a client: secrets, public keys, certificates, and issuers whose word is taken for it."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from applications.models.clients import Client
from tenants.models import Spanned
from tenants.models.spanned import no_overlap


class ClientSecret(models.Model):
    """A live or past secret: machine-made, 256 bit, kept as a keyed digest; its value is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="secrets")
    digest = models.CharField(max_length=64)
    pepper = models.PositiveIntegerField()
    hint = models.CharField(max_length=8)
    note = models.CharField(max_length=200, blank=True)
    during = DateTimeRangeField()
    created_by = models.CharField(max_length=200)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    def __str__(self) -> str:
        return f"…{self.hint}"


class ClientKey(models.Model):
    """A public key for ``private_key_jwt`` (RFC 7523); ``kid`` is its RFC 7638 thumbprint."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="keys")
    kid = models.CharField(max_length=64)
    public_jwk = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    during = DateTimeRangeField()
    created_by = models.CharField(max_length=200)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("clientkey_no_overlap", ["client", "kid"], "This key is registered already.")
        ]

    def __str__(self) -> str:
        return self.kid


class ClientCertificate(models.Model):
    """For mutual TLS (RFC 8705): one certificate, or a subject name with the anchor it must chain to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="certificates")
    thumbprint = models.CharField(max_length=43, blank=True)  # x5t#S256: base64url of SHA-256, unpadded
    subject_dn = models.CharField(max_length=500, blank=True)  # RFC 4514
    trust_anchor = models.TextField(blank=True)  # PEM
    note = models.CharField(max_length=200, blank=True)
    during = DateTimeRangeField()
    created_by = models.CharField(max_length=200)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    (~Q(thumbprint="") & Q(subject_dn="", trust_anchor=""))
                    | (Q(thumbprint="") & ~Q(subject_dn="") & ~Q(trust_anchor=""))
                ),
                name="clientcertificate_one_kind",
                violation_error_message="Give one certificate, or a subject name with its trust anchor.",
            )
        ]

    def __str__(self) -> str:
        return self.thumbprint or self.subject_dn


class TrustedIssuer(models.Model):
    """An external issuer whose JWT about one subject stands for the client (workload identity).

    Its keys are given (``jwks``), or at ``jwks_uri``, or found by the issuer's own discovery.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="trusted_issuers")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=500)  # exact, or with one * at the end of a fixed namespace
    jwks = models.JSONField(null=True, blank=True)
    jwks_uri = models.CharField(max_length=500, blank=True)
    note = models.CharField(max_length=200, blank=True)
    during = DateTimeRangeField()
    created_by = models.CharField(max_length=200)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap(
                "trustedissuer_no_overlap",
                ["client", "issuer", "subject"],
                "This issuer and subject are trusted already.",
            ),
            models.CheckConstraint(
                condition=Q(jwks=None) | Q(jwks_uri=""),
                name="trustedissuer_one_source",
                violation_error_message="Give the keys or where they are, not both.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"


class UsedAssertion(models.Model):
    """A ``jti`` that a client has used (RFC 7523 §3): kept until the assertion would have ended anyway."""

    id = models.BigAutoField(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "digest"],
                name="usedassertion_once",
                violation_error_message="This assertion was used already.",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="usedassertion_by_end")]

    def __str__(self) -> str:
        return f"assertion of {self.client_id}"
