"""Does one act cost the same in a world of 50,000 contracts? ``python -m tests.benchmarks.sharing``

Runs on a PostgreSQL of its own, as the tests do, and prints the table of ``docs/scale.md``.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django

os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.utils import timezone  # noqa: E402

from accesscontrol import facts as may  # noqa: E402
from accesscontrol.actions import portal  # noqa: E402
from applications import readmodel  # noqa: E402
from applications.actions import applications, contracts, manifests, pauses, watch  # noqa: E402
from applications.manifest import parse  # noqa: E402
from applications.models import Application  # noqa: E402
from tenants.actions import tenants  # noqa: E402
from tests.applications.story import signed_in  # noqa: E402
from tests.benchmarks.measuring import Figures, table  # noqa: E402
from tests.benchmarks.world import World  # noqa: E402
from tests.support import database  # noqa: E402
from tests.support.factories import SYSTEM, make_user  # noqa: E402

SMALL = {
    "tenants": 60,
    "applications": 12,
    "contracts": 300,
    "owners": 6,
    "wide": 3,
    "wide_consumers": 20,
    "heavy": 3,
    "heavy_contracts": 10,
}
BIG = {
    "tenants": 2_000,
    "applications": 300,
    "contracts": 50_000,
    "owners": 100,
    "wide": 3,
    "wide_consumers": 1_500,
    "heavy": 10,
    "heavy_contracts": 300,
}
ROUNDS = 12


def main() -> None:
    """Both worlds, one after the other, each in an empty database."""
    setup_test_environment()
    settings.ALLOWED_HOSTS.append("testserver")
    with database.prepared():
        small = _measured("small", SMALL)
        database.reseed()
        big = _measured("big", BIG)
    print(table(small, big))


def _measured(name: str, sizes: dict[str, int]) -> Figures:
    world = World(name=name, at=timezone.now(), **sizes)
    before = time.perf_counter()
    world.write_facts()
    _analyze()
    world.derive()
    _analyze()
    print(f"{name}: {sizes}, built in {time.perf_counter() - before:.1f} s", flush=True)
    figures = Figures()
    for part in (_questions, _job, _life_of_contracts, _manifests, _suspensions):
        part(world, figures)
        print(f"{name}: {part.__name__.strip('_')} done", flush=True)
    assert readmodel.differences() == {"grants": [], "availability": []}
    return figures


def _analyze() -> None:
    """In service, autovacuum has done it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    connections["owner"].close()


def _life_of_contracts(world: World, figures: Figures) -> None:
    places = {"ordinary": world.applications // 2, "most shared": 1}
    for kind, ordinal in places.items():
        application = world.application(ordinal)
        for consumer in world.strangers(application, ROUNDS):
            act = partial(_act, figures, f"a contract, {kind} application")
            row = world.proposed(application, consumer, at=timezone.now())
            provider = {"tenant": row.provider, "contract_id": row.id}
            act("accept", contracts.accept, tenant=consumer, contract_id=row.id)
            act("pause", pauses.pause, **provider)
            act("resume", pauses.resume, **provider)
            act("end", contracts.end, **provider)


def _act(figures: Figures, kind: str, verb: str, do: Callable[..., object], **named: Any) -> None:
    figures.take(f"{verb} {kind}", lambda: do(**named, by=SYSTEM, at=timezone.now()))


def _suspensions(world: World, figures: Figures) -> None:
    for place in range(3):
        tenant = world.tenant(world.tenants - place)
        act = partial(_act, figures, "the tenant with the most contracts")
        act("suspend", tenants.suspend, tenant=tenant, reason="")
        act("resume", tenants.resume, tenant=tenant)
        application = world.application(1 + place)
        named = {"tenant": application.owner, "application_id": application.id}
        act = partial(_act, figures, "the most shared application")
        act("suspend", applications.suspend, **named, reason="")
        act("resume", applications.resume, **named)


def _manifests(world: World, figures: Figures) -> None:
    application = world.application(1)
    of = "manifest of the most shared application"
    declare = partial(_declared, application)
    figures.take(f"{of}, nothing new", lambda: declare("viewer", "editor", "operator"))
    figures.take(f"{of}, a new role", lambda: declare("viewer", "editor", "operator", "auditor"))
    figures.take(f"{of}, a role less", lambda: declare("viewer", "editor", "auditor"))


def _declared(application: Application, *keys: str) -> None:
    """What the world has written, with other roles."""
    privileges = {
        "viewer": ["read"],
        "editor": ["read", "modify"],
        "operator": ["execute"],
        "auditor": ["read"],
    }
    resources = [
        {
            "type": "urn:bench",
            "id": f"r{place}",
            "name": f"Resource {place}",
            "privileges": ["read", "modify", "execute"],
        }
        for place in range(1, 7)
    ]
    roles = [
        {
            "key": key,
            "name": key,
            "permissions": [
                {
                    "resourceType": "urn:bench",
                    "resourceId": row["id"],
                    "privileges": privileges.get(key, ["read"]),
                }
                for row in resources
            ],
        }
        for key in keys
    ]
    wanted = parse({"resources": resources, "roles": roles})
    manifests.declare(application=application, manifest=wanted, by=SYSTEM, at=timezone.now())


def _questions(world: World, figures: Figures) -> None:
    """By REST, in the tenant with the most contracts: each answer counts its sign-in and its permissions."""
    tenant = world.tenant(world.tenants)
    at = timezone.now()
    user = make_user(tenant, at=at)
    portal.make_first_administrator(tenant=tenant, user=user, at=at)
    browser = signed_in(user, at)
    base = f"/iam/application-management/v1/tenants/{tenant.id}"
    paths = {
        "read applications, a page of 50": "applications?limit=50",
        "availability of the most shared application": f"applications/{world.application(1).id}/availability",
        "a page of 50 events": "events?limit=50",
    }
    for what, path in paths.items():
        for _ in range(ROUNDS):
            answer = figures.take(what, partial(browser.get, f"{base}/{path}"))
            assert answer.status_code == 200, answer.content
    for place in range(world.wide + 1, world.owners + 1):
        caller = world.application(place)
        targets = may.callable_targets(caller=caller, tenant_id=caller.owner_id)[:1]
        if targets:
            ask = partial(may.calls, caller=caller, target_ids=targets, tenant_id=caller.owner_id)
            figures.take("facts of a token for one target", ask)


def _job(world: World, figures: Figures) -> None:
    watch.run(at=timezone.now())  # the first run of an installation looks at everything
    for _ in range(5):
        done = figures.take("the job, nothing due", lambda: watch.run(at=timezone.now()))
        assert not done.healed, done
        figures.take("comparison of everything", readmodel.differences)


if __name__ == "__main__":
    main()
