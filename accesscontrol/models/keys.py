"""Keys that sign tokens. The private part is encrypted at rest."""

from django.db import models


class SigningKey(models.Model):
    """One key of the installation's key set: next, active, retiring by its moments."""

    kid = models.CharField(primary_key=True, max_length=64)
    algorithm = models.CharField(max_length=10, choices=[("ES256", "ES256"), ("RS256", "RS256")])
    public_jwk = models.JSONField()
    private_sealed = models.TextField()
    created_at = models.DateTimeField()
    active_from = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)  # signs no more; verifies until withdrawn
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kid} ({self.algorithm})"
