"""Addresses of the app: pages and REST."""

from django.urls import register_converter
from django.urls.converters import StringConverter

import applications.urls  # noqa: F401  (registers the converter of application ids)


class RoleKey(StringConverter):
    """The key of a role: whatever has another shape is at no address."""

    regex = r"[a-z0-9][a-z0-9._-]{0,63}"


register_converter(RoleKey, "role_key")
