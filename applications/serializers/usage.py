"""Shapes of usage."""

from typing import Any

from rest_framework import serializers as rest


class DayOut(rest.Serializer[Any]):
    """Tokens of one day (UTC)."""

    day = rest.DateField()
    tokens = rest.IntegerField()


class CallerOut(rest.Serializer[Any]):
    """A caller and what it calls; without id where the reader may not know it, without name where it is
    neither the reader's own nor available to him."""

    applicationId = rest.CharField(allow_null=True)
    name = rest.CharField(allow_null=True)
    calls = rest.CharField()
    tokens = rest.IntegerField()
    lastUsedAt = rest.DateTimeField()


class UsageOut(rest.Serializer[Any]):
    """How a contract is used."""

    contractId = rest.UUIDField()
    days = rest.IntegerField()
    tokens = rest.IntegerField()
    lastUsedAt = rest.DateTimeField(allow_null=True)
    countedSince = rest.DateTimeField(allow_null=True)
    byDay = DayOut(many=True)
    callers = CallerOut(many=True)
