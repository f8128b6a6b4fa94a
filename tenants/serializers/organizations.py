"""Shapes of organizations."""

from typing import Any

from rest_framework import serializers as rest

from tenants.rest import StrictSerializer


class SuspensionIn(StrictSerializer):
    """Why it is suspended; kept in its record and in the operator's."""

    reason = rest.CharField(max_length=500, required=False, allow_blank=True, default="")


class OrganizationOut(rest.Serializer[Any]):
    """An organization of the installation."""

    tenantId = rest.UUIDField()
    slug = rest.CharField()
    name = rest.CharField()
    suspended = rest.BooleanField()


class OrganizationPage(rest.Serializer[Any]):
    """A page of organizations."""

    items = OrganizationOut(many=True)
    next = rest.CharField(allow_null=True)
