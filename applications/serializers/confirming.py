"""Shapes of role changes of access contracts."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.shared import Text
from tenants.rest import StrictSerializer


class ConfirmIn(StrictSerializer):
    """What may be said with it."""

    note = Text(500, required=False, allow_blank=True, default="")


class GainOut(rest.Serializer[Any]):
    """A permission that the role gained, and when."""

    resourceType = rest.CharField()
    resourceId = rest.CharField()
    name = rest.CharField()
    privilege = rest.CharField()
    since = rest.DateTimeField()


class RoleChangeOut(rest.Serializer[Any]):
    """A role of the contract that holds more than was confirmed."""

    applicationId = rest.CharField()
    role = rest.CharField()
    name = rest.CharField()
    gained = GainOut(many=True)


class RoleChangesOut(rest.Serializer[Any]):
    """What waits for confirmation in a contract."""

    contractId = rest.UUIDField()
    revision = rest.CharField()
    roles = RoleChangeOut(many=True)
