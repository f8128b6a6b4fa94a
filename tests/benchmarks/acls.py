"""What an ACL costs that serves 10,000 organizations. ``python -m tests.benchmarks.acls``

Runs on a PostgreSQL of its own, as the tests do, and prints the table of ``docs/scale.md``.
"""

import json
import os
from functools import partial
from typing import Any

import django

os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.utils import timezone  # noqa: E402

from accesscontrol.actions import mirrors, tenant_roles  # noqa: E402
from accesscontrol.actions.tenant_roles import Definition  # noqa: E402
from applications.actions import clients, manifests, pauses  # noqa: E402
from applications.manifest import parse  # noqa: E402
from applications.models import Application, Contract  # noqa: E402
from tests.accesscontrol.mirroring import ACL, NDJSON  # noqa: E402
from tests.benchmarks.measuring import Figures, table  # noqa: E402
from tests.benchmarks.world import World  # noqa: E402
from tests.support import database  # noqa: E402
from tests.support.factories import SYSTEM  # noqa: E402
from tests.support.universe import basic  # noqa: E402

RESOURCES = 10
SMALL = {
    "tenants": 60,
    "applications": 12,
    "contracts": 150,
    "owners": 6,
    "wide": 1,
    "wide_consumers": 20,
    "heavy": 1,
    "heavy_contracts": 10,
}
BIG = {**SMALL, "tenants": 10_500, "contracts": 11_500, "wide_consumers": 10_000}
ROUNDS = 5


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
    world.build()
    application, figures = world.application(1), Figures()
    _declare(application, RESOURCES)
    owner = application.owner
    _, secret = clients.add_secret(tenant=owner, client_id=application.id, by=SYSTEM, at=timezone.now())
    headers, browser = basic(application.id, secret), Browser()

    def read(what: str, **query: Any) -> tuple[str, bytes]:
        tag = query.pop("tag", None)
        sent = {**headers, **({"If-None-Match": tag} if tag else {}), "Accept": query.pop("accept", "*/*")}
        reply, content = figures.take(what, lambda: _whole(browser.get(ACL, query, headers=sent)))
        assert reply.status_code == (304 if tag else 200), reply
        return reply["ETag"], content

    _, first = read("the first snapshot, every entry noted")
    print(f"{name}: {len(json.loads(first)['resources'])} entries, {len(first)} bytes", flush=True)
    consumers = Contract.objects.filter(terms__role__application=application, type="provision")
    running = consumers.filter(state="accepted", ends_at=None, starts_at__lt=world.at, pauses=None)
    for number, contract in enumerate(running.order_by("id")[:ROUNDS]):
        tag, _ = read("a snapshot")
        since = int(read("a snapshot, 304", tag=tag)[0].strip('"').rsplit("-", 1)[1])
        read("a snapshot, as lines", accept=NDJSON)
        read("one owner's slice", tenantId=str(contract.consumer_id))
        read("a delta, nothing new", since=since)
        made = Definition(key=f"own-{number}", name="Own", description="", permissions=[])
        tenant_roles.define(tenant=contract.consumer, definition=made, by=SYSTEM, at=timezone.now())
        act: dict[str, Any] = {"tenant": application.owner, "contract_id": contract.id, "by": SYSTEM}
        figures.take("a contract is paused", partial(pauses.pause, **act, at=timezone.now()))
        read("a delta: a contract paused, first reader", since=since)
        figures.take("a contract is resumed", partial(pauses.resume, **act, at=timezone.now()))
        figures.take("the job, a contract resumed", lambda: mirrors.watch(at=timezone.now()))
        figures.take("the job, nothing new", lambda: mirrors.watch(at=timezone.now()))
        _declare(application, RESOURCES + number + 1)
        read("a delta: a resource more in every organization, first reader", since=since)
        read("the same delta, next reader", since=since)
    return figures


def _whole(reply: Any) -> tuple[Any, bytes]:
    return reply, b"".join(reply.streaming_content) if reply.streaming else reply.content


def _declare(application: Application, resources: int) -> None:
    """The world's three roles over so many resources."""
    names = [f"r{number}" for number in range(resources)]
    permissions = [{"resourceType": "urn:x", "resourceId": name, "privileges": ["read"]} for name in names]
    document = {
        "resources": [{"type": "urn:x", "id": name, "privileges": ["read"]} for name in names],
        "roles": [{"key": key, "permissions": permissions} for key in ("viewer", "editor", "operator")],
    }
    manifests.declare(application=application, manifest=parse(document), by=SYSTEM, at=timezone.now())


if __name__ == "__main__":
    main()
