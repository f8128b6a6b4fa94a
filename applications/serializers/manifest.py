"""Shapes of the manifest."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.shared import RoleRef, Text
from iam_portal.gate import Privilege
from tenants.rest import StrictSerializer
from tenants.serializers.impact import ImpactOut

# A manifest is declared under the application's lock: what is longer is not one that people read.
MOST_RESOURCES, MOST_ROLES, MOST_PERMISSIONS, MOST_REQUIRED = 2000, 500, 2000, 200
PRIVILEGES = [privilege.value for privilege in Privilege]


class ResourceRef(StrictSerializer):
    """A resource of the same application."""

    type = Text(200)
    id = Text(200)


class ManifestResource(StrictSerializer):
    """A static resource."""

    type = Text(200)
    id = Text(200)
    name = Text(200, required=False)
    description = Text(500, required=False, allow_blank=True)
    privileges = rest.ListField(child=rest.ChoiceField(choices=PRIVILEGES), min_length=1, max_length=5)
    parent = ResourceRef(required=False)
    supersedes = ResourceRef(required=False, help_text="A former id of this resource. It ends.")


class ManifestPermission(StrictSerializer):
    """Privileges on a resource of the same manifest."""

    resourceType = Text(200)
    resourceId = Text(200)
    privileges = rest.ListField(child=rest.ChoiceField(choices=PRIVILEGES), min_length=1, max_length=5)


class ManifestRole(StrictSerializer):
    """An application role."""

    key = Text(64)
    name = Text(120, required=False)
    description = Text(500, required=False, allow_blank=True)
    permissions: rest.ListSerializer[Any] = rest.ListSerializer(
        child=ManifestPermission(), required=False, max_length=MOST_PERMISSIONS
    )
    supersedes = Text(64, required=False, help_text="A former key of this role. It ends.")


class ManifestIn(StrictSerializer):
    """Resources, roles and required roles: the whole declaration."""

    resources: rest.ListSerializer[Any] = rest.ListSerializer(
        child=ManifestResource(), max_length=MOST_RESOURCES
    )
    roles: rest.ListSerializer[Any] = rest.ListSerializer(child=ManifestRole(), max_length=MOST_ROLES)
    requiredRoles: rest.ListSerializer[Any] = rest.ListSerializer(
        child=RoleRef(), required=False, max_length=MOST_REQUIRED
    )


class ManifestNow(rest.Serializer[Any]):
    """The declaration as it stands, as it can be sent."""

    resources = ManifestResource(many=True)
    roles = ManifestRole(many=True)
    requiredRoles = RoleRef(many=True)


class Superseded(rest.Serializer[Any]):
    """What ended, and what took its place."""

    def get_fields(self) -> dict[str, rest.Field[Any, Any, Any, Any]]:
        """``from`` is no name of Python's."""
        return {"from": rest.CharField(), "to": rest.CharField()}


class ManifestDiff(rest.Serializer[Any]):
    """Addresses of what a declaration moves."""

    added = rest.ListField(child=rest.CharField())
    changed = rest.ListField(child=rest.CharField())
    removed = rest.ListField(child=rest.CharField())
    superseded = Superseded(many=True)


class ManifestOut(rest.Serializer[Any]):
    """The reply to a manifest."""

    diff = ManifestDiff()
    impact = ImpactOut(required=False)
