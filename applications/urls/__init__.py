"""Addresses: pages of the console, and the REST APIs."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class ClientId(StringConverter):
    """The id of an application, or of its client: whatever has another shape is at no address."""

    regex = r"[a-z0-9][a-z0-9._-]{2,72}"


register_converter(ClientId, "client_id")
