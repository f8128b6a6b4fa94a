"""Shapes of applications."""

from typing import Any

from rest_framework import serializers as rest

from applications.models import ContractType
from applications.serializers.shared import Text
from tenants.rest import StrictSerializer


class ApplicationIn(StrictSerializer):
    """An application to register."""

    name = Text(120)
    displayName = Text(120)
    applicationId = Text(64, required=False)
    description = Text(1000, required=False, allow_blank=True, default="")
    homeUrl = rest.URLField(max_length=500, required=False, allow_blank=True, default="")


class ApplicationPatch(StrictSerializer):
    """What can be changed of an application."""

    name = Text(120, required=False)
    displayName = Text(120, required=False)
    description = Text(1000, required=False, allow_blank=True)
    homeUrl = rest.URLField(max_length=500, required=False, allow_blank=True)


class ApplicationContract(rest.Serializer[Any]):
    """A contract by which the application is held."""

    contractId = rest.UUIDField()
    type = rest.ChoiceField(choices=ContractType.choices)
    scopeTenantId = rest.UUIDField()


class ApplicationOut(rest.Serializer[Any]):
    """An application as one tenant sees it."""

    applicationId = rest.CharField()
    name = rest.CharField()
    displayName = rest.CharField()
    description = rest.CharField()
    owningTenantId = rest.UUIDField()
    owningTenantName = rest.CharField()
    relation = rest.CharField(allow_null=True)
    relations = rest.ListField(child=rest.CharField())
    available = rest.BooleanField()
    availableFrom = rest.DateTimeField(allow_null=True)
    availableUntil = rest.DateTimeField(allow_null=True)
    contracts = ApplicationContract(many=True)
    homeUrl = rest.URLField(allow_null=True)
    clientIds = rest.ListField(child=rest.CharField())
    revision = rest.CharField()


class ApplicationPage(rest.Serializer[Any]):
    """A page of applications."""

    items = ApplicationOut(many=True)
    next = rest.CharField(allow_null=True)


class ReasonIn(StrictSerializer):
    """Why; kept in the organization's own record."""

    reason = Text(500, required=False, allow_blank=True, default="")


class ApplicationState(rest.Serializer[Any]):
    """Whether an application is in operation."""

    applicationId = rest.CharField()
    state = rest.ChoiceField(choices=["in_operation", "suspended", "retired"])
    revision = rest.CharField()
