"""Reports: the rows they promise, to whom, and as files that a spreadsheet cannot be turned against."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.reports import REPORTS, shapes
from accesscontrol.views import reporting
from applications.actions import clients, pauses
from applications.models import Contract, Watermark
from iam_portal.walls import tenant_scope
from tenants.models import User, UserActivity, UserSession
from tests.applications.story import Party, party, person, register, share
from tests.support import factories
from tests.support.once import made_once, savepoint


@pytest.fixture(scope="module")
def parties(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Party]]:
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "beta")}
        factories.make_partners(made["acme"].tenant, made["beta"].tenant, at=timezone.now())
        yield made


@pytest.fixture
def standing(parties: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Party]]:
    with savepoint(django_db_blocker):
        yield {slug: made.fork() for slug, made in parties.items()}


@pytest.fixture
def acme(standing: dict[str, Party]) -> Party:
    return standing["acme"]


@pytest.fixture
def beta(standing: dict[str, Party]) -> Party:
    return standing["beta"]


def file(party: Party, key: str, *, client: Any = None, **query: str) -> list[dict[str, Any]]:
    """The rows of the document, which say the same as those of the table."""
    address = party.url(f"reports/{key}/download")
    asking = client or party.client
    reply = asking.get(address, {**query, "format": "json"})
    assert reply.status_code == 200, reply.status_code
    document = json.loads(b"".join(reply))
    assert document["report"] == key
    table = asking.get(address, query)
    assert table["Content-Disposition"] == f'attachment; filename="{key}-{party.tenant.slug}.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(table).decode())))
    assert len(rows) == len(document["items"])
    assert all(list(row) == [name for name, _ in REPORTS[key].columns] for row in rows)
    items: list[dict[str, Any]] = document["items"]
    return items


def made(party: Party, username: str, *, days: int, seen: int | None = None) -> User:
    at = timezone.now() - timedelta(days=days)
    user = factories.make_user(party.tenant, username, at=at)
    if seen is not None:
        factories.sign_in(user, at=timezone.now())
        with tenant_scope(party.tenant.id):
            UserSession.objects.filter(user=user).update(seen_at=timezone.now() - timedelta(days=seen))
    return user


# --- what they say -------------------------------------------------------------------------------------


def test_accounts_that_nobody_uses(acme: Party, beta: Party) -> None:
    made(acme, "old", days=80)
    made(acme, "away", days=80, seen=40)
    made(acme, "here", days=80, seen=2)
    made(acme, "new", days=5)
    made(beta, "theirs", days=80)
    assert [row["username"] for row in file(acme, "idle-accounts", days="30")] == ["away", "old"]
    assert [row["username"] for row in file(acme, "idle-accounts", days="50")] == ["old"]
    [row] = file(acme, "idle-accounts", days="60")
    assert (row["name"], row["lastSeenAt"]) == ("Old", None)
    page = acme.get("reports/idle-accounts", days="30")
    assert [row["cells"][1]["text"] for row in page.context["table"]["rows"]] == ["away", "old"]


def test_who_may_not_be_here_uses_no_account(acme: Party) -> None:
    for name in ("gone", "still"):
        made(acme, name, days=80)
    with tenant_scope(acme.tenant.id):
        UserActivity.objects.filter(user__username="gone").close(timezone.now())
    assert [row["username"] for row in file(acme, "idle-accounts", days="30")] == ["still"]


def test_nobody_is_remembered_for_longer_than_sessions_are(acme: Party) -> None:
    most = settings.PORTAL_SESSION_RETENTION.days
    for days in (str(most + 1), "0", "-1", "x", "9" * 20):
        page = acme.get("reports/idle-accounts", days=days)
        assert page.context["form"].errors
        assert "Nothing to report" not in page.content.decode()  # that would be an answer
        assert acme.get("reports/idle-accounts/download", days=days).status_code == 404


def test_administrators_and_through_what(acme: Party) -> None:
    person(acme, "kim", "reviewer", "user")
    rows = [(row["name"], row["role"]) for row in file(acme, "administrators")]
    assert ("Kim", "reviewer") in rows
    assert ("Kim", "user") not in rows
    assert ("Jane", "organization-manager") in rows
    assert file(acme, "administrators", at="2001-01-01T00:00") == []


def test_contracts_in_force_at_a_moment(acme: Party, beta: Party) -> None:
    contract = share(acme, beta, acme.applications["planner"])
    share(acme, beta, register(acme, "Yard Camera"), until="proposed")
    [row] = file(acme, "contracts-in-force")
    assert (row["partner"], row["side"], row["contractId"]) == ("Beta", "provided", str(contract.id))
    assert row["roles"] == "acme.fleet-planner/planner; acme.fleet-planner/reader"
    assert [row["side"] for row in file(beta, "contracts-in-force")] == ["received"]
    assert file(acme, "contracts-in-force", at="2001-01-01T00:00") == []
    with tenant_scope(acme.tenant.id):
        pauses.pause(contract_id=contract.id, tenant=acme.tenant, by=acme.actor, at=timezone.now())
    assert file(acme, "contracts-in-force") == []


def test_of_contracts_one_sees_the_types_that_one_may(acme: Party, beta: Party) -> None:
    share(acme, beta, acme.applications["planner"])
    for role, count in (("provision-contract-manager", 1), ("access-contract-manager", 0)):
        reader = person(acme, f"kim-{role}", "reviewer", role)
        assert len(file(acme, "contracts-in-force", client=reader)) == count


def test_contracts_that_nobody_uses(acme: Party, beta: Party) -> None:
    contract = share(acme, beta, acme.applications["planner"])
    long_ago = timezone.now() - timedelta(days=200)
    Contract.objects.filter(pk=contract.pk).update(starts_at=long_ago)
    assert file(acme, "unused-contracts", days="100") == [], "not counted for that long"
    Watermark.objects.filter(name="usage").update(at=long_ago)
    assert [row["contractId"] for row in file(acme, "unused-contracts", days="100")] == [str(contract.id)]
    assert file(acme, "unused-contracts", days="300") == []


def test_credentials_with_age_and_end_and_never_a_value(acme: Party, beta: Party) -> None:
    at = timezone.now() - timedelta(days=40)
    given = {"tenant": acme.tenant, "client_id": acme.applications["planner"].id, "by": acme.actor}
    row, value = clients.add_secret(**given, at=at, note="=cmd()")
    [shown] = file(acme, "credentials")
    assert (shown["kind"], shown["ageDays"], shown["note"], shown["id"]) == (
        "secret",
        40,
        "=cmd()",
        str(row.id),
    )
    assert value not in json.dumps(shown)
    assert file(beta, "credentials") == []
    table = b"".join(acme.get("reports/credentials/download")).decode()
    assert "'=cmd()" in table
    assert value not in table


# --- to whom -------------------------------------------------------------------------------------------


def test_what_lies_behind_is_asked_again(acme: Party) -> None:
    reviewer = person(acme, "kim", "reviewer")
    index = reviewer.get(acme.url("reports"))
    assert "Users:read" in index.content.decode()
    for key, report in REPORTS.items():
        wanted = 403 if report.needs else 200
        assert reviewer.get(acme.url(f"reports/{key}")).status_code == wanted, key
        assert reviewer.get(acme.url(f"reports/{key}/download")).status_code == wanted, key
    without = person(acme, "lee", "user-reader")
    assert without.get(acme.url("reports/idle-accounts")).status_code == 403
    assert acme.get("reports/nothing").status_code == 404


def door(party: Party, key: str, *, client: Any = None, **query: str) -> Any:
    address = f"/iam/access-management/v1/tenants/{party.tenant.id}/reports/{key}"
    return (client or party.client).get(address, query)


def test_the_same_rows_by_rest(acme: Party, beta: Party) -> None:
    share(acme, beta, acme.applications["planner"])
    made(acme, "old", days=80)
    for key in REPORTS:
        document = door(acme, key).json()
        assert document["items"] == file(acme, key), key
        table = door(acme, key, format="csv")
        assert table["Content-Type"] == "text/csv; charset=utf-8"
        assert len(list(csv.reader(io.StringIO(b"".join(table).decode())))) == len(document["items"]) + 1
    assert door(acme, "idle-accounts", days="7").json()["days"] == 7


def test_what_rest_refuses(acme: Party, beta: Party) -> None:
    reviewer = person(acme, "kim", "reviewer")
    for key, report in REPORTS.items():
        assert door(acme, key, client=reviewer).status_code == (403 if report.needs else 200), key
        assert door(acme, key, client=beta.client).status_code in (401, 404)
    assert door(acme, "nothing").status_code == 404
    for days in ("0", "-1", "x", "9" * 20, ""):
        assert door(acme, "idle-accounts", days=days).status_code == 400
        expected = (
            200 if days == "9" * 20 else 400
        )  # it takes none: what is no number is refused all the same
        assert door(acme, "administrators", days=days).status_code == expected
    for key in ("administrators", "credentials"):
        assert door(acme, key, at="yesterday").status_code == 400


# --- how -----------------------------------------------------------------------------------------------


def test_a_file_is_read_in_batches(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "BATCH", 2)
    monkeypatch.setattr(shapes, "FIRST", 1)
    names = ["user0", "User1", "user2", "USER3", "user4", "User5", "user6"]
    for name in reversed(names):
        made(acme, name, days=80)
    assert [row["username"] for row in file(acme, "idle-accounts", days="30")] == names


def test_a_page_shows_the_first_rows(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "FIRST", 3)
    for number in range(5):
        made(acme, f"user{number}", days=80)
    table = acme.get("reports/idle-accounts", days="30").context["table"]
    assert (len(table["rows"]), table["count_text"]) == (3, "The first 3. The file has all of them.")


def test_a_fixed_number_of_queries(acme: Party, beta: Party, django_assert_max_num_queries: Any) -> None:
    share(acme, beta, acme.applications["planner"])
    for number in range(20):
        made(acme, f"user{number}", days=80)
    for key in REPORTS:
        with django_assert_max_num_queries(45):
            assert acme.get(f"reports/{key}").status_code == 200


def test_moments_of_files_are_rfc_3339(acme: Party) -> None:
    made(acme, "old", days=80)
    [row] = file(acme, "idle-accounts")
    assert datetime.fromisoformat(row["createdAt"]).tzinfo is not None
