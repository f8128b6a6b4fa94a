"""Shapes that several doors share."""

from typing import Any

from rest_framework import serializers as rest

from tenants.rest import StrictSerializer


class Text(rest.CharField):
    """Text without NUL; the limit of the column."""

    def __init__(self, most: int = 200, **options: Any) -> None:
        super().__init__(max_length=most, **options)


class Switch(rest.BooleanField):
    """True or false: the framework's own also takes "yes" and 1, which nobody says by intent."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return bool(data)


class ReasonOut(rest.Serializer[Any]):
    """One link of a chain of reasons."""

    code = rest.CharField()
    text = rest.CharField()
    contractId = rest.UUIDField(required=False)
    tenantId = rest.UUIDField(required=False)
    applicationId = rest.CharField(required=False)
    role = rest.CharField(required=False)
    at = rest.DateTimeField(required=False)


class RoleRef(StrictSerializer):
    """A role of an application."""

    applicationId = Text(64)
    role = Text(64)
