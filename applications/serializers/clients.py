"""Shapes of clients and their secrets."""

from typing import Any

from rest_framework import serializers as rest

from applications.actions.client_addresses import LONGEST, LONGEST_ORIGIN, MOST
from applications.models import Client
from applications.models import clients as of_clients
from applications.serializers.shared import Switch, Text
from tenants.rest import StrictSerializer

METHODS = [name for name, _ in Client.METHODS]
ALGORITHMS = ["ES256", "RS256"]
DEMANDS = [name for name, _ in of_clients.DEMANDS]


class Addresses(rest.ListField):
    """Addresses as they are compared: letter by letter."""

    def __init__(self, longest: int = LONGEST, **options: Any) -> None:
        super().__init__(child=Text(longest), max_length=MOST, **options)


class PublicClientIn(StrictSerializer):
    """The public client of an application."""

    kind = rest.ChoiceField(choices=["public"])
    redirectUris = Addresses(min_length=1)
    webOrigins = Addresses(LONGEST_ORIGIN, required=False, default=list)


class ClientPatch(StrictSerializer):
    """What is to be changed; what is left out stays."""

    redirectUris = Addresses(required=False)
    postLogoutRedirectUris = Addresses(required=False)
    webOrigins = Addresses(LONGEST_ORIGIN, required=False)
    authenticationMethod = rest.ChoiceField(choices=METHODS, required=False)
    algorithm = rest.ChoiceField(choices=ALGORITHMS, required=False)
    jwksUri = Text(LONGEST, required=False, allow_null=True)
    scopeAliases = rest.DictField(child=Text(1000), required=False)
    tokenWithoutTarget = Switch(required=False)
    ignoreUnknownScopes = Switch(required=False)
    secretEitherWay = Switch(required=False)
    assertionForTokenEndpoint = Switch(required=False)
    pkceRequired = Switch(required=False)
    tokenExchange = Switch(required=False)
    dpop = rest.ChoiceField(choices=DEMANDS, required=False)
    pushedRequests = rest.ChoiceField(choices=DEMANDS, required=False)
    backchannelLogoutUri = Text(LONGEST, required=False, allow_null=True)


class ClientOut(rest.Serializer[Any]):
    """A client; no secret."""

    clientId = rest.CharField()
    kind = rest.ChoiceField(choices=["confidential", "public"])
    redirectUris = rest.ListField(child=rest.CharField())
    postLogoutRedirectUris = rest.ListField(child=rest.CharField())
    webOrigins = rest.ListField(child=rest.CharField())
    authenticationMethod = rest.ChoiceField(choices=METHODS)
    algorithm = rest.ChoiceField(choices=ALGORITHMS)
    jwksUri = rest.CharField(allow_null=True)
    scopeAliases = rest.DictField(child=rest.CharField())
    tokenWithoutTarget = rest.BooleanField()
    ignoreUnknownScopes = rest.BooleanField()
    secretEitherWay = rest.BooleanField()
    assertionForTokenEndpoint = rest.BooleanField()
    pkceRequired = rest.BooleanField()
    tokenExchange = rest.BooleanField()
    dpop = rest.ChoiceField(choices=DEMANDS)
    pushedRequests = rest.ChoiceField(choices=DEMANDS)
    backchannelLogoutUri = rest.CharField(allow_null=True)
    revision = rest.CharField()


class ClientList(rest.Serializer[Any]):
    """At most two: always one page."""

    items = ClientOut(many=True)
    next = rest.CharField(allow_null=True)


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
    startsAt = rest.DateTimeField()
    createdBy = rest.CharField()
    expiresAt = rest.DateTimeField(allow_null=True)
    lastUsedAt = rest.DateTimeField(allow_null=True)


class SecretList(rest.Serializer[Any]):
    """The living ones, at most ten: always one page."""

    items = SecretOut(many=True)
    next = rest.CharField(allow_null=True)


class SecretMade(SecretOut):
    """The only reply that carries the value."""

    clientSecret = rest.CharField()
