"""The database is lost, and made again: at a moment by base backup and archived log, and from a dump.

Whatever was done before the moment is there and proven; whatever came after is not; nobody had to be told.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client as Browser
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import keys
from applications.actions import contracts
from applications.models import Contract
from iam_portal import wall_check
from iam_portal.launchers.postgres import OWNER, EmbeddedPostgres
from iam_portal.walls import tenant_scope
from tenants.actions import chain
from tenants.models import User
from tests.accesscontrol.oauth.conftest import Clock, World
from tests.support import database, restoring
from tests.support.factories import SYSTEM, make_partners, make_tenant, make_user

pytestmark = pytest.mark.drill


@contextmanager
def served_by(server: EmbeddedPostgres) -> Iterator[None]:
    """The portal of this process has its database there."""
    database.point("default", environ.Env.db_url_config(server.url()))
    database.point("owner", environ.Env.db_url_config(server.url(OWNER)))
    keys.forget()
    try:
        yield
    finally:
        connections.close_all()


@pytest.fixture
def folder(django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """Reached by the user as whom servers run; the aliases come back to where they pointed."""
    kept = {
        name: {**connections.settings[name], "OPTIONS": {**connections.settings[name]["OPTIONS"]}}
        for name in ("default", "owner")
    }
    made = Path(tempfile.mkdtemp(prefix="iam-drill-"))
    made.chmod(0o711)  # run by root, servers are another user
    with django_db_blocker.unblock():
        yield made
        connections.close_all()
    shutil.rmtree(made, ignore_errors=True)
    for name, settings in kept.items():
        connections.settings[name].update(settings)
    keys.forget()


def act(world: World, number: int) -> str:
    """An application shared and used; a token of it."""
    target, caller = f"target{number}", f"caller{number}"
    world.clock = Clock()
    world.application(world.acme, target)
    world.application(world.globex, caller)
    world.share(world.acme, world.globex, (f"acme.{target}", "viewer"))
    world.clock.at = world.clock.start
    world.assign(world.globex, f"globex.{caller}", f"acme.{target}")
    make_user(world.globex, f"person{number}")
    chain.lay_all()
    time.sleep(3)  # its moments lie that far ahead
    reply = world.token(f"globex.{caller}", world.globex, f"aud:acme.{target} openid")
    assert reply.status_code == 200, reply.content
    return str(reply.json()["access_token"])


def proven(world: World, tokens: dict[int, str], people: set[str]) -> None:
    """Ready, every old token good, new ones given, chains and read model whole, the wall sealed as before."""
    assert Browser().get("/readyz").json()["status"] == "ok"
    for number, token in tokens.items():
        answer = world.introspect(f"acme.target{number}", world.globex, token).json()
        assert answer["active"] is True, number
        fresh = world.token(f"globex.caller{number}", world.globex, f"aud:acme.target{number}")
        assert fresh.status_code == 200, fresh.content
    said = StringIO()
    call_command("verify_history", stdout=said)
    call_command("recompute_availability", dry_run=True, stdout=said)
    assert "0 rows differ." in said.getvalue()
    with tenant_scope(world.globex.id):
        assert set(User.objects.values_list("username", flat=True)) == people
    assert not User.objects.exists()
    assert wall_check.gaps(connection) == {}


def lost(world: World) -> None:
    """What somebody did by mistake, after the moment: a contract ended, and people gone past every action."""
    row = Contract.objects.filter(consumer=world.globex).order_by("id").first()
    assert row is not None
    at: Any = world.clock.at
    contracts.end(tenant=world.acme, contract_id=row.id, by=SYSTEM, at=at)
    with connections["owner"].cursor() as cursor:
        cursor.execute("TRUNCATE tenants_user CASCADE")


def test_back_to_a_moment_and_from_a_dump(folder: Path) -> None:
    with restoring.Archived(folder) as primary:
        primary.begin()
        with served_by(primary):
            call_command("migrate", verbosity=0)
            acme, globex = make_tenant("acme"), make_tenant("globex")
            world = World(Clock(), acme, globex, acme)
            make_partners(acme, globex)
            tokens = {1: act(world, 1)}
            primary.back_up()
            tokens[2] = act(world, 2)
            moment = now(primary)
            time.sleep(0.1)
            lost(world)
        primary.crash()
    people = {"person1", "person2"}
    begun = time.monotonic()
    with restoring.Recovered(primary, until=moment) as recovered:
        with served_by(recovered):
            proven(world, tokens, people)
        print(f"back at {moment} after {time.monotonic() - begun:.0f} s")
        dumped = folder / "portal.dump"
        restoring.dump(recovered, dumped)
    begun = time.monotonic()
    with EmbeddedPostgres(folder / "loaded", fast=True, bindir=restoring.programs()) as loaded:
        restoring.load(dumped, loaded)
        with served_by(loaded):
            proven(world, tokens, people)
        print(f"from the dump after {time.monotonic() - begun:.0f} s")


def now(server: EmbeddedPostgres) -> str:
    """A moment between two transactions, by the clock of the server."""
    with psycopg.connect(server.url(OWNER), autocommit=True) as session:
        (at,) = session.execute("SELECT clock_timestamp()::text").fetchone() or ("",)
    return str(at)
