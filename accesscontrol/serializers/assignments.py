"""Shapes of assignments."""

from typing import Any

from rest_framework import serializers as rest

from tenants.rest import StrictSerializer


class PrincipalRef(StrictSerializer):
    """Exactly one of the three."""

    userId = rest.UUIDField(required=False)
    groupId = rest.UUIDField(required=False)
    applicationId = rest.CharField(max_length=64, required=False)


class AssignedRole(StrictSerializer):
    """An application role, or without an application a role of the tenant."""

    applicationId = rest.CharField(max_length=64, required=False)
    key = rest.CharField(max_length=64)


class AssignmentIn(StrictSerializer):
    """An assignment to make. ``from`` and ``until`` are RFC 3339."""

    principal = PrincipalRef()
    role = AssignedRole()
    contractId = rest.UUIDField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of the language, so it cannot be written as an attribute."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField(required=False, allow_null=True)
        fields["until"] = rest.DateTimeField(required=False, allow_null=True)
        return fields


class AssignmentOut(rest.Serializer[Any]):
    """An assignment."""

    assignmentId = rest.UUIDField()
    principal = PrincipalRef()
    role = AssignedRole()
    contractId = rest.UUIDField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """As for the input."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField(allow_null=True)
        fields["until"] = rest.DateTimeField(allow_null=True)
        return fields


class AssignmentPage(rest.Serializer[Any]):
    """A page of assignments."""

    items = AssignmentOut(many=True)
    next = rest.CharField(allow_null=True)
