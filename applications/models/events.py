"""The outbox: written in the transaction of the change, given a position afterwards by the sequencer."""

import uuid

from django.db import models

from applications.models.applications import Application
from tenants.models import Tenant


class Event(models.Model):
    """One event as one tenant's stream shows it (CloudEvents 1.0 on the wire)."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(default=uuid.uuid4, editable=False)
    position = models.BigIntegerField(null=True, unique=True)
    # The writing transaction: a page never splits one.
    transaction = models.BigIntegerField(db_default=models.Func(function="txid_current"))
    type = models.CharField(max_length=80)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    subject = models.CharField(max_length=200)
    at = models.DateTimeField()
    data = models.JSONField()

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "position"], name="event_by_tenant"),
            models.Index(fields=["application", "position"], name="event_by_application"),
            models.Index(
                fields=["id"], condition=models.Q(position__isnull=True), name="event_without_position"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"
