"""What creating something was answered with, for a caller who did not hear it."""

from django.db import models
from django.db.models import Q

from tenants.models.tenants import Tenant


class IdempotentReply(models.Model):
    """The reply to a request with an ``Idempotency-Key``, written in the transaction of what it made.

    Only digests of who asked what are kept. A reply that held a secret is not: then ``reply`` is null.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    slot = models.CharField(max_length=64)  # of the principal, the address and the key
    asked = models.CharField(max_length=64)  # of the body
    status = models.PositiveSmallIntegerField()
    reply = models.TextField(null=True, blank=True)
    etag = models.CharField(max_length=60, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "slot"],
                name="idempotentreply_once",
                violation_error_message="This key was used already.",
            ),
            models.CheckConstraint(
                condition=Q(status__gte=200, status__lt=300),
                name="idempotentreply_of_success",
                violation_error_message="Only what was done is kept.",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="idempotentreply_by_end")]

    def __str__(self) -> str:
        return f"reply kept until {self.expires_at}"
