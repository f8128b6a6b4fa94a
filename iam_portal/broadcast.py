"""Events to a topic exchange of the operator's (AMQP 0-9-1): where, and whose. Off without an address."""

from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from environ import Env

SCHEMES = ("amqp://", "amqps://")


@dataclass(frozen=True, slots=True)
class Broadcast:
    """``tenants``: whose events go there; empty: all. ``url`` holds a password."""

    url: str = field(default="", repr=False)
    exchange: str = "iam.events"
    tenants: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.url)


def read(env: Env) -> Broadcast:
    """A malformed address or id stops the start: the wrong tenant's events would be told, or none."""
    url = env.str("PORTAL_AMQP_URL", default="")
    if url and not url.startswith(SCHEMES):
        raise ImproperlyConfigured("PORTAL_AMQP_URL begins with amqps:// or amqp://.")
    try:
        tenants = frozenset(UUID(each) for each in env.list("PORTAL_AMQP_TENANTS", default=[]))
    except ValueError:
        raise ImproperlyConfigured("PORTAL_AMQP_TENANTS holds ids of organizations.") from None
    return Broadcast(url, env.str("PORTAL_AMQP_EXCHANGE", default="iam.events"), tenants)
