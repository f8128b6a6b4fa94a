"""Which contract was used by whom: tokens a day, and the last use. Counted, never decided upon."""

from django.db import models

from applications.models.applications import Application
from applications.models.contracts import Contract
from tenants.models import Tenant


class UsageBatch(models.Model):
    """A hand-over of counts that was taken, by the id of its message: one that comes again counts nothing."""

    id = models.UUIDField(primary_key=True)
    taken_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["taken_at"], name="usagebatch_by_time")]

    def __str__(self) -> str:
        return str(self.id)


class ContractUsage(models.Model):
    """Tokens of one day that a caller got for a target in a tenant, by a contract (none: by ownership)."""

    contract = models.ForeignKey(
        Contract, on_delete=models.CASCADE, related_name="usage", null=True, blank=True
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    caller = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    tokens = models.BigIntegerField(default=0)
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "tenant", "caller", "target", "day"],
                nulls_distinct=False,
                name="contractusage_once",
                violation_error_message="This day is counted already.",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "target", "caller", "last_used_at"], name="contractusage_by_call"),
            models.Index(fields=["day"], name="contractusage_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.caller_id} → {self.target_id} in {self.tenant_id} on {self.day}: {self.tokens}"
