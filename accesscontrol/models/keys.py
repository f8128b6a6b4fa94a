"""Keys that sign tokens. The private part is encrypted at rest, and forgotten when the key signs no more."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

ALGORITHMS = ("ES256", "RS256")


class KeyState(StrEnum):
    """Where a key is in its life. All but the last are in the JWK set."""

    NEXT = "next"  # published, so that verifiers know it when it begins to sign
    ACTIVE = "active"
    RETIRING = "retiring"  # signs no more; what it signed still verifies
    WITHDRAWN = "withdrawn"


class SigningKeys(models.QuerySet["SigningKey"]):
    """Questions by moment."""

    def verifying(self, at: datetime) -> Self:
        """Those in the JWK set at the moment: next, active and retiring."""
        return self.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=at))

    def signing(self, at: datetime) -> Self:
        """Those that sign at the moment: one of each algorithm."""
        not_retired = Q(retired_at=None) | Q(retired_at__gt=at)
        return self.verifying(at).filter(not_retired, active_from__lte=at)

    def planned(self, at: datetime) -> Self:
        """Those that will sign: at most one of each algorithm."""
        return self.verifying(at).filter(active_from__gt=at)


class SigningKey(models.Model):
    """One key of the installation's key set. Its moments say its state; no job has to turn it over."""

    kid = models.CharField(primary_key=True, max_length=64)
    algorithm = models.CharField(max_length=10, choices=[(name, name) for name in ALGORITHMS])
    public_jwk = models.JSONField()
    private_sealed = models.TextField(blank=True)
    created_at = models.DateTimeField()
    active_from = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)  # signs no more; verifies until withdrawn
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = SigningKeys.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_at=None) | Q(retired_at__gte=F("active_from")),
                name="signingkey_retired_after_active",
                violation_error_message="A key does not retire before it signs.",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(retired_at__isnull=False),
                name="signingkey_withdrawn_is_retired",
                violation_error_message="A key that is withdrawn signs no more.",
            ),
            ExclusionConstraint(
                name="signingkey_one_signer",
                expressions=[
                    ("algorithm", RangeOperators.EQUAL),
                    (
                        Func(
                            F("active_from"),
                            F("retired_at"),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="Another key of this algorithm signs then.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kid} ({self.algorithm})"

    def state(self, at: datetime) -> KeyState:
        """Where it is at the moment. A key that was withdrawn before it signed is never anything else."""
        if self.withdrawn_at is not None and self.withdrawn_at <= at:
            return KeyState.WITHDRAWN
        if self.retired_at is not None and self.retired_at <= at:
            return KeyState.RETIRING
        return KeyState.ACTIVE if self.active_from <= at else KeyState.NEXT
