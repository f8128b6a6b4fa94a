"""Shapes of availability."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.shared import ReasonOut, Text
from tenants.rest import StrictSerializer


class NextChange(rest.Serializer[Any]):
    """The next planned change."""

    at = rest.DateTimeField()
    available = rest.BooleanField()


class AvailabilityOut(rest.Serializer[Any]):
    """Whether an application is available in a tenant, and why."""

    applicationId = rest.CharField()
    tenantId = rest.UUIDField()
    at = rest.DateTimeField()
    available = rest.BooleanField()
    relation = rest.CharField(allow_null=True)
    since = rest.DateTimeField(allow_null=True)
    until = rest.DateTimeField(allow_null=True)
    nextChange = NextChange(allow_null=True)
    reasons = ReasonOut(many=True)


class AvailabilityBatchIn(StrictSerializer):
    """Which applications to ask about."""

    applicationIds = rest.ListField(child=Text(64), min_length=1, max_length=500)
    at = rest.DateTimeField(required=False)


class AvailabilityBatch(rest.Serializer[Any]):
    """The answers, in the order asked."""

    items = AvailabilityOut(many=True)
