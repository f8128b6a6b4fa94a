"""The access review: who can do what in an application on a date, how, and what is different on another."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.actions import contracts
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.http.exports import defused
from tenants.models import User
from tests.accesscontrol.oauth.asking import METER, READER, Asker, asker
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.signed_in import give, person
from tests.support.factories import SYSTEM, make_group, make_partners

DOOR = f"access-review?applicationId={METER}"


@pytest.fixture
def desk(shared: World, settings: Any) -> Asker:
    settings.ROOT_URLCONF = "iam_portal.urls"
    found = asker(shared, shared.globex)
    shared.assign(shared.globex, "globex.desk", "iam-portal", "reviewer")
    return found


@pytest.fixture
def jane(shared: World) -> User:
    return person(shared)


def items(desk: Asker, more: str = "", door: str = DOOR) -> list[dict[str, Any]]:
    reply = desk.get(f"{door}{more}")
    assert reply.status_code == 200, reply.content
    found: list[dict[str, Any]] = reply.json()["items"]
    return found


def said(lines: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """Who, which role, and by which ways."""
    return [
        (line["name"], line["role"], [way.get("groupName", "directly") for way in line["through"]])
        for line in lines
    ]


def moment(world: World) -> str:
    return world.clock.at.isoformat().replace("+00:00", "Z")


def test_every_way_to_every_role(shared: World, desk: Asker, jane: User) -> None:
    at = shared.clock.at
    top = make_group(shared.globex, "Works", at=at)
    make_group(shared.globex, "Night", parent=top, members=(jane,), at=at)
    wanted = Wanted(role="viewer", application_id=METER, group_id=top.id)
    assignments.assign(tenant=shared.globex, wanted=wanted, by=SYSTEM, at=at)
    give(shared, jane)
    give(shared, jane, "editor")
    person(shared, "idle")
    lines = items(desk)
    assert said(lines) == [
        ("Reader", "viewer", ["directly"]),
        ("Jane", "editor", ["directly"]),
        ("Jane", "viewer", ["directly", "Works"]),
    ]
    machines = {"resourceType": "urn:test", "resourceId": "machines"}
    assert lines[0]["principal"] == {"applicationId": READER}
    assert lines[1]["principal"] == {"userId": str(jane.id)}
    assert lines[1]["permissions"] == [{**machines, "privileges": ["modify"]}]
    assert lines[1]["owningTenantId"] == str(shared.globex.id)
    with tenant_scope(shared.globex.id):
        users.deactivate(tenant=shared.globex, user_id=jane.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    assert said(items(desk)) == [("Reader", "viewer", ["directly"])]
    assert said(items(desk, f"&at={at.isoformat().replace('+', '%2B')}")) == said(lines)


def test_the_difference_of_two_dates(shared: World, desk: Asker, jane: User) -> None:
    before = moment(shared)
    shared.clock.forward(seconds=10)
    give(shared, jane)
    after = moment(shared)
    [gained] = items(desk, f"&at={before}&compareWith={after}")
    assert (gained["change"], gained["name"], gained["permissionsBefore"]) == ("gained", "Jane", [])
    [lost] = items(desk, f"&at={after}&compareWith={before}")
    assert (lost["change"], lost["name"], lost["permissions"]) == ("lost", "Jane", lost["permissionsBefore"])
    assert items(desk, f"&at={after}&compareWith={after}") == []
    contract = shared.globex.contracts_received.get()
    soon = shared.clock.at + timedelta(days=1)
    contracts.end(tenant=shared.acme, contract_id=contract.id, by=SYSTEM, at=shared.clock.at, when=soon)
    planned = soon.isoformat().replace("+00:00", "Z")
    assert [line["change"] for line in items(desk, f"&compareWith={planned}")] == ["lost", "lost"]
    assert items(desk, f"&at={planned}") == []


def test_on_other_peoples_data(shared: World, desk: Asker) -> None:
    """One's own people and services there; never those of others on one's own data."""
    make_partners(shared.globex, shared.neighbour, at=shared.clock.start)
    first = shared.globex.contracts_received.get()
    contracts.end(tenant=shared.acme, contract_id=first.id, by=SYSTEM, at=shared.clock.forward(seconds=1))
    at = shared.clock.forward(seconds=1)
    shared.share(shared.acme, shared.globex, (METER, "viewer"), at=at, onward_access=True)
    access = shared.share(shared.globex, shared.neighbour, (METER, "viewer"), type="access", at=at)
    kim = person(shared, "kim", tenant=shared.neighbour)
    for principal in ({"user_id": kim.pk}, {"principal_application_id": "neighbour.reader"}):
        wanted = Wanted(role="viewer", application_id=METER, contract_id=access.id, **principal)
        assignments.assign(tenant=shared.neighbour, wanted=wanted, by=SYSTEM, at=at)
    shared.assign(shared.neighbour, "neighbour.reader", "iam-portal", "reviewer")
    there = asker(shared, shared.neighbour, "neighbour.reader")
    lines = items(there)
    assert said(lines) == [("Reader", "viewer", ["directly"]), ("Kim", "viewer", ["directly"])]
    assert {(line["owningTenantId"], line["contractId"]) for line in lines} == {
        (str(shared.globex.id), str(access.id))
    }
    assert [line["principal"] for line in items(desk)] == [{"applicationId": READER}]


def test_page_by_page(shared: World, desk: Asker) -> None:
    for name in ("ann", "bob", "cyd"):
        give(shared, person(shared, name))
    everything, found, door = items(desk), [], f"{DOOR}&limit=1"
    while door:
        body = desk.get(door).json()
        found += body["items"]
        door = (body["next"] or "").rpartition("/")[2]
    assert found == everything
    assert len(found) == 4


def test_as_many_queries_for_many(shared: World, desk: Asker) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            items(desk)
        return len(found)

    give(shared, person(shared, "ann"))
    few = count()
    for name in ("bob", "cyd", "dan"):
        give(shared, person(shared, name))
    assert count() == few


class TestCsv:
    """For spreadsheets."""

    def rows(self, desk: Asker, more: str = "") -> list[list[str]]:
        reply = desk.get(f"{DOOR}{more}", Accept="text/csv")
        assert (reply.status_code, reply["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert reply["Content-Disposition"].startswith("attachment;")
        return list(csv.reader(io.StringIO(reply.content.decode())))

    def test_complete(self, shared: World, desk: Asker, jane: User) -> None:
        give(shared, jane)
        heading, reader, hers = self.rows(desk, "&limit=1")
        line = dict(zip(heading, hers, strict=True))
        assert (line["kind"], line["id"], line["name"]) == ("user", str(jane.id), "Jane")
        assert (line["role"], line["through"]) == ("viewer", "directly")
        assert line["permissions"] == "urn:test/machines:read"
        assert reader[heading.index("id")] == READER

    def test_no_cell_is_a_formula(self, shared: World, desk: Asker, jane: User) -> None:
        give(shared, jane)
        for name in ('=cmd|" /C calc"!A0', "+1", "-1", "@SUM(1)"):
            with tenant_scope(shared.globex.id):
                act: dict[str, Any] = {"tenant": shared.globex, "user_id": jane.id, "by": SYSTEM}
                users.change(**act, at=shared.clock.forward(seconds=1), display_name=name)
            assert self.rows(desk)[-1][3] == f"'{name}"
        assert defused("\t=1") == "'\t=1"
        assert defused(None) == ""

    def test_a_refusal_is_a_problem_document(self, desk: Asker) -> None:
        reply = desk.get("access-review", Accept="text/csv")
        assert (reply.status_code, reply["Content-Type"]) == (400, "application/problem+json")
        assert reply.json()["code"] == "invalid"


def test_outsiders(shared: World, desk: Asker) -> None:
    """A stranger's application is like an unknown one, and so is another tenant."""
    answers = {
        (reply.status_code, reply.content)
        for name in ("neighbour.meter", "no.such")
        for reply in [desk.get(f"access-review?applicationId={name}")]
    }
    assert [status for status, _ in answers] == [404]
    assert desk.get(DOOR, shared.acme).status_code == 404
    meek = asker(shared, shared.neighbour)  # reads users and roles; reports it does not
    assert meek.get("access-review?applicationId=neighbour.meter").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?applicationId=%00",
        "?applicationId=A",
        f"?applicationId={METER}&at=yesterday",
        f"?applicationId={METER}&compareWith=",
        f"?applicationId={METER}&limit=501",
        f"?applicationId={METER}&cursor=x",
    ],
)
def test_malformed(desk: Asker, query: str) -> None:
    assert desk.get(f"access-review{query}").status_code == 400
