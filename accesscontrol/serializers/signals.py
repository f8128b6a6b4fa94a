"""Shapes of streams of signals. The names are those of SSF 1.0, RFC 8935 and RFC 8936."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.shared import Switch, Text
from tenants.rest import StrictSerializer


class StreamDeliveryIn(StrictSerializer):
    """``endpoint_url`` and ``authorization_header`` of who is pushed to; who polls is told the address."""

    method = rest.ChoiceField(["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"])
    endpoint_url = Text(500, required=False, allow_null=True, default=None)
    authorization_header = Text(1000, required=False, allow_null=True, default=None, trim_whitespace=False)


class _Stream(StrictSerializer):
    """What a receiver says of a stream. ``iss`` and what follows are ours: taken, and not looked at."""

    delivery = StreamDeliveryIn(required=False)
    events_requested = rest.ListField(child=Text(200), max_length=50, required=False)
    description = Text(200, required=False, allow_blank=True)
    iss = Text(500, required=False)
    aud = Text(500, required=False)
    events_supported = rest.ListField(child=Text(200), max_length=50, required=False)
    events_delivered = rest.ListField(child=Text(200), max_length=50, required=False)
    min_verification_interval = rest.IntegerField(required=False)


class StreamIn(_Stream):
    """A stream to make; without ``delivery`` it is polled, without ``events_requested`` it tells all."""


class StreamChange(_Stream):
    """What to change."""

    stream_id = rest.UUIDField()


class StreamDeliveryOut(rest.Serializer[Any]):
    """How it is told."""

    method = rest.CharField()
    endpoint_url = rest.CharField()


class StreamOut(rest.Serializer[Any]):
    """A stream."""

    stream_id = rest.UUIDField()
    iss = rest.CharField()
    aud = rest.CharField()
    delivery = StreamDeliveryOut()
    events_supported = rest.ListField(child=rest.CharField())
    events_requested = rest.ListField(child=rest.CharField())
    events_delivered = rest.ListField(child=rest.CharField())
    min_verification_interval = rest.IntegerField()
    description = rest.CharField()


class StatusIn(StrictSerializer):
    """What the receiver wants."""

    stream_id = rest.UUIDField()
    status = rest.ChoiceField(["enabled", "paused", "disabled"])
    reason = Text(200, required=False, allow_blank=True)


class StatusOut(rest.Serializer[Any]):
    """How it stands. ``reason``, where it was not the receiver that paused it."""

    stream_id = rest.UUIDField()
    status = rest.CharField()
    reason = rest.CharField(required=False)


class VerifyIn(StrictSerializer):
    """``state`` comes back in the token."""

    stream_id = rest.UUIDField()
    state = Text(200, required=False, allow_blank=True, default="")


class PollIn(StrictSerializer):
    """RFC 8936 §2.2. ``returnImmediately`` is taken: nobody waits here."""

    maxEvents = rest.IntegerField(min_value=0, max_value=10_000, required=False, default=25)
    returnImmediately = Switch(required=False, default=False)
    ack = rest.ListField(child=Text(64), max_length=1000, required=False, default=list)
    setErrs = rest.DictField(child=rest.DictField(), required=False, default=dict)


class PollOut(rest.Serializer[Any]):
    """Tokens by their ``jti``."""

    sets = rest.DictField(child=rest.CharField())
    moreAvailable = rest.BooleanField(required=False)
