"""Shapes of the ACL."""

from typing import Any

from rest_framework import serializers as rest


class AclGrant(rest.Serializer[Any]):
    """What a role may do with the resource."""

    role = rest.CharField(help_text="URN of an application role or a tenant role")
    privileges = rest.ListField(child=rest.CharField())


class AclEntry(rest.Serializer[Any]):
    """A resource as one tenant that the application serves has it."""

    owningTenantId = rest.UUIDField()
    resourceType = rest.CharField()
    resourceId = rest.CharField()
    name = rest.CharField()
    kind = rest.ChoiceField(choices=["static", "dynamic"])
    grants = AclGrant(many=True)


class AclOut(rest.Serializer[Any]):
    """The complete ACL. The distinct owning tenants are those that the application serves."""

    applicationId = rest.CharField()
    revision = rest.IntegerField()
    generatedAt = rest.DateTimeField()
    resources = AclEntry(many=True)


class AclAddress(rest.Serializer[Any]):
    """What names an entry."""

    owningTenantId = rest.UUIDField()
    resourceType = rest.CharField()
    resourceId = rest.CharField()


class AclDelta(rest.Serializer[Any]):
    """What leads from one revision to another. ``changed`` has all entries of each address that it names."""

    applicationId = rest.CharField()
    revision = rest.IntegerField()
    since = rest.IntegerField()
    changed = AclEntry(many=True)
    removed = AclAddress(many=True)


class UserAclEntry(rest.Serializer[Any]):
    """A resource on which the person may do something, in the data of that tenant."""

    owningTenantId = rest.UUIDField()
    resourceType = rest.CharField()
    resourceId = rest.CharField()
    name = rest.CharField()
    kind = rest.CharField(help_text="`static` or `dynamic`, as in the ACL")
    privileges = rest.ListField(child=rest.CharField())
    roles = rest.ListField(child=rest.CharField(), help_text="URNs of the roles that give them")


class UserAclOut(rest.Serializer[Any]):
    """What a person may do now in an application."""

    applicationId = rest.CharField()
    tenantId = rest.UUIDField()
    userId = rest.UUIDField()
    generatedAt = rest.DateTimeField()
    resources = UserAclEntry(many=True)
