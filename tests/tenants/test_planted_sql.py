"""Raw SQL, planted in a view as a careless developer might: whatever it says, it stays inside its tenant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from pytest_django import DjangoDbBlocker

from iam_portal import wall_seals
from iam_portal.walls import cross_tenant
from tenants.http import cookie_name
from tenants.models import Tenant, User
from tenants.views.users import UserList
from tests.architecture.test_walls import WALLED
from tests.support.factories import make_tenant
from tests.support.knocking import Knocker, person
from tests.support.once import made_once, savepoint

SEE = "SELECT email, password FROM tenants_user"
TAKE = "UPDATE tenants_user SET email = 'x@example.org'; DELETE FROM tenants_signinfailure"
# Each after `'; `, sent by a person of acme; {other}: the other tenant, {person}: one of its people.
PLANTED = [
    SEE,
    f"RESET ROLE; {SEE}; {TAKE}",
    f"SET ROLE iam_cross; {SEE}; {TAKE}",
    f"SET LOCAL ROLE iam_cross; {SEE}; {TAKE}",
    f"SET SESSION ROLE iam_cross; SET iam.pass = ''; {SEE}; {TAKE}",
    f"SET ROLE iam_cross; SELECT set_config('iam.pass', current_setting('iam.seal'), true); {SEE}; {TAKE}",
    f"SET LOCAL iam.tenant = '{{other}}'; {SEE}; {TAKE}",
    f"SET iam.tenant = '{{other}}'; SET iam.seal = ''; {SEE}; {TAKE}",
    f"SET ROLE iam_cross; SET LOCAL iam.tenant = '{{other}}'; {SEE}; {TAKE}",
    f"SELECT set_config('iam.seal', iam_sealed('tenant:{{other}}', ''), true); {SEE}",
    f"SELECT set_config('row_security', 'off', true); {SEE}",
    f"SET SESSION AUTHORIZATION iam_owner; {SEE}",
    f"SET ROLE iam_owner; {SEE}",
    "ALTER TABLE tenants_user DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON tenants_user USING (true)",
    "DROP POLICY tenant_rows ON tenants_user",
    "INSERT INTO iam_wall VALUES ('x')",
    "SELECT * FROM iam_wall",
    "SELECT iam_seal_table('tenants_user')",
    "CREATE OR REPLACE FUNCTION iam_tenant() RETURNS uuid LANGUAGE sql AS $$ SELECT '{other}'::uuid $$",
    "CREATE FUNCTION sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT $1 $$",
    f"DO $$ BEGIN SET LOCAL ROLE iam_cross; PERFORM FROM tenants_user; END $$; {SEE}",
    f"SET ROLE iam_cross; SELECT display_name FROM tenants_user WHERE id = '{{person}}' FOR UPDATE; {TAKE}",
    "INSERT INTO tenants_membership SELECT * FROM tenants_membership",
    "SET iam.tenant = '{other}'; SELECT iam_erase_person('{person}')",
    "SELECT iam_erase_person_unasked('{person}')",
    "SET ROLE iam_cross; SELECT iam_history_drop('2020-01-01')",
    "SELECT iam_history_drop_unasked('2020-01-01')",
    "INSERT INTO tenants_historyanchor (tenant_id, month) VALUES ('{other}', '2020-01-01')",
    "SELECT actor_name FROM tenants_historyperson; SELECT action, after FROM tenants_historyevent",
    "SELECT * FROM tenants_historyevent_other",
    "TRUNCATE tenants_historyevent CASCADE",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY tenants_user TO '/dev/null'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "CREATE EXTENSION dblink",
    f"DECLARE everybody CURSOR WITH HOLD FOR {SEE}; FETCH ALL FROM everybody",
    f"PREPARE everybody AS {SEE}; SET ROLE iam_cross; EXECUTE everybody",
    f"EXPLAIN ANALYZE {SEE}",
]


@dataclass
class Houses:
    acme: Tenant
    jane: Knocker
    other: Tenant
    rival: User
    secret: str


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Houses]:
    with made_once(django_db_blocker):
        acme, other = make_tenant("acme"), make_tenant("rival")
        _, session = person(acme, "jane", "user-reader")
        rival, _ = person(other, "rita", "user-reader")
        jane = Knocker(cookies={cookie_name(acme.id): session})
        yield Houses(acme, jane, other, rival, "rita@example.org")


@pytest.fixture
def houses(
    made: Houses, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Houses]:
    with savepoint(django_db_blocker):
        monkeypatch.setattr(UserList, "get", careless(made.other, all_of(made.other)))
        yield made


def careless(other: Tenant, before: dict[str, list[tuple]]) -> Callable[..., HttpResponse]:
    """The hole: what the address says stands in the statement. It tells all that it gets, errors too."""

    def get(view: UserList, request: HttpRequest) -> HttpResponse:
        rows: list[object] = []
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT email FROM tenants_user WHERE username = '{request.GET['q']}'")
                while True:
                    rows += cursor.fetchall() if cursor.description else []
                    if not cursor.nextset():
                        break
                untouched = all_of(other) == before  # here: an error would have taken back what was written
        except DatabaseError as exc:
            return JsonResponse({"rows": repr(rows), "error": str(exc), "untouched": True})
        return JsonResponse({"rows": repr(rows), "untouched": untouched})

    return get


def all_of(tenant: Tenant) -> dict[str, list[tuple]]:
    found = {}
    with cross_tenant(), connection.cursor() as cursor:
        for table, column in WALLED.items():
            cursor.execute(f"SELECT t::text FROM {table} t WHERE {column} = %s ORDER BY 1", [tenant.id])
            found[table] = cursor.fetchall()
    return found


def ask(houses: Houses, said: str) -> str:
    """What a person of acme reads who sends this."""
    address = f"/t/{houses.acme.slug}/users"
    return houses.jane.knock("GET", address, query=f"q={quote(said)}").content.decode()


def test_the_hole_is_there(houses: Houses) -> None:
    """Else the tests below would show nothing."""
    assert "jane@example.org" in ask(houses, f"'; {SEE} --")
    assert "jane@example.org" in ask(houses, "' UNION SELECT email FROM tenants_user --")


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_sql_stays_inside_its_tenant(houses: Houses, planted: str) -> None:
    said = planted.replace("{other}", str(houses.other.id)).replace("{person}", str(houses.rival.id))
    told = ask(houses, f"'; {said} --")
    assert houses.secret not in told
    assert "Rita" not in told
    assert "root:" not in told
    assert '"untouched": true' in told


def test_seals_stand_in_no_statement(houses: Houses) -> None:
    """What sessions do is seen by each of the same login: the texts of statements, not the values beside."""
    told = ask(houses, "'; SELECT query FROM pg_stat_activity; SELECT current_setting('iam.seal') --")
    own, others = (wall_seals.of_tenant(str(tenant.id)) for tenant in (houses.acme, houses.other))
    assert own in told  # its own it may have
    assert others not in told
    assert wall_seals.of_crossing() not in told
