"""Nobody is held up by a document for longer than it needs, nor by one that only looks."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from psycopg.errors import LockNotAvailable

from accesscontrol.api import configuration as doors
from accesscontrol.configuration import plans
from tests.support.configuring import World

pytestmark = pytest.mark.exhaustive(3)


def asked(act: Any) -> tuple[Any, list[str]]:
    """The reply, and the statements in their order."""
    with CaptureQueriesContext(connection) as found:
        reply = act()
    return reply, [one["sql"] for one in found]


def first(statements: list[str], *parts: str) -> int:
    return next(number for number, sql in enumerate(statements) if all(part in sql for part in parts))


def shared(world: World, statements: list[str]) -> bool:
    """Whether the partner was locked."""
    return any("FOR SHARE" in sql and world.beta.tenant.id.hex in sql for sql in statements)


def test_without_a_revision_it_is_a_plan_under_the_limits_of_one(world: World) -> None:
    document = {"version": 1, "groups": [], "contracts": []}
    refused, statements = asked(lambda: world.apply(world.acme, document, None))
    assert (refused.status_code, refused.json()["code"]) == (428, "plan_required")
    revision = world.plan(world.acme, document).json()["revision"]
    assert refused.json()["plan"]["revision"] == revision
    one_at_a_time = first(statements, "pg_advisory_xact_lock", "hashtextextended('impact:")
    assert first(statements, "SET LOCAL lock_timeout") < one_at_a_time
    assert one_at_a_time < first(statements, "tenants_tenant", "FOR ")


def test_partners_about_whom_nothing_changes_are_not_held_up(world: World) -> None:
    document = {"version": 1, "contracts": world.document(world.acme)["contracts"]}
    reply, statements = asked(lambda: world.plan(world.acme, document))
    assert (reply.json()["steps"], shared(world, statements)) == ([], False)
    document["contracts"][0]["note"] = "Another"
    reply, statements = asked(lambda: world.plan(world.acme, document))
    assert len(reply.json()["steps"]) == 1
    assert shared(world, statements)


def test_what_takes_too_long_is_not_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"version": 1, "roles": [{"key": "late", "name": "Late"}]}
    revision = world.plan(world.twin, document).json()["revision"]
    monkeypatch.setattr(plans, "LONGEST", -1.0)
    for refused in (world.plan(world.twin, document), world.apply(world.twin, document, revision)):
        assert (refused.status_code, refused.json()["code"]) == (409, "impact_busy")
    assert world.document(world.twin)["roles"] == []


def test_so_many_resources_and_permissions_are_written_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = world.document(world.acme)
    monkeypatch.setattr(plans, "MOST_PARTS", 2)
    assert world.plan(world.acme, document).status_code == 200, "what stays is not counted"
    document["applications"][0]["manifest"]["roles"][0]["name"] = "Another"
    refused = world.plan(world.acme, document)
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_steps")


def test_who_waits_too_long_is_told_to_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(*args: Any, **kwargs: Any) -> None:
        raise OperationalError from LockNotAvailable()

    document = {"version": 1, "groups": []}
    revision = world.plan(world.acme, document).json()["revision"]
    monkeypatch.setattr(doors, "lock", waiting)
    refused = world.apply(world.acme, document, revision)
    assert (refused.status_code, refused.json()["code"]) == (409, "impact_busy")


def test_to_look_at_a_manifest_is_limited_from_its_first_lock(world: World) -> None:
    application = world.acme.applications["planner"]
    base = f"/iam/application-management/v1/tenants/{world.acme.tenant.id}"
    path = f"{base}/applications/{application.id}/manifest?dry_run=true"
    manifest = world.document(world.acme)["applications"][0]["manifest"]
    manifest["resources"].append({"type": "urn:fleet:depot", "id": "depots", "privileges": ["read"]})
    reply, statements = asked(lambda: world.acme.client.put(path, manifest, "application/json"))
    assert (reply.status_code, reply.json().keys()) == (200, {"diff"})
    assert first(statements, "SET LOCAL lock_timeout") < first(statements, "applications_application", "FOR ")
