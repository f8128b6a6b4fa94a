"""Shapes of identity providers, their mappers and links."""

from typing import Any

from rest_framework import serializers as rest

from tenants.models import IdentityMapper
from tenants.rest import StrictSerializer


class ProviderPatch(StrictSerializer):
    """What is left out stays; so does the secret."""

    name = rest.CharField(max_length=60, required=False)
    clientId = rest.CharField(max_length=255, required=False)
    clientSecret = rest.CharField(max_length=1000, required=False, trim_whitespace=False, write_only=True)
    scopes = rest.ListField(child=rest.CharField(max_length=100), max_length=20, required=False)
    enabled = rest.BooleanField(required=False)
    position = rest.IntegerField(min_value=0, max_value=1000, required=False)
    default = rest.BooleanField(required=False, help_text="Sign-ins go there at once")
    makesPeople = rest.BooleanField(required=False, help_text="Whom nobody knows here becomes a person")
    trustsEmail = rest.BooleanField(required=False, help_text="Its addresses count as proven")
    trustsSecondFactor = rest.BooleanField(required=False)
    secondFactorAcr = rest.CharField(max_length=200, required=False, allow_blank=True)


class ProviderIn(ProviderPatch):
    """A provider to trust. Key and issuer stay for good."""

    key = rest.CharField(max_length=40)
    issuer = rest.CharField(max_length=500)
    name = rest.CharField(max_length=60)
    clientId = rest.CharField(max_length=255)
    clientSecret = rest.CharField(max_length=1000, trim_whitespace=False, write_only=True)


class ProviderOut(rest.Serializer[Any]):
    """As it is; the secret is never shown. ``returnAddress`` is to be registered there."""

    key = rest.CharField()
    issuer = rest.CharField()
    name = rest.CharField()
    clientId = rest.CharField()
    scopes = rest.ListField(child=rest.CharField())
    enabled = rest.BooleanField()
    position = rest.IntegerField()
    default = rest.BooleanField()
    makesPeople = rest.BooleanField()
    trustsEmail = rest.BooleanField()
    trustsSecondFactor = rest.BooleanField()
    secondFactorAcr = rest.CharField()
    returnAddress = rest.CharField()
    revision = rest.CharField()


class ProviderPage(rest.Serializer[Any]):
    """All of them, in the order of the sign-in page."""

    items = ProviderOut(many=True)
    next = rest.CharField(allow_null=True)


class MapperIn(StrictSerializer):
    """A group with claim and value, or a template for a name."""

    kind = rest.ChoiceField(choices=IdentityMapper.Kind.choices)
    when = rest.ChoiceField(choices=IdentityMapper.When.choices)
    groupId = rest.UUIDField(required=False, allow_null=True, default=None)
    claim = rest.CharField(max_length=200, required=False, allow_blank=True, default="")
    value = rest.CharField(max_length=500, required=False, allow_blank=True, default="")
    template = rest.CharField(max_length=200, required=False, allow_blank=True, default="")


class MapperOut(rest.Serializer[Any]):
    """A mapper. It acts in the name of ``madeBy``."""

    mapperId = rest.UUIDField()
    kind = rest.CharField()
    when = rest.CharField()
    groupId = rest.UUIDField(allow_null=True)
    claim = rest.CharField()
    value = rest.CharField()
    template = rest.CharField()
    madeBy = rest.CharField()
    revision = rest.CharField()


class MapperPage(rest.Serializer[Any]):
    """All mappers of a provider."""

    items = MapperOut(many=True)
    next = rest.CharField(allow_null=True)


class IdentityIn(StrictSerializer):
    """Who an account of the provider is: by its ``sub``."""

    subject = rest.CharField(max_length=255)


class IdentityOut(rest.Serializer[Any]):
    """A link."""

    userId = rest.UUIDField()
    subject = rest.CharField()
    lastUsedAt = rest.DateTimeField(allow_null=True)


class IdentityPage(rest.Serializer[Any]):
    """A page of them, by user."""

    items = IdentityOut(many=True)
    next = rest.CharField(allow_null=True)
