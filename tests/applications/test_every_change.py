"""Every change through every door: it is recorded, or it does not happen.

The doors come from the table of doors, what is sent to them from ``tests/support/changing_*``.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import keys
from iam_portal.launchers import doors
from iam_portal.walls import cross_tenant, tenant_scope
from tenants import questions
from tests.support.changing import FROM, REQUEST, Attempt, Change, Stage, make_stage
from tests.support.changing_applications import CHANGES as APPLICATIONS
from tests.support.changing_pages import CHANGES as PAGES
from tests.support.changing_rest import ACCESS, READS
from tests.support.changing_rest import CHANGES as REST
from tests.support.changing_webhooks import CHANGES as HOOKS
from tests.support.once import made_once, savepoint

pytestmark = pytest.mark.exhaustive(2)

CHANGES = {**REST, **HOOKS, **APPLICATIONS, **PAGES}
DOORS = {f"{door.method} {door.address}": door for door in doors.doors()}
# What these rows tell was not there before.
BEGIN = {
    "created", "invited", "added", "member_added", "registered", "drafted", "subscribed", "assigned",
    "planned", "started", "link_sent", "linked", "password_set", "tested", "redelivery_asked", "secret_added",
    "declared", "confirmed", "defined", "applied", "invitation_sent", "activated", "address_asked",
    "exported",
    "renamed",  # of a factor: its names are its owner's own words, and not in the record
}  # fmt: skip
# They work in short transactions of their own, which a test that holds one cannot see undone.
OUTSIDE = {
    f"POST /t/{{slug}}/{page}" for page in ("sign-in", "sign-in/second", "account/confirm", "sign-in/arrival")
}
BECOMING = {"POST /t/{slug}/sign-in/arrival"}  # whoever acts there is somebody only by it
TABLES = sorted(
    model._meta.db_table
    for app in ("tenants", "applications", "accesscontrol")
    for model in apps.get_app_config(app).get_models()
)
# A credential was used, and a session seen, also where the change failed: that is noted apart, now and then.
_ROW = "(to_jsonb(t) - 'last_used_at' - 'seen_at')::text"
_SUMS = " UNION ALL ".join(
    f"SELECT '{name}', count(*), md5(coalesce(string_agg({_ROW}, '|' ORDER BY {_ROW}), '')) FROM {name} t"
    for name in TABLES
)
_SUMS += " ORDER BY 1"  # several processes may read them side by side


@pytest.fixture(scope="module")
def breakable(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database refuses history while ``iam.broken`` is set, as one whose disk is full would."""
    asked = "current_setting('iam.broken', true) = 'yes'"
    body = f"BEGIN IF {asked} THEN RAISE 'disk full'; END IF; RETURN NEW; END"
    with django_db_blocker.unblock(), connections["owner"].cursor() as owner:
        owner.execute(f"CREATE FUNCTION iam_test_break() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
        owner.execute(
            "CREATE TRIGGER iam_test_break BEFORE INSERT ON tenants_historyevent"
            " FOR EACH ROW EXECUTE FUNCTION iam_test_break()"
        )
    yield
    with django_db_blocker.unblock(), connections["owner"].cursor() as owner:
        owner.execute("DROP FUNCTION iam_test_break() CASCADE")


@pytest.fixture(scope="module")
def made(
    breakable: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        yield make_stage()


@pytest.fixture
def stage(made: Stage, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    with savepoint(django_db_blocker):
        yield made
    keys.forget()  # a process keeps its set of signing keys for some seconds


def ways() -> list[Any]:
    return [
        pytest.param(name, change, id=f"{name.replace('{tenant_id}', '')}-{change.name()}")
        for name, changes in CHANGES.items()
        for change in changes
    ]


def test_every_changing_door_is_tried() -> None:
    kinds = ("rest", "page", "public")
    changing = {name for name, door in DOORS.items() if door.method != "GET" and door.kind in kinds}
    known = set(CHANGES) | READS
    assert changing - known == set(), "add a line to tests/support/changing_rest.py or changing_pages.py"
    assert known <= changing


@pytest.mark.parametrize(("name", "change"), ways())
def test_a_change_is_recorded_or_does_not_happen(stage: Stage, name: str, change: Change) -> None:
    attempt = Attempt(DOORS[name], change, stage)
    latest = last_row()
    if name not in OUTSIDE:
        nothing_happens_without_a_row(attempt)
    recorded(attempt, name, latest)


def nothing_happens_without_a_row(attempt: Attempt) -> None:
    before = sums()
    broken("yes")
    reply = attempt.send()
    broken("no")
    assert reply.status_code == 500, (reply.status_code, reply.content[:2000])
    if attempt.door.kind == "rest":
        assert reply["Content-Type"] == "application/problem+json"
        assert json.loads(reply.content)["code"] == "internal_error"
    assert "disk full" not in reply.content.decode()
    assert sums() == before


def recorded(attempt: Attempt, name: str, latest: int) -> None:
    reply = attempt.send()
    assert reply.status_code in (200, 201, 202, 204, 302), (reply.status_code, reply.content[:3000])
    rows = rows_since(latest, attempt)
    own = [row for row in rows if row.event.actor_kind == attempt.who.kind]
    assert own, "nothing was recorded"
    for row in own:
        event, told = row.event, (row.event.action, row.event.before, row.event.after)
        expected = event.subject_id if name in BECOMING else str(attempt.who.user.id)
        assert event.actor_id == expected, told
        assert (event.request_id, row.source_address) == (REQUEST, FROM), told
        assert row.actor_name, told
        assert event.subject_id, told
        begins = event.action.partition(".")[2] in BEGIN and not name.startswith(f"PUT {ACCESS}/roles")
        assert event.after or (event.before and not begins), told
        assert event.before or begins, told
        assert event.before != event.after, told


def broken(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('iam.broken', %s, true)", [value])


def sums() -> list[tuple[str, int, str]]:
    """Count and digest of every table, all organizations together."""
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_SUMS)
        return sorted(cursor.fetchall())  # the planner may read them side by side


def last_row() -> int:
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM tenants_historyevent")
        return int(cursor.fetchone()[0])


def rows_since(latest: int, attempt: Attempt) -> list[questions.Row]:
    """What the actor's own organization was told."""
    tenant = attempt.who.tenant
    with tenant_scope(tenant.id):
        rows = questions.Asked().rows(tenant).filter(id__gt=latest)
        return questions.with_names(list(rows.order_by("id")))
