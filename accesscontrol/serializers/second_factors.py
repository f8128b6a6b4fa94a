"""Shapes of the roles that ask for a second factor."""

from typing import Any

from rest_framework import serializers as rest

from accesscontrol.serializers.assignments import AssignedRole
from tenants.rest import StrictSerializer


class SecondFactorsIn(StrictSerializer):
    """All that ask from now on: everybody, or who holds one of the roles: the portal's, the tenant's own."""

    everybody = rest.BooleanField(default=False)
    roles = rest.ListField(child=AssignedRole(), max_length=500)


class PersonAsked(rest.Serializer[Any]):
    """Somebody without a second factor."""

    userId = rest.UUIDField()
    name = rest.CharField()


class Asked(rest.Serializer[Any]):
    """Who sets a factor up at the next sign-in. ``count`` is of all; ``items`` are some of them."""

    count = rest.IntegerField()
    items = PersonAsked(many=True)


class SecondFactorsOut(rest.Serializer[Any]):
    """What asks, and whom it meets."""

    everybody = rest.BooleanField()
    roles = AssignedRole(many=True)
    asked = Asked()
    revision = rest.CharField()
