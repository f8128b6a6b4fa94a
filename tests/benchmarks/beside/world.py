"""What the portal is asked about while it is measured; run in the portal's environment, it prints who asks.

A few hundred organizations by set-based SQL, and in one of them, which has the most applications, a service
that calls the most shared one: by secret, and another that signs its assertions. Beside them a thousand
services of all organizations.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402
from django.db.models import Count  # noqa: E402
from joserfc.jwk import ECKey  # noqa: E402

from accesscontrol.actions import assignments  # noqa: E402
from accesscontrol.actions.assignments import Wanted  # noqa: E402
from applications.actions import applications, client_keys, client_settings, clients  # noqa: E402
from applications.actions.applications import Details  # noqa: E402
from applications.actions.client_settings import Settings  # noqa: E402
from applications.models import Application, Availability  # noqa: E402
from applications.proofs import keys  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tests.benchmarks.beside import callers  # noqa: E402
from tests.benchmarks.beside.callers import Caller  # noqa: E402
from tests.benchmarks.world import World  # noqa: E402
from tests.support.factories import SYSTEM  # noqa: E402
from tests.support.knocking import give  # noqa: E402

CALLERS = 1_000
SIZES = {
    "tenants": 200,
    "applications": 80,
    "contracts": 3_000,
    "owners": 20,
    "wide": 2,
    "wide_consumers": 100,
    "heavy": 2,
    "heavy_contracts": 60,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Who asks: ids with what proves them. ``contract`` shares the target with the tenant."""

    tenant: str
    target: tuple[str, str]
    reader: tuple[str, str]
    robot: tuple[str, dict[str, Any]]
    contract: str
    provider: str
    callers: list[Caller]


def make(world: World) -> Told:
    """Build the world, and whoever asks in it."""
    world.write_facts()
    _analyze()
    world.derive()
    at, target = datetime.now(UTC), world.application(1)
    tenant = _consumer(target, at)
    reader, robot = (_caller(tenant, target, name, at) for name in ("reader", "robot"))
    for role in ("module-manager", "user-reader"):
        give(tenant, role, principal_application_id=reader.id)
    secrets = [_secret(row, at) for row in (target, reader)]
    key = _signing(tenant, robot, at)
    _analyze()
    held = Availability.objects.filter(tenant=tenant, application=target, relation="provision")
    return Told(
        tenant=str(tenant.id),
        target=(target.id, secrets[0]),
        reader=(reader.id, secrets[1]),
        robot=(robot.id, key.as_dict(private=True)),
        contract=str(held.filter(during__contains=at)[0].contract_id),
        provider=str(target.owner_id),
        callers=callers.made(CALLERS, at=datetime.now(UTC)),
    )


def _analyze() -> None:
    """In service, autovacuum has done it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connections["owner"].close()


def _consumer(target: Application, at: datetime) -> Tenant:
    """Of those who have the target by provision, the one with the most applications."""
    held = Availability.objects.filter(relation="provision", during__contains=at)
    having = held.filter(application=target).values("tenant")
    most = held.filter(tenant__in=having).values("tenant").annotate(number=Count("*"))
    return Tenant.objects.get(id=most.order_by("-number", "tenant").values_list("tenant", flat=True)[0])


def _caller(tenant: Tenant, target: Application, name: str, at: datetime) -> Application:
    """An application of the tenant that calls the target there."""
    made = applications.register(
        owner=tenant,
        details=Details(name=name, display_name=name.capitalize()),
        application_id=f"{tenant.slug}.{name}",
        by=SYSTEM,
        at=at,
    )
    wanted = Wanted(role="viewer", application_id=target.id, principal_application_id=made.id)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)
    return made


def _secret(row: Application, at: datetime) -> str:
    return clients.add_secret(tenant=row.owner, client_id=row.id, by=SYSTEM, at=at)[1]


def _signing(tenant: Tenant, robot: Application, at: datetime) -> ECKey:
    """From now on it proves itself by what it signs."""
    key = ECKey.generate_key("P-256")
    named: dict[str, Any] = {"tenant": tenant, "client_id": robot.id, "by": SYSTEM, "at": at}
    client_keys.add(key=keys.of_jwk(key.as_dict(private=False)), **named)
    client_settings.change(settings=Settings(authentication_method="private_key_jwt"), **named)
    return key


if __name__ == "__main__":
    print(json.dumps(asdict(make(World(name="bench", at=datetime.now(UTC), **SIZES)))))
