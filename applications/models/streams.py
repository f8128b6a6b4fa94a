"""Shared Signals: what a webhook is besides, where it tells an application about people."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from applications.models.webhooks import Webhook
from tenants.models import Tenant


class SignalStream(models.Model):
    """A stream of security events (OpenID SSF 1.0 §8.1) that an application has asked an organization for.

    The subscription beside it (``Webhook.form`` is ``signals``) says where it stands and is what is paused,
    listed and ended. ``asked``: what the receiver wants of it; a pause that it did not ask for is the
    organization's, and only the organization ends it.
    """

    class Method(models.TextChoices):
        PUSH = "push", "push"  # RFC 8935
        POLL = "poll", "poll"  # RFC 8936

    class Asked(models.TextChoices):
        ENABLED = "enabled", "enabled"
        PAUSED = "paused", "paused"  # what happens is kept
        DISABLED = "disabled", "disabled"  # nothing is kept

    webhook = models.OneToOneField(Webhook, primary_key=True, on_delete=models.CASCADE, related_name="stream")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    method = models.CharField(max_length=4, choices=Method)
    requested = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    asked = models.CharField(max_length=8, choices=Asked, default=Asked.ENABLED)
    verifying = models.CharField(max_length=200, blank=True)  # the state of the verification that waits

    def __str__(self) -> str:
        return f"{self.method} {self.webhook_id}"


class SignalOffer(models.Model):
    """A token that was handed out by polling and is not acknowledged yet (RFC 8936 §2.4).

    What stands in it is written anew, and decided anew, whenever it is handed out again. ``position`` is 0
    for one that no event of the stream is behind.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="offers")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=80)
    position = models.BigIntegerField()
    offered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "event_id"],
                name="signaloffer_once",
                violation_error_message="This token is handed out already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
