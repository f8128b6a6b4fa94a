"""Shapes of webhooks, their secrets and their deliveries."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as rest

from applications.serializers.shared import Text
from tenants.rest import StrictSerializer


@extend_schema_field({"type": "string", "format": "uri", "maxLength": 500})
class Address(Text):
    """A URL; the action says which ones are accepted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(500, **options)


class Types(rest.ListField):
    """Types of events (``iam.contract.ended.v1``) or all of a kind (``iam.contract.*``)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Text(80), max_length=20, **options)


class WebhookIn(StrictSerializer):
    """A subscription to make. ``applicationId``: to that own application's events, not the tenant's."""

    url = Address()
    types = Types()
    note = Text(200, required=False, allow_blank=True, default="")
    applicationId = Text(64, required=False, allow_null=True, default=None)


class WebhookPatch(StrictSerializer):
    """What to change; what is left out stays."""

    url = Address(required=False)
    types = Types(required=False)
    note = Text(200, required=False, allow_blank=True)


class WebhookSecretOut(rest.Serializer[Any]):
    """A living secret without its value."""

    secretId = rest.UUIDField()
    hint = rest.CharField()
    createdAt = rest.DateTimeField()
    endsAt = rest.DateTimeField(allow_null=True)


class WebhookOut(rest.Serializer[Any]):
    """A subscription. ``attempts`` and what follows speak of the event that could not be delivered yet.

    ``form``: ``events``, or ``signals``, where an application asked to be told about people.
    """

    webhookId = rest.UUIDField()
    form = rest.CharField()
    url = rest.CharField()
    types = rest.ListField(child=rest.CharField())
    applicationId = rest.CharField(allow_null=True)
    note = rest.CharField()
    state = rest.CharField()
    pausedBecause = rest.CharField(allow_null=True)
    position = rest.IntegerField()
    attempts = rest.IntegerField()
    failingSince = rest.DateTimeField(allow_null=True)
    nextAttemptAt = rest.DateTimeField(allow_null=True)
    createdAt = rest.DateTimeField()
    createdBy = rest.CharField()
    secrets = WebhookSecretOut(many=True)
    revision = rest.CharField()


class WebhookMade(WebhookOut):
    """The only reply that carries the first secret."""

    secret = rest.CharField()


class WebhookPage(rest.Serializer[Any]):
    """All subscriptions that have not ended."""

    items = WebhookOut(many=True)
    next = rest.CharField(allow_null=True)


class RotateIn(StrictSerializer):
    """``oldEndsAt``: until when the present secret signs, too; until it is revoked when left out."""

    oldEndsAt = rest.DateTimeField(required=False, allow_null=True, default=None)


class WebhookSecretMade(WebhookSecretOut):
    """The only reply that carries the value."""

    secret = rest.CharField()


class DeliveryOut(rest.Serializer[Any]):
    """One attempt. ``outcome`` is waiting, delivered or failed; ``status`` the receiver's."""

    deliveryId = rest.IntegerField()
    eventId = rest.UUIDField()
    eventType = rest.CharField()
    position = rest.IntegerField()
    attempt = rest.IntegerField()
    byHand = rest.BooleanField()
    at = rest.DateTimeField()
    milliseconds = rest.IntegerField()
    outcome = rest.CharField()
    status = rest.IntegerField(allow_null=True)
    error = rest.CharField()


class DeliveryPage(rest.Serializer[Any]):
    """Attempts, newest first."""

    items = DeliveryOut(many=True)
    next = rest.CharField(allow_null=True)


class RecoverIn(StrictSerializer):
    """Since when."""

    since = rest.DateTimeField()


class RecoveredOut(rest.Serializer[Any]):
    """How many events are on their way, and how many did not fit."""

    asked = rest.IntegerField()
    left = rest.IntegerField()
