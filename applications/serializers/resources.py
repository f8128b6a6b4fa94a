"""Shapes of a tenant's own resources."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.manifest import PRIVILEGES, ResourceRef
from applications.serializers.shared import Text
from tenants.rest import StrictSerializer

MOST = 500  # of one batch
TYPE = r"^urn:[A-Za-z0-9][A-Za-z0-9:._-]{0,195}$"
KEY = r"^[A-Za-z0-9][A-Za-z0-9._:@~+=,-]{0,199}$"
ICON = r"^([a-z0-9][a-z0-9-]{0,59})?$"


class ResourceType(rest.RegexField):
    """A URN that stands in an address as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(TYPE, max_length=200, **options)


class ResourceKey(rest.RegexField):
    """An id that stands in an address as it is: no slash, and nothing that has to be escaped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(KEY, max_length=200, **options)


class ResourceAddress(StrictSerializer):
    """What names a resource in an address."""

    resourceType = ResourceType()
    resourceId = ResourceKey()


class ResourceBody(StrictSerializer):
    """A resource without its address. ``parent``: a static one, or another of the same tenant."""

    name = Text(200)
    description = Text(500, required=False, allow_blank=True, default="")
    icon = rest.RegexField(ICON, max_length=60, required=False, allow_blank=True, default="")
    privileges = rest.ListField(child=rest.ChoiceField(choices=PRIVILEGES), min_length=1, max_length=5)
    parent = ResourceRef(required=False, allow_null=True, default=None)


class ResourceItem(ResourceBody):
    """One of many."""

    resourceType = ResourceType()
    resourceId = ResourceKey()


class ResourceMany(StrictSerializer):
    """Resources to make, or to change, at most 500."""

    items = ResourceItem(many=True)


class ResourceManyOf(StrictSerializer):
    """The same, taken without looking into the items: one that is malformed is refused for itself."""

    items = rest.ListField(child=rest.JSONField(allow_null=True), min_length=1, max_length=MOST)


class OwnResource(rest.Serializer[Any]):
    """A resource of the tenant's own. ``parent`` is null also when what contained it has ended."""

    owningTenantId = rest.UUIDField()
    resourceType = rest.CharField()
    resourceId = rest.CharField()
    name = rest.CharField()
    description = rest.CharField()
    icon = rest.CharField()
    privileges = rest.ListField(child=rest.CharField())
    parent = ResourceRef(allow_null=True)
    revision = rest.CharField()


class OwnResourcePage(rest.Serializer[Any]):
    """A page of them."""

    items = OwnResource(many=True)
    next = rest.CharField(allow_null=True)


class ResourceResult(rest.Serializer[Any]):
    """``status`` is that of a request for this one alone; ``resource`` or ``problem`` is set."""

    status = rest.IntegerField()
    resource = OwnResource(allow_null=True)
    problem = rest.DictField(allow_null=True)


class ResourceManyOut(rest.Serializer[Any]):
    """A result for each, in the order given."""

    items = ResourceResult(many=True)
