"""Shapes of the access review."""

from typing import Any

from rest_framework import serializers as rest


class ThroughOut(rest.Serializer[Any]):
    """An assignment by which a role is held: to the principal itself, or to a group."""

    assignmentId = rest.UUIDField()
    groupId = rest.UUIDField(required=False)
    groupName = rest.CharField(required=False)
    by = rest.CharField()
    since = rest.DateTimeField(allow_null=True)
    until = rest.DateTimeField(allow_null=True)


class HeldPermissionOut(rest.Serializer[Any]):
    """What a role comes to on a resource."""

    resourceType = rest.CharField()
    resourceId = rest.CharField()
    privileges = rest.ListField(child=rest.CharField())


class ReviewedPrincipalOut(rest.Serializer[Any]):
    """Exactly one of the ids."""

    userId = rest.UUIDField(required=False)
    applicationId = rest.CharField(required=False)


class ReviewLineOut(rest.Serializer[Any]):
    """One role of one principal. ``change`` and ``permissionsBefore`` where two moments are compared."""

    change = rest.ChoiceField(choices=["gained", "lost", "changed"], required=False)
    principal = ReviewedPrincipalOut()
    name = rest.CharField()
    role = rest.CharField(help_text="Its key")
    urn = rest.CharField()
    owningTenantId = rest.UUIDField()
    relation = rest.CharField()
    contractId = rest.UUIDField(allow_null=True)
    through = ThroughOut(many=True)
    permissions = HeldPermissionOut(many=True)
    permissionsBefore = HeldPermissionOut(many=True, required=False)


class ReviewPage(rest.Serializer[Any]):
    """A page of the review."""

    applicationId = rest.CharField()
    at = rest.DateTimeField()
    compareWith = rest.DateTimeField(required=False)
    items = ReviewLineOut(many=True)
    next = rest.CharField(allow_null=True)
