"""Shapes of resources."""

from typing import Any

from rest_framework import serializers as rest


class ResourceOut(rest.Serializer[Any]):
    """A resource, with the privileges that a role of this tenant can hold on it."""

    applicationId = rest.CharField()
    resourceType = rest.CharField()
    resourceId = rest.CharField()
    name = rest.CharField()
    description = rest.CharField()
    kind = rest.CharField(help_text="static or dynamic")
    privileges = rest.ListField(child=rest.CharField())


class ResourcePage(rest.Serializer[Any]):
    """A page of resources."""

    items = ResourceOut(many=True)
    next = rest.CharField(allow_null=True)
