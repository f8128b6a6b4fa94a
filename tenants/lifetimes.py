"""How long things last in a tenant: its own choice within the bounds of the settings, else their default."""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings

from tenants.models import Tenant


class Lifetime(StrEnum):
    """What has a life time; the value is the column of :class:`Tenant`."""

    ACCESS_TOKEN = "access_token_seconds"  # noqa: S105  (the name of a column)
    REFRESH_IDLE = "refresh_idle_seconds"
    OFFLINE_IDLE = "offline_idle_seconds"
    SESSION_IDLE = "session_idle_seconds"
    SESSION = "session_seconds"
    PROOF = "proof_seconds"


class Bounds(NamedTuple):
    """In seconds: what counts without a choice, and between what one may choose."""

    default: int
    least: int
    most: int


def bounds(of: Lifetime) -> Bounds:
    """Of the installation, from the settings."""
    return Bounds(*settings.LIFETIMES[of])


def lifetime(tenant: Tenant, of: Lifetime) -> timedelta:
    """Never outside the bounds, also where they became narrower after the choice."""
    default, least, most = bounds(of)
    chosen = getattr(tenant, of)
    return timedelta(seconds=default if chosen is None else min(max(chosen, least), most))
