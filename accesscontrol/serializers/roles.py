"""Shapes of tenant roles."""

from typing import Any

from rest_framework import serializers as rest

from iam_portal.gate import Privilege
from tenants.rest import StrictSerializer

PRIVILEGES = [privilege.value for privilege in Privilege]


class PermissionIn(StrictSerializer):
    """Privileges on a resource that is available in the tenant."""

    applicationId = rest.CharField(max_length=64)
    resourceType = rest.CharField(max_length=200)
    resourceId = rest.CharField(max_length=200)
    privileges = rest.ListField(child=rest.ChoiceField(choices=PRIVILEGES), min_length=1, max_length=5)


class RoleBody(StrictSerializer):
    """A role without its key, which stands in the address."""

    name = rest.CharField(max_length=120)
    description = rest.CharField(max_length=500, required=False, allow_blank=True, default="")
    permissions = PermissionIn(many=True)


class RoleIn(RoleBody):
    """A role to make."""

    key = rest.CharField(max_length=64)


class RoleOut(rest.Serializer[Any]):
    """A role of the tenant."""

    key = rest.CharField()
    name = rest.CharField()
    description = rest.CharField()
    urn = rest.CharField()
    permissions = PermissionIn(many=True)
    revision = rest.CharField()


class RolePage(rest.Serializer[Any]):
    """The roles of the tenant."""

    items = RoleOut(many=True)
    next = rest.CharField(allow_null=True)
