"""Shapes of events."""

from typing import Any

from rest_framework import serializers as rest


class EventOut(rest.Serializer[Any]):
    """A CloudEvents 1.0 event in its JSON form."""

    specversion = rest.CharField()
    id = rest.UUIDField()
    type = rest.CharField()
    subject = rest.CharField()
    time = rest.DateTimeField()
    tenantid = rest.UUIDField()
    position = rest.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """``data`` and ``source`` are names of the framework, so they cannot be written as attributes."""
        fields = super().get_fields()
        fields["source"] = rest.URLField()
        fields["data"] = rest.DictField()
        return fields


class EventPage(rest.Serializer[Any]):
    """Events in order. ``next`` is what to send as ``after``, also where nothing came.

    ``live`` is the same address at the event service: it takes ``wait`` (seconds, up to 30) and answers
    ``Accept: text/event-stream``. Null where there is none.
    """

    items = EventOut(many=True)
    next = rest.IntegerField()
    oldest = rest.IntegerField()
    live = rest.URLField(allow_null=True)


class ServedTenant(rest.Serializer[Any]):
    """A tenant that the application serves."""

    tenantId = rest.UUIDField()
    name = rest.CharField()
    relation = rest.CharField()
    relations = rest.ListField(child=rest.CharField())
    availableFrom = rest.DateTimeField(allow_null=True)
    availableUntil = rest.DateTimeField(allow_null=True)


class ServedTenants(rest.Serializer[Any]):
    """All of them."""

    items = ServedTenant(many=True)
    next = rest.CharField(allow_null=True)
