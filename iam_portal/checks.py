"""Deployment checks: what must not stay at its default in production is an error with a hint."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def unsafe_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that would make a production installation unsafe."""
    found: list[CheckMessage] = []
    if settings.PORTAL_ENVIRONMENT != "production":
        hint = "Set PORTAL_ENVIRONMENT=production."
        found.append(Error("The environment is not production.", hint=hint, id="iam.E001"))
    if not settings.PORTAL_BASE_URL.startswith("https://"):
        hint = "Issuers and links are made of it; tokens must not travel in the clear."
        found.append(Error("PORTAL_BASE_URL is not https.", hint=hint, id="iam.E002"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts of this installation in ALLOWED_HOSTS."
        found.append(Error("Any host name is accepted.", hint=hint, id="iam.E003"))
    if settings.DATABASES["default"].get("USER") == settings.DATABASES["owner"].get("USER"):
        hint = "Let DATABASE_URL name the role iam_web, and DATABASE_OWNER_URL the owner of the tables."
        found.append(Error("Web processes connect as the owner of the tables.", hint=hint, id="iam.E004"))
    if settings.PORTAL_TRUSTED_PROXIES < (1 if settings.SECURE_PROXY_SSL_HEADER else 0):
        hint = "Set PORTAL_TRUSTED_PROXIES to the number of proxies, or one guesser shuts everybody out."
        found.append(Error("Everybody would have the address of the proxy.", hint=hint, id="iam.E005"))
    return found
