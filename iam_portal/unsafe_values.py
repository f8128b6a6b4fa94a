"""Deployment checks of single settings: secrets that can be guessed, what is left open, absurd values."""

import base64
from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from iam_portal.keyring import SHORTEST_TOKEN

SHORTEST_KEY, FEWEST_SIGNS = 50, 10  # of SECRET_KEY, as the framework's own warning has it
FEWEST_BYTES = 16  # different ones of 32: by chance there are fewer once in 10^9 keys
YEAR = 31_536_000
RETENTIONS = ("PORTAL_EVENT_RETENTION", "PORTAL_SESSION_RETENTION", "PORTAL_ACL_RETENTION")
LEAST_KEPT, MOST_KEPT = timedelta(days=1), timedelta(days=3650)
NETWORKS = ("PORTAL_WEBHOOK_ALLOWED_NETWORKS", "PORTAL_FOREIGN_NETWORKS")
# This machine itself, and where clouds hand out the credentials of their machines.
NEVER_REACHED = [
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "0.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "::/128",
        "fe80::/10",
        "fd00:ec2::/32",
    )
]


@register(Tags.security, deploy=True)
def guessable_secrets(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What signs, seals and digests must be long and random, and each for one purpose."""
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < SHORTEST_KEY or len(set(settings.SECRET_KEY)) < FEWEST_SIGNS:
        hint = (
            f"Set SECRET_KEY to {SHORTEST_KEY} random characters or more: it signs the forms of the console."
        )
        found.append(Error("SECRET_KEY is short, or no chance is in it.", hint=hint, id="iam.E021"))
    for name, keys in _random_keys():
        if any(len(set(key)) < FEWEST_BYTES for key in keys):
            hint = f"Make each of {name} from 32 random bytes."
            found.append(Error(f"No chance is in a key of {name}.", hint=hint, id="iam.E022"))
    if any(len(token) < SHORTEST_TOKEN for token in settings.PORTAL_METRICS_TOKENS):
        hint = f"Set PORTAL_METRICS_TOKEN to {SHORTEST_TOKEN} random characters or more, or leave it out: "
        hint += "then nobody reads /metrics."
        found.append(Error("PORTAL_METRICS_TOKEN is short.", hint=hint, id="iam.E023"))
    values = [settings.SECRET_KEY, *settings.PORTAL_METRICS_TOKENS, *settings.PORTAL_PROXY_SECRETS]
    if len(set(values)) < len(values):
        hint = (
            "Whoever is told one of SECRET_KEY, PORTAL_METRICS_TOKEN and PORTAL_PROXY_SECRET knows the other."
        )
        found.append(Error("One secret serves two purposes.", hint=hint, id="iam.E024"))
    return found


def _random_keys() -> Iterator[tuple[str, list[bytes]]]:
    """Readable they are: a production does not start otherwise."""
    yield "PORTAL_ENCRYPTION_KEYS", [base64.urlsafe_b64decode(key) for key in settings.PORTAL_ENCRYPTION_KEYS]
    peppers = (entry.partition(":")[2] for entry in settings.PORTAL_SECRET_PEPPERS)
    yield "PORTAL_SECRET_PEPPERS", [base64.b64decode(pepper) for pepper in peppers]


@register(Tags.security, deploy=True)
def open_browser(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Cookies by https alone and of this host alone, and a browser that never asks without TLS."""
    found: list[CheckMessage] = []
    if settings.DEBUG:
        hint = "Leave DEBUG off: its error pages show settings and what requests hold."
        found.append(Error("DEBUG is on.", hint=hint, id="iam.E020"))
    secure = settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE
    if not secure or not settings.CSRF_COOKIE_NAME.startswith("__Host-"):
        hint = "They follow from PORTAL_BASE_URL: let it be https."
        found.append(Error("Cookies of the console are not __Host- ones.", hint=hint, id="iam.E025"))
    if settings.SECURE_HSTS_SECONDS < YEAR or not settings.SECURE_SSL_REDIRECT:
        hint = "Let PORTAL_BASE_URL be https, and leave PORTAL_SSL_REDIRECT on."
        text = "Requests without TLS are answered, or browsers are not told to use it."
        found.append(Error(text, hint=hint, id="iam.E026"))
    return found


@register(Tags.security, deploy=True)
def odd_address(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The portal under its own name."""
    found: list[CheckMessage] = []
    own = urlsplit(settings.PORTAL_BASE_URL)
    if own.username or own.password or own.query or own.fragment:
        hint = "Issuers and links are made of it: scheme, host, maybe a port and a path."
        text = "PORTAL_BASE_URL holds a login, a query or a fragment."
        found.append(Error(text, hint=hint, id="iam.E027"))
    host = own.hostname or ""
    if not any(_fits(host, allowed.lower()) for allowed in settings.ALLOWED_HOSTS):
        hint = "Name it in ALLOWED_HOSTS, or every request under it is refused."
        found.append(Error("The host of PORTAL_BASE_URL is not allowed.", hint=hint, id="iam.E028"))
    return found


def _fits(host: str, allowed: str) -> bool:
    """As the framework reads ALLOWED_HOSTS."""
    return allowed in ("*", host) or (allowed.startswith(".") and f".{host}".endswith(allowed))


@register(Tags.security, deploy=True)
def reachable_insides(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Administrators of organizations name addresses: none of them may lead to this machine or its cloud."""
    found: list[CheckMessage] = []
    for name in NETWORKS:
        if any(_overlap(network, never) for network in getattr(settings, name) for never in NEVER_REACHED):
            hint = "Name the networks that are meant: not loopback, link-local or metadata addresses."
            text = f"{name} lets requests reach this machine or the metadata of its cloud."
            found.append(Error(text, hint=hint, id="iam.E029"))
    return found


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv6Network) and isinstance(other, IPv4Network):
        mapped = ip_network(f"::ffff:{other.network_address}/{96 + other.prefixlen}")
        return one.overlaps(mapped)
    return one.version == other.version and one.overlaps(other)


@register(Tags.security, deploy=True)
def absurd_values(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What is likely a slip of the pen."""
    found: list[CheckMessage] = []
    for name in RETENTIONS:
        if not LEAST_KEPT <= getattr(settings, name) <= MOST_KEPT:
            hint = f"{name} is a number of days, from {LEAST_KEPT.days} to {MOST_KEPT.days}."
            found.append(Error(f"{name} is absurd.", hint=hint, id="iam.E030"))
    if settings.LOG_LEVEL.upper() == "DEBUG":
        hint = "Set LOG_LEVEL to INFO: libraries write whole requests and tasks into their debug lines."
        found.append(Error("Logs would hold what is secret.", hint=hint, id="iam.E031"))
    if settings.PORTAL_SHORT_WAY not in ("on", "off"):
        hint = "Anything else than off is taken for on."
        found.append(Error("PORTAL_SHORT_WAY is neither on nor off.", hint=hint, id="iam.E032"))
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        hint = "Set DEFAULT_FROM_EMAIL: mail servers refuse a sender that cannot be answered."
        found.append(Error("Mail would come from localhost.", hint=hint, id="iam.E033"))
    return found
