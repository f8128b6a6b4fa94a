"""App configuration."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """The app "who"."""

    name = "tenants"
