"""Shapes of the drift report."""

from typing import Any

from rest_framework import serializers as rest

from accesscontrol.decide import STATES
from applications.serializers.shared import ReasonOut


class WantedRoleOut(rest.Serializer[Any]):
    """A role of another application; its name is its id where the tenant has nothing to do with it."""

    applicationId = rest.CharField()
    name = rest.CharField()
    role = rest.CharField()


class GrantOut(rest.Serializer[Any]):
    """Whether the caller may give it."""

    allowed = rest.BooleanField()
    reasons = ReasonOut(many=True)


class RequiredOut(rest.Serializer[Any]):
    """A role that an application requires, and how that stands in the tenant."""

    applicationId = rest.CharField()
    name = rest.CharField()
    requires = WantedRoleOut()
    since = rest.DateTimeField()
    state = rest.ChoiceField(choices=list(STATES))
    reasons = ReasonOut(many=True)
    mayGrant = GrantOut()


class RequiredPage(rest.Serializer[Any]):
    """A page of the drift report."""

    items = RequiredOut(many=True)
    next = rest.CharField(allow_null=True)
