"""Addresses of the app: the entry, and the pages of one organization."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class ProviderKey(StringConverter):
    """The key of an identity provider; whatever else stands there is the key of none."""

    regex = "[a-z0-9][a-z0-9.-]{0,59}"


register_converter(ProviderKey, "provider_key")
PROVIDER = "<provider_key:provider_key>"
