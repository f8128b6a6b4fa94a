"""When the availability of an application changes in a tenant: past and planned, over facts. Pure."""

from dataclasses import dataclass
from datetime import datetime

from applications.availability import SharingFacts, available


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment at which the answer changes, and to what."""

    at: datetime
    available: bool


def turns(facts: SharingFacts, *, tenant_id: str) -> list[Turn]:
    """Every change of availability in the tenant, past and planned, in order."""
    found: list[Turn] = []
    state = False
    for moment in facts.moments():
        now = bool(available(facts, tenant_id=tenant_id, at=moment))
        if now != state:
            found.append(Turn(moment, now))
            state = now
    return found
