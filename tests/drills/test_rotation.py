"""Every ring is changed while tokens are given and introspected: nobody is refused at any moment.

Meanwhile webhooks come, and their secret is changed, too: each is verified by what its receiver has then.

Web servers are restarted one after another, as `docs/operations.md` says: the next one is there before
traffic leaves the one before.
"""

import base64
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from iam_portal.launchers.children import LaunchError
from iam_portal.launchers.demo import Story, read_story
from iam_portal.launchers.portal import LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.story_check import Credentials, Portal
from iam_portal.launchers.valkey import free_port
from tests.drills.hooks import SETTINGS, Hooks, patiently, verifying
from tests.support.restoring import programs
from tests.support.stage import Stage, made_of
from tests.support.unnoticed import Watch

pytestmark = pytest.mark.drill
RING, PEPPERS = "PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="iam-rotation-") as made:
        Path(made).chmod(0o711)  # run by root, the database is another user
        yield Path(made)


@pytest.fixture
def first(folder: Path) -> Iterator[LocalPortal]:
    supervisor = Supervisor()
    portal = LocalPortal(
        folder / "first", free_port(), supervisor, fast=True, bindir=programs(), settings=SETTINGS
    )
    try:
        portal.start_database()
        portal.start_broker()
        portal.manage("migrate", "--verbosity", "0")
        portal.manage("collectstatic", "--no-input", "--verbosity", "0")
        portal.manage("seed_demo", "--dir", str(portal.directory))
        portal.start_web(workers=1)
        patiently(portal.wait_ready)
        yield portal
    finally:
        supervisor.stop()


def restarted(before: LocalPortal, name: str, settings: Mapping[str, str]) -> LocalPortal:
    """The next web server, with other secrets; ready."""
    same = {key: before.environment[key] for key in (RING, PEPPERS, "SECRET_KEY", "PORTAL_BASE_URL")}
    servers = Servers(before.environment["DATABASE_URL"], before.servers.owner, before.servers.broker)
    static = {"PORTAL_STATIC_ROOT": before.environment["PORTAL_STATIC_ROOT"]}
    portal = LocalPortal(
        before.directory.parent / name,
        free_port(),
        before.supervisor,
        servers=servers,
        settings={**SETTINGS, **same, **static, **settings},
    )
    portal.start_web(workers=1)
    patiently(portal.wait_ready)
    return portal


def at(stage: Stage, portal: LocalPortal) -> Stage:
    """The same organizations, at this web server."""
    there = Portal(portal.address)
    sides = {name: replace(getattr(stage, name), portal=there) for name in ("provider", "consumer")}
    return replace(stage, portal=there, **sides)


def told_of(portal: LocalPortal, story: Story) -> Stage:
    """A contract for webhooks to tell of; nobody needs it."""
    stage = at(made_of(story), portal)
    stage.share()
    return stage


def test_all_rings_are_changed_and_nobody_notices(first: LocalPortal) -> None:
    story = read_story(first.directory)
    stage = made_of(story)
    stage.share()
    with (
        verifying() as receiver,
        Hooks(first, story, told_of(first, story), receiver) as hooks,
        Watch(stage, first.servers.owner) as watch,
    ):
        last = change_all(first, watch, hooks)
    watch.assert_unnoticed()
    assert receiver.refused == []
    assert len(receiver.by) == 2, "by the old secret, then by the new one"
    assert last.manage("verify_history")
    print(f"{watch.good} tokens and {receiver.by.total()} webhooks while every ring was changed")


def change_all(first: LocalPortal, watch: Watch, hooks: Hooks) -> LocalPortal:
    """Each ring, and the secret of a webhook; the last web server of all."""
    old_ring, old_pepper = first.environment[RING], first.environment[PEPPERS]
    new_ring = Fernet.generate_key().decode()
    new_pepper = f"2:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    # The new ones last, so that whoever is restarted first can be read by those that are not yet.
    both = {RING: f"{old_ring},{new_ring}", PEPPERS: f"{old_pepper},{new_pepper}"}
    second = restarted(first, "second", both)
    hooks.move_to(second, at(hooks.stage, second))
    third = restarted(second, "third", {RING: f"{new_ring},{old_ring}"})
    watch.stage = at(watch.stage, third)
    hooks.move_to(third, at(hooks.stage, third))
    watch.go_on()
    first.manage("rotate_signing_keys", "--now")
    resealed = third.manage("reseal_secrets")
    assert "webhook secrets: 1 sealed anew" in resealed
    assert "run seal_wall as the owner" in resealed
    assert "1 new" in third.manage("seal_wall")
    assert "the older ones may go" in third.manage("reseal_secrets")
    hooks.rotate()
    with pytest.raises(LaunchError, match=r"pepper 1: \d+, still needed"):
        third.manage("needed_secrets")
    watch.stage = with_new_secrets(watch.stage, third)
    watch.go_on(least=20)  # each of those who ask has the new one
    hooks.act_by(with_new_automation(hooks.stage))
    end_old_secrets(first.servers.owner)
    assert "pepper 1: 0, may go" in third.manage("needed_secrets")
    last = restarted(third, "last", {RING: new_ring, PEPPERS: new_pepper})
    watch.stage = at(watch.stage, last)
    hooks.move_to(last, at(hooks.stage, last))
    assert "1 forgotten" in last.manage("seal_wall")
    watch.go_on()
    hooks.go_on()
    return last


def with_new_secrets(stage: Stage, portal: LocalPortal) -> Stage:
    """Each client of the stage has a new secret beside its old one; made under the newest pepper."""

    def renewed(side: str, client: Credentials) -> Credentials:
        acting = getattr(stage, side)
        path = f"applications/{client.client_id}/clients/{client.client_id}/secrets"
        made = acting.act("POST", path, {"note": "under the new pepper"})
        assert made.status == 201, made
        return replace(client, secret=made.body["clientSecret"])

    return replace(stage, caller=renewed("consumer", stage.caller), target=renewed("provider", stage.target))


def with_new_automation(stage: Stage) -> Stage:
    """The same for the service by which the provider acts."""
    own = stage.provider.automation
    path = f"applications/{own.client_id}/clients/{own.client_id}/secrets"
    made = stage.provider.act("POST", path, {"note": "under the new pepper"})
    assert made.status == 201, made
    renewed = replace(own, secret=made.body["clientSecret"])
    return replace(stage, provider=replace(stage.provider, automation=renewed))


def end_old_secrets(owner: str) -> None:
    """As each organization does for its own, when its services have the new one."""
    with psycopg.connect(owner) as session:
        session.execute(
            "UPDATE applications_clientsecret SET during = during * tstzrange(NULL, clock_timestamp())"
            " WHERE pepper = 1"
        )
