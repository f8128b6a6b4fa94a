"""Shapes of clients and secrets."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.shared import Text
from tenants.rest import StrictSerializer


class PublicClientIn(StrictSerializer):
    """The public client of an application."""

    kind = rest.ChoiceField(choices=["public"])
    redirectUris = rest.ListField(child=rest.URLField(max_length=500), min_length=1, max_length=20)
    webOrigins = rest.ListField(child=rest.URLField(max_length=200), required=False, default=list)


class ClientOut(rest.Serializer[Any]):
    """A client; no secret."""

    clientId = rest.CharField()
    kind = rest.CharField()
    redirectUris = rest.ListField(child=rest.CharField())
    webOrigins = rest.ListField(child=rest.CharField())


class SecretIn(StrictSerializer):
    """A secret to make."""

    note = Text(200, required=False, allow_blank=True, default="")
    expiresAt = rest.DateTimeField(required=False, allow_null=True, default=None)


class SecretOut(rest.Serializer[Any]):
    """A secret without its value."""

    secretId = rest.UUIDField()
    clientId = rest.CharField()
    hint = rest.CharField()
    note = rest.CharField()
    expiresAt = rest.DateTimeField(allow_null=True)
    lastUsedAt = rest.DateTimeField(allow_null=True)


class SecretMade(SecretOut):
    """The only reply that carries the value."""

    clientSecret = rest.CharField()
