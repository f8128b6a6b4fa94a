"""Deployment checks: what must not stay at its default in production is an error with a hint."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from iam_portal import keyring, wall_check

_WEB = "default"
# They print or keep what holds links that let their bearer in.
_NO_MAIL = tuple(f"django.core.mail.backends.{name}." for name in ("console", "dummy", "filebased", "locmem"))
_HINTS = {
    "iam.E006": "ALTER ROLE … NOSUPERUSER NOBYPASSRLS, or let DATABASE_URL name the role iam_web.",
    "iam.E007": "Let DATABASE_URL name the role iam_web; the owner of the tables is for migrate only.",
    "iam.E008": "ALTER ROLE iam_web NOINHERIT; from PostgreSQL 16 on, also "
    "GRANT iam_cross TO iam_web WITH INHERIT FALSE, SET TRUE.",
    "iam.E009": "GRANT iam_cross TO iam_web; the role of DATABASE_URL is iam_web.",
    "iam.E010": "Row-level security of the tables is gone: restore with the policies, or migrate anew.",
    "iam.E015": "manage.py seal_wall as the owner, under the ring that web and worker have.",
}
_LOOSE_HINTS = {
    "iam.W031": "manage.py seal_wall as the owner, when no process of an older release is left.",
    "iam.W032": "manage.py seal_wall as the owner of the database, or REVOKE TEMPORARY ON DATABASE ….",
}


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
    owner = settings.DATABASES.get("owner")
    if owner is not None and owner.get("USER") == settings.DATABASES[_WEB].get("USER"):
        hint = "Let DATABASE_URL name the role iam_web, and DATABASE_OWNER_URL the owner of the tables."
        found.append(Error("Web processes connect as the owner of the tables.", hint=hint, id="iam.E004"))
    if settings.EMAIL_BACKEND.startswith(_NO_MAIL):
        hint = "Set EMAIL_URL to a mail server: invitations and reset links would stand in logs or files."
        found.append(Error("No mail leaves this installation.", hint=hint, id="iam.E005"))
    if settings.PORTAL_WEBHOOK_INSECURE_HTTP:
        hint = "Leave PORTAL_WEBHOOK_INSECURE_HTTP out: events would travel in the clear."
        found.append(Error("Webhooks may be sent without TLS.", hint=hint, id="iam.E013"))
    return found


@register(Tags.security, deploy=True)
def uncounted_proxies(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy that is not counted, everybody shares its address, and its limit of refused sign-ins."""
    fewest = 1 if settings.SECURE_PROXY_SSL_HEADER else 0
    if fewest <= settings.PORTAL_TRUSTED_PROXIES:
        return []
    hint = "Set PORTAL_TRUSTED_PROXIES to the number of proxies in front, or one guesser shuts everybody out."
    return [Error("Everybody would have the address of the proxy.", hint=hint, id="iam.E011")]


@register(Tags.security, deploy=True)
def plain_events(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Tokens go to the event service, too."""
    if not settings.PORTAL_EVENTS_URL or settings.PORTAL_EVENTS_URL.startswith("https://"):
        return []
    hint = "Each page of events sends its reader there, with his token; leave it empty where there is none."
    return [Error("PORTAL_EVENTS_URL is not https.", hint=hint, id="iam.E012")]


@register(Tags.security, deploy=True)
def unproved_certificates(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without its proof a proxy is anybody, and anybody a client with a certificate."""
    try:
        keyring.require_proof(
            header=settings.PORTAL_CLIENT_CERTIFICATE_HEADER, secrets=settings.PORTAL_PROXY_SECRETS
        )
    except ImproperlyConfigured as wrong:
        hint = (
            "Set PORTAL_PROXY_SECRET to 32 random characters or more, which the proxy sends in "
            "X-Portal-Proxy-Secret, or leave PORTAL_CLIENT_CERTIFICATE_HEADER out."
        )
        return [Error(str(wrong), hint=hint, id="iam.E014")]
    return []


@register(Tags.database)
def open_wall(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """``check --database default``: what the login of web and worker may really do."""
    if _WEB not in (databases or ()):
        return []
    found = wall_check.gaps(connections[_WEB])
    loose = wall_check.loose(connections[_WEB])
    return [
        *(Error(text, hint=_HINTS[code], id=code) for code, text in found.items()),
        *(Warning(text, hint=_LOOSE_HINTS[code], id=code) for code, text in loose.items()),
    ]


@register(Tags.security, deploy=True)
def unlimited(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without turns, one organization that floods or hangs has all threads (docs/limits.md)."""
    running, threads = settings.PORTAL_WEB_RUNNING, settings.PORTAL_WEB_THREADS
    if running < 1 or threads < 8 * running:
        hint = (
            "Set PORTAL_WEB_RUNNING to 2, and PORTAL_WEB_THREADS to 64, as the server's --blocking-threads."
        )
        return [Error("One organization may have all threads of the web.", hint=hint, id="iam.E040")]
    pool = settings.DATABASES[_WEB].get("OPTIONS", {}).get("pool", {})
    if pool and pool["max_size"] < 2 * running:
        hint = "Set DATABASE_POOL_SIZE to twice PORTAL_WEB_RUNNING or more: so many requests run at most."
        return [Error("Requests that run would wait for a connection.", hint=hint, id="iam.E041")]
    return []
