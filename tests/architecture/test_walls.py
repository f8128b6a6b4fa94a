"""The second wall as the database has it: which tables stand behind it, and who may pass through the gate."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DataError, connection, transaction

from iam_portal.launchers.portal import ROOT

OURS = ("iam_portal", "tenants", "applications", "accesscontrol")
# Tables of a tenant's own rows: the column that says whose they are.
WALLED = {
    "tenants_branding": "tenant_id",
    "tenants_user": "tenant_id",
    "tenants_useractivity": "tenant_id",
    "tenants_userlink": "tenant_id",
    "tenants_usersession": "tenant_id",
    "tenants_signinfailure": "tenant_id",
    "tenants_keptinput": "tenant_id",
    "tenants_authenticatorapp": "tenant_id",
    "tenants_passkey": "tenant_id",
    "tenants_recoverycode": "tenant_id",
    "tenants_signinstep": "tenant_id",
    "tenants_prooffailure": "tenant_id",
    "tenants_spentchallenge": "tenant_id",
    "tenants_identityprovider": "tenant_id",
    "tenants_identitylink": "tenant_id",
    "tenants_providerarrival": "tenant_id",
    "tenants_providersession": "tenant_id",
    "tenants_identitymapper": "tenant_id",
    "tenants_mappedmembership": "tenant_id",
    "tenants_group": "tenant_id",
    "tenants_groupplacement": "tenant_id",
    "tenants_membership": "tenant_id",
    "tenants_scimtoken": "tenant_id",
    "tenants_externalid": "tenant_id",
    "tenants_idempotentreply": "tenant_id",
    "tenants_historyevent": "tenant_id",
    "tenants_historyperson": "tenant_id",
    "tenants_historylink": "tenant_id",
    "tenants_historyanchor": "tenant_id",
    "tenants_historycheck": "tenant_id",
    "applications_resource": "owner_tenant_id",
    "applications_resourceplace": "owner_tenant_id",
    "applications_event": "tenant_id",
    "applications_contractusage": "tenant_id",
    "applications_webhook": "tenant_id",
    "applications_webhooksecret": "tenant_id",
    "applications_webhookdelivery": "tenant_id",
    "applications_signalstream": "tenant_id",
    "applications_signaloffer": "tenant_id",
    "accesscontrol_aclentry": "tenant_id",
    "accesscontrol_tenantrole": "tenant_id",
    "accesscontrol_tenantrolepermission": "tenant_id",
    "accesscontrol_assignment": "tenant_id",
    "accesscontrol_authorization": "tenant_id",
    "accesscontrol_authorizationcode": "tenant_id",
    "accesscontrol_logoutnotice": "tenant_id",
    "accesscontrol_pushedrequest": "tenant_id",
    "accesscontrol_refreshtoken": "tenant_id",
    "accesscontrol_revokedtoken": "tenant_id",
}
# Tables that name a tenant and stand before the wall, each with its reason.
OPEN = {
    "tenants_tenantsuspension": "decides availability in other tenants, too",
    "tenants_partnership": "both sides read the row",
    "tenants_autoaccept": "the proposing side's act asks for the other side's standing yes",
    "applications_application": "its owner shares it; consumers read names and ids",
    "applications_serviceaccount": "an id per application and tenant, nothing else",
    "applications_contract": "both sides read the row",
    "applications_amendment": "both sides of its contract read the row",
    "applications_availability": "owner, consumer and the set-based job read the same rows",
    "applications_announced": "the job's own note",
}
# Tables that name a tenant and refer to none.
UNREFERRED = {
    "accesscontrol_aclmark": "which ACL has moved, in which tenant, until the job has looked: two ids",
}
# Who may ask across tenants, and why. A module that is not here must find another way.
MAY_CROSS = {
    "tenants/history.py": "an act between two tenants is recorded for both",
    "tenants/actions/chain.py": "finds the tenants whose history waits for its chain",
    "tenants/actions/retention.py": "a month that is dropped holds rows of all tenants",
    "tenants/actions/deletion.py": "finds the people of all tenants whose names came late into history",
    "tenants/actions/attempts.py": "a network that guesses in many organizations is one",
    "tenants/actions/finding.py": "whoever types an e-mail address does not know the organization",
    "tenants/actions/resealing.py": "a new encryption key seals the secrets of apps of all tenants",
    "applications/events.py": "the sequencer orders the events of all; an act is told to both sides",
    "applications/api/events.py": "an application reads its own events from the streams of all it serves",
    "applications/actions/webhook_requests.py": "the job forgets old deliveries of all tenants",
    "applications/actions/webhook_secrets.py": "a new encryption key seals the secrets of all tenants",
    "applications/delivery/turns.py": "the worker finds the subscriptions of all tenants that are due",
    "applications/delivery/broadcasting.py": "the operator's exchange is told of the tenants that he chose",
    "applications/delivery/parcels.py": "an application's own events lie in the streams of all it serves",
    "applications/actions/counting.py": "one flush has the tokens of all tenants, and so do old days",
    "applications/usage/reading.py": "both sides of a contract read how it is used",
    "applications/actions/manifests.py": "static resources belong to no tenant",
    "applications/actions/applications.py": "retiring ends resources in every tenant that was served",
    "accesscontrol/installation/organizations.py": "the platform counts people and contracts of each",
    "accesscontrol/installation/queues.py": "the platform counts what waits, of all together",
    "accesscontrol/facts.py": "a service's roles at home, where an access contract gives them",
    "accesscontrol/holdings.py": "an act takes from people and services of others: they are counted",
    "accesscontrol/review/callers.py": "a tenant's services work in those that gave it access",
    "accesscontrol/impact_shapes.py": "last use of calls elsewhere by one's own applications",
    "accesscontrol/holders.py": "whom to write to on both sides of contracts that end",
    "accesscontrol/acl/content.py": "an application's ACL covers every tenant that it serves",
    "accesscontrol/acl/revisions.py": "and so do the entries that are kept of it",
    "accesscontrol/acl/copies.py": "and those that are read",
    "accesscontrol/acl/turning.py": "and the spans that move it by plan",
    "accesscontrol/actions/mirrors.py": "the job forgets what is gone from the ACLs of all",
    "accesscontrol/personal.py": "a role on a provider's data opens what that one keeps there",
    "accesscontrol/receivers.py": "a role that its application took away ends in every tenant",
    "accesscontrol/actions/succession.py": "what is held of a superseded id goes on in every tenant",
    "accesscontrol/actions/logout_notices.py": "the job tells sign-outs to applications in all tenants",
    "accesscontrol/actions/watch.py": "the job tells boundaries of assignments of all tenants",
    "accesscontrol/actions/traces.py": "the job folds the traces of changes, which are nobody's",
    "accesscontrol/actions/purge.py": "the job deletes what is over of people's sign-ins in all tenants",
    "iam_portal/launchers/load/company.py": "measuring: rows of an organization in bulk",
    "iam_portal/launchers/load/world.py": "measuring: rows of many organizations in bulk",
    "iam_portal/launchers/seed/engine.py": "the demo's data: looks what is there already",
}
CURRENT = "iam_tenant()"


def rows(statement: str, *values: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def test_every_table_that_names_a_tenant_is_behind_the_wall_or_says_why_not() -> None:
    naming = {
        model._meta.db_table
        for app in OURS[1:]
        for model in apps.get_app_config(app).get_models()
        if any(field.related_model is apps.get_model("tenants.Tenant") for field in model._meta.fields)
    }
    assert naming == set(WALLED) | set(OPEN)
    assert not set(WALLED) & set(OPEN)


@pytest.mark.parametrize("table", WALLED)
def test_the_wall_is_forced_and_has_its_policies(db: None, table: str) -> None:
    forced = rows(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(%s)", table
    )
    assert forced == [(True, True)]
    policies = {
        name: (roles, command, qual, check)
        for name, roles, command, qual, check in rows(
            "SELECT policyname, roles::text[], cmd, qual, with_check FROM pg_policies WHERE tablename = %s",
            table,
        )
    }
    assert set(policies) == {"tenant_rows", "cross_rows", "owner_rows"}
    assert policies["cross_rows"][:2] == (["iam_cross"], "ALL")
    assert all("iam_crossing()" in condition for condition in policies["cross_rows"][2:])
    (owner,) = rows("SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = %s", table)
    assert policies["owner_rows"][:2] == ([*owner], "ALL")
    roles, command, seen, written = policies["tenant_rows"]
    assert (roles, command) == (["public"], "ALL")
    for condition in (seen, written):
        assert WALLED[table] in condition
        assert CURRENT in condition
    assert "IS NULL" not in written  # a row of nobody is read by all, and written by none


def test_no_other_table_has_a_policy_that_nobody_knows_of(db: None) -> None:
    found = {table for (table,) in rows("SELECT DISTINCT tablename FROM pg_policies")}
    assert found == set(WALLED)


def test_partitions_of_history_cannot_be_asked_by_their_own_names(db: None) -> None:
    partitions = [
        name
        for (name,) in rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
            "tenants_historyevent",
        )
    ]
    assert len(partitions) >= 2
    for name in partitions:
        for role in ("iam_web", "iam_cross"):
            assert rows("SELECT has_table_privilege(%s, %s, 'SELECT')", role, name) == [(False,)]


def test_the_webs_role_owns_nothing_and_bypasses_nothing(db: None) -> None:
    for role in ("iam_web", "iam_cross"):
        assert rows("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", role) == [
            (False, False)
        ]
        assert rows("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", role) == [(0,)]


@pytest.mark.parametrize("role", ["iam_web", "iam_cross"])
def test_the_webs_role_holds_no_more_than_it_needs(db: None, role: str) -> None:
    refused = {
        "django_migrations": "INSERT, UPDATE, DELETE, TRUNCATE",
        "accesscontrol_signingkey": "DELETE, TRUNCATE",
        "accesscontrol_factchange": "UPDATE, DELETE, TRUNCATE",
        "tenants_historyevent": "UPDATE, DELETE, TRUNCATE",
        "tenants_historylink": "UPDATE, DELETE, TRUNCATE",
        "tenants_historyperson": "UPDATE, DELETE, TRUNCATE",
    }
    for table, privileges in refused.items():
        assert rows("SELECT has_table_privilege(%s, %s, %s)", role, table, privileges) == [(False,)], table
        assert rows("SELECT has_table_privilege(%s, %s, 'SELECT')", role, table) == [(True,)], table
    columns = rows(
        """SELECT attname FROM pg_attribute WHERE attrelid = 'tenants_historyperson'::regclass AND attnum > 0
        AND has_column_privilege(%s, attrelid, attnum, 'UPDATE')""",
        role,
    )
    assert columns == [("chained",)]


@pytest.mark.parametrize(
    ("months", "made"), [(-2, False), (-1, True), (13, True), (14, False), (9999, False)]
)
def test_the_webs_role_makes_no_partitions_but_those_of_the_job(db: None, months: int, made: bool) -> None:
    asked = "SELECT iam_history_partition((current_date + make_interval(months => %s))::date)"
    if made:
        assert rows(asked, months) in ([(True,)], [(False,)])
    else:
        with pytest.raises(DataError, match="no history partition"), transaction.atomic():
            rows(asked, months)


def sources() -> Iterator[Path]:
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def imports_the_gate(path: Path) -> bool:
    """By name, or the whole module: both give the function away."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if node.module == "iam_portal.walls" and names & {"cross_tenant", "CROSS_ROLE", "*"}:
                return True
            if node.module == "iam_portal" and "walls" in names:
                return True
        if isinstance(node, ast.Import) and any(alias.name == "iam_portal.walls" for alias in node.names):
            return True
    return False


def test_only_these_modules_ask_across_tenants() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in sources() if imports_the_gate(path)}
    assert found == set(MAY_CROSS)


def test_nobody_changes_the_role_by_hand() -> None:
    own = {
        f"iam_portal/{name}.py"
        for name in (
            "walls",
            "wall_sql",
            "wall_check",
            "checks",
            "launchers/postgres",
            "launchers/load/lending",
            "management/commands/seal_wall",
        )
    }
    words = ("SET LOCAL ROLE", "SET ROLE", "iam_cross", "row_security")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(word in path.read_text() for word in words)
    }
    assert found <= own
