"""Acme, beta and Sam: whom the pages about access are asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.actions import pauses
from applications.models import Contract
from tenants.models import User
from tests.applications.story import Party, party, share
from tests.support import factories

PLANNER, OWN = "acme.fleet-planner", "beta.fleet-planner"
TOURS = "urn:fleet:tour/tours"
HOSTILE = [
    "\0",
    "x" * 10_000,
    "<script>alert(1)</script>",
    "\u202egnol",
    "user:nonsense",
    "group:\0",
    "' OR 1=1 --",
]


@dataclass
class Town:
    """Acme shares its planner with beta, where Sam reads by a group and beta's own planner as a service."""

    acme: Party
    beta: Party
    sam: User
    contract: Contract
    at: datetime


def tell() -> Town:
    """Told once for a module."""
    acme, beta = party("acme"), party("beta")
    factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
    contract = share(acme, beta, acme.applications["planner"])
    sam = factories.make_user(beta.tenant, "sam", at=timezone.now())
    group = factories.make_group(beta.tenant, "Night shift", members=(sam,), at=timezone.now())
    town = Town(acme, beta, sam, contract, timezone.now())
    give(town, group_id=group.pk)
    give(town, principal_application_id=OWN)
    return town


def give(town: Town, role: str = "reader", **principal: Any) -> None:
    wanted = Wanted(role=role, application_id=PLANNER, **principal)
    by = factories.SYSTEM
    assignments.assign(tenant=town.beta.tenant, wanted=wanted, by=by, at=timezone.now())


def rows(reply: Any) -> list[tuple[str, str, str]]:
    return [(row["name"], row["role"], str(row["word"])) for row in reply.context["rows"]]


def local(moment: datetime) -> str:
    """As the control of a browser sends it, to the minute and beyond."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")


def pause(town: Town) -> None:
    owner = town.acme
    pauses.pause(tenant=owner.tenant, contract_id=town.contract.id, by=owner.actor, at=timezone.now())
