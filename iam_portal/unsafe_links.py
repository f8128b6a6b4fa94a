"""Deployment checks of the lines to other servers: nothing secret travels in the clear."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

BROKERS = ("amqp", "amqps", "redis", "rediss", "redis+socket", "sentinel")
_SECURE, _SOCKET = ("amqps", "rediss"), "redis+socket"
_VERIFIED = ("verify-ca", "verify-full")  # with less, whoever stands in between answers for the server
_INSIDE = (".internal", ".local", ".localhost", ".svc")  # RFC 9476, RFC 6762, RFC 6761, and of Kubernetes


def is_here(host: str) -> bool:
    """This machine: a socket, loopback."""
    name = host.strip("[]").lower()
    if not name or name.startswith(("/", "@")) or name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_inside(host: str) -> bool:
    """Of a private network, as far as its name says: no look-up is made."""
    name = host.strip("[]").lower().removesuffix(".cluster.local")
    try:
        return not ip_address(name).is_global
    except ValueError:
        return "." not in name or name.endswith(_INSIDE)


@register(Tags.security, deploy=True)
def open_broker(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever reaches the broker can have the workers do what tasks do."""
    found: dict[str, CheckMessage] = {}
    for url in settings.CELERY_BROKER_URL.split(";"):
        parts = urlsplit(url)
        host = "" if parts.scheme == _SOCKET else parts.hostname or ""
        if parts.scheme not in BROKERS:
            hint = f"CELERY_BROKER_URL begins with one of {', '.join(BROKERS)}."
            text = "The broker is of a kind that production does not know."
            found["iam.E034"] = Error(text, hint=hint, id="iam.E034")
            continue
        if not is_here(host) and (parts.password or "guest") == "guest":
            hint = "Give the broker a password, and let CELERY_BROKER_URL hold it."
            found["iam.E035"] = Error(
                "The broker is open to anybody who reaches it.", hint=hint, id="iam.E035"
            )
        if not is_inside(host) and not _is_encrypted(parts):
            hint = "Let CELERY_BROKER_URL begin with rediss or amqps: tasks hold addresses of people."
            found["iam.E036"] = Error("Tasks travel to the broker in the clear.", hint=hint, id="iam.E036")
    return list(found.values())


@register(Tags.security, deploy=True)
def open_exchange(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever reaches it reads what happens in all organizations whose events go there."""
    if not settings.PORTAL_AMQP:
        return []
    parts = urlsplit(settings.PORTAL_AMQP.url)
    host = parts.hostname or ""
    guest = not is_here(host) and (parts.password or "guest") == "guest"
    if not guest and (is_inside(host) or _is_encrypted(parts)):
        return []
    hint = "Let PORTAL_AMQP_URL begin with amqps, and hold a password of its own."
    return [Error("Events go to an exchange that others can read.", hint=hint, id="iam.E039")]


def _is_encrypted(parts: SplitResult) -> bool:
    asked = parse_qs(parts.query).get("ssl_cert_reqs", ["required"])
    return parts.scheme in _SECURE and not any(value.lower().endswith("none") for value in asked)


@register(Tags.security, deploy=True)
def open_databases(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every row goes over these lines, and the passwords of their logins."""
    hint = "Add ?sslmode=verify-full&sslrootcert=… to its address."
    return [
        Error(
            f"{name} goes over a network in the clear, or to a server that proves nothing.",
            hint=hint,
            id="iam.E037",
        )
        for name, database in _databases()
        if any(not is_here(host) and not is_inside(host) for host in _hosts(database))
        and database.get("OPTIONS", {}).get("sslmode") not in _VERIFIED
    ]


def _databases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    names = {"default": "DATABASE_URL", "owner": "DATABASE_OWNER_URL", "replica": "DATABASE_REPLICA_URL"}
    for alias, database in settings.DATABASES.items():
        yield names.get(alias, alias), database
    if settings.DATABASE_DIRECT:
        yield "DATABASE_DIRECT_URL", settings.DATABASE_DIRECT


def _hosts(database: Mapping[str, Any]) -> list[str]:
    """All of them: behind a failover there are several."""
    return str(database.get("HOST") or database.get("OPTIONS", {}).get("host", "")).split(",")


@register(Tags.security, deploy=True)
def open_mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Invitations and reset links let their reader in."""
    if is_inside(settings.EMAIL_HOST or "") or settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL:
        return []
    hint = "Let EMAIL_URL begin with smtp+tls or smtp+ssl."
    return [Error("Mail goes to its server in the clear.", hint=hint, id="iam.E038")]
