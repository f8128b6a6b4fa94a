"""Proofs of a key that were taken once (RFC 9449 §11.1): a digest of key and ``jti``, and nothing more."""

from django.db import models


class UsedProof(models.Model):
    """Until its end the same proof is refused, in every process."""

    digest = models.CharField(primary_key=True, max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="usedproof_by_end")]

    def __str__(self) -> str:
        return self.digest
