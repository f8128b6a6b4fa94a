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


class BatchIn(StrictSerializer):
    """Assignments to make, at most 500."""

    items = AssignmentIn(many=True)


class BatchOf(StrictSerializer):
    """The same, taken without looking into the items: one that is malformed is refused for itself."""

    items = rest.ListField(child=rest.JSONField(allow_null=True), min_length=1, max_length=500)


class BatchResult(rest.Serializer[Any]):
    """``status`` is that of a request for this one alone; ``assignment`` or ``problem`` is set."""

    status = rest.IntegerField()
    assignment = AssignmentOut(allow_null=True)
    problem = rest.DictField(allow_null=True)


class BatchOut(rest.Serializer[Any]):
    """A result for each, in the order given."""

    items = BatchResult(many=True)
