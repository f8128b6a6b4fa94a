"""Tokens of directories on the wire."""

from typing import Any

from rest_framework import serializers as rest

from tenants.models import ScimToken
from tenants.rest import StrictSerializer


class ScimTokenIn(StrictSerializer):
    """A token to make. Without an end it is good for a year."""

    note = rest.CharField(max_length=200)
    welcome = rest.ChoiceField(
        choices=ScimToken.Welcome.values,
        default=ScimToken.Welcome.NONE.value,
        help_text="What people get whom the directory makes: a mail that sets a password, or nothing, where "
        "an identity provider signs them in.",
    )
    expiresAt = rest.DateTimeField(required=False, allow_null=True, default=None)


class ScimTokenOut(rest.Serializer[Any]):
    """A token without its value."""

    tokenId = rest.UUIDField()
    note = rest.CharField()
    welcome = rest.ChoiceField(choices=ScimToken.Welcome.values)
    hint = rest.CharField()
    madeBy = rest.CharField()
    createdAt = rest.DateTimeField()
    expiresAt = rest.DateTimeField()
    lastUsedAt = rest.DateTimeField(allow_null=True)


class ScimTokenList(rest.Serializer[Any]):
    """The living ones, at most ten: always one page."""

    items = ScimTokenOut(many=True)
    next = rest.CharField(allow_null=True)


class ScimTokenMade(ScimTokenOut):
    """The only reply that carries the value."""

    token = rest.CharField()
    baseUrl = rest.CharField()
