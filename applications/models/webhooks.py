"""Webhooks: who is told which events at which address, by which secret, and how it went."""

import uuid
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Q

from applications.models.applications import Application
from tenants.models import Spanned, Tenant


class WebhookState(models.TextChoices):
    """A paused subscription keeps its position; what happens meanwhile is sent when it is resumed."""

    ACTIVE = "active", "active"
    PAUSED = "paused", "paused"


class Webhook(models.Model):
    """A subscription of a tenant, or of one of its applications to that application's own events; or, by
    ``form``, of an application to signals about people of the tenant (:mod:`applications.models.streams`).

    ``position`` is that of the last event that was delivered or did not concern it; events are sent one
    after the other, so the first that fails holds the rest. ``attempts``, ``failing_since`` and
    ``next_attempt_at`` speak of that one. ``leased_until``: a worker has it in hand, or had it until then.
    ``reader_kind`` and ``reader_id``: who made it, or changed or resumed it since. It is sent as long as that
    actor may read its events himself.
    """

    State = WebhookState

    class Form(models.TextChoices):
        EVENTS = "events", "events"  # CloudEvents, signed by a secret
        SIGNALS = "signals", "signals"  # security event tokens about people, for one application

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="webhooks")
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    form = models.CharField(max_length=8, choices=Form, default=Form.EVENTS, db_default="events")
    url = models.CharField(max_length=500)  # our own, where whoever it is for polls
    types = ArrayField(models.CharField(max_length=80))  # ``iam.contract.ended.v1``, or ``iam.contract.*``
    note = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=WebhookState, default=WebhookState.ACTIVE)
    paused_because = models.CharField(max_length=20, blank=True)  # by_hand, failing, gone, not_allowed
    position = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    reader_kind = models.CharField(max_length=10)  # as of ``iam_portal.gate.Actor``
    reader_id = models.CharField(max_length=64)
    ended_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(types=[]),
                name="webhook_has_types",
                violation_error_message="Name at least one type of event.",
            ),
            models.CheckConstraint(
                condition=Q(state="active", paused_because="")
                | Q(state="paused", paused_because__in=["by_hand", "failing", "gone", "not_allowed"]),
                name="webhook_pause_has_reason",
                violation_error_message="A paused subscription says why.",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "id"], condition=Q(ended_at__isnull=True), name="webhook_living"),
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(ended_at__isnull=True, state="active"),
                name="webhook_due",
            ),
        ]

    @property
    def signals(self) -> bool:
        """Whether it tells an application about people."""
        return self.form == self.Form.SIGNALS

    @property
    def own_stream_of(self) -> str | None:
        """The application whose own events it carries; None for those of the tenant, and about its people."""
        return None if self.signals else self.application_id

    @property
    def shown_url(self) -> str:
        """The address as the organization sees it. Of an application's stream the origin alone: the rest may
        hold a secret of the receiver, who is somebody else."""
        if not self.signals:
            return self.url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def __str__(self) -> str:
        return f"{self.tenant_id} → {self.url}"


class WebhookSecret(models.Model):
    """A signing secret, encrypted at rest; two may live at once while a receiver changes over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField()
    hint = models.CharField(max_length=8)
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    def __str__(self) -> str:
        return f"…{self.hint}"


class WebhookDelivery(models.Model):
    """One attempt to deliver one event. ``status`` is the receiver's; ``error`` a word of ours.

    One that was asked for by hand waits here until a worker makes it.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "waiting"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=80)
    event_position = models.BigIntegerField()
    attempt = models.PositiveIntegerField()
    by_hand = models.BooleanField(default=False)
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["webhook", "-id"], name="webhookdelivery_newest"),
            models.Index(fields=["at"], name="webhookdelivery_by_age"),
            models.Index(
                fields=["webhook", "id"], condition=Q(outcome="waiting"), name="webhookdelivery_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.outcome}"
