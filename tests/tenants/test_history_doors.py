"""The record by REST, with a neighbour who has the same names: pages, files, one row, its chain."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history, questions
from tenants.actions import anchors, chain, verification
from tenants.models import HistoryEvent
from tests.applications.story import Party, party, person, share
from tests.support import factories
from tests.support.once import made_once, savepoint

ADDRESS = "/iam/access-management/v1/tenants/{}/{}"
FORMULA = '=HYPERLINK("https://evil.example")'


@pytest.fixture(scope="module")
def both(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Party]]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        made = {slug: party(slug) for slug in ("acme", "neighbour")}
        for each in made.values():
            factories.make_user(each.tenant, "joe", at=each.tenant.created_at)
        yield made


@pytest.fixture
def acme(both: dict[str, Party], django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield both["acme"].fork()


@pytest.fixture
def neighbour(acme: Party, both: dict[str, Party]) -> Party:
    return both["neighbour"].fork()


def call(party: Party, path: str = "history", by: Any = None, **headers: str) -> Any:
    address, _, query = ADDRESS.format(party.tenant.id, path).partition("?")
    return (by or party.client).generic("GET", address, headers=headers, QUERY_STRING=query)


def items(party: Party, query: str = "") -> list[dict[str, Any]]:
    reply = call(party, f"history?{query}")
    assert reply.status_code == 200, reply.content
    found: list[dict[str, Any]] = reply.json()["items"]
    return found


def actions(party: Party, query: str = "") -> list[str]:
    return [item["action"] for item in items(party, query)]


def note(party: Party, action: str = "x.done", name: str = "x", **more: Any) -> None:
    by = Actor("user", str(party.user.id), str(party.user), party.tenant.id, "request-77", "192.0.2.7")
    told = {"by": by, "at": datetime.now(UTC), "subject": ("thing", "7", name), **more}
    with transaction.atomic():
        history.record(action=action, tenants=[party.tenant], **told)


def body(reply: Any) -> str:
    return b"".join(reply.streaming_content).decode()


def test_a_row_says_who_did_what_from_where_and_what_it_was_before(acme: Party) -> None:
    address = ADDRESS.format(acme.tenant.id, f"users/{acme.user.id}")
    headers = {"X-Request-Id": "request-of-test"}
    acme.client.patch(address, {"displayName": "Janet"}, content_type="application/json", headers=headers)
    (found,) = items(acme, "requestId=request-of-test")
    assert found["action"] == "user.changed"
    assert found["actor"] == {"type": "user", "id": str(acme.user.id), "name": "Jane"}
    assert (found["subject"]["type"], found["subject"]["name"]) == ("user", "Janet")
    assert (found["sourceAddress"], found["requestId"]) == ("127.0.0.1", "request-of-test")
    assert (found["before"]["revision"], found["after"]["revision"]) == ("r-1", "r-2")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=x.done", 2),
        ("action=x.*", 3),
        ("action=x.undone,user.created", 3),
        ("action=x.done&subjectId=8", 1),
        ("subject=thing:7", 2),
        ("subjectType=thing", 3),
        ("subjectId=8", 1),
        ("subjectId=9", 0),
        ("requestId=request-77", 3),
        ("requestId=request-77&until=2020-06-01T00:00:00Z", 1),
        ("from=2020-06-01T00:00:00Z&action=x.*", 2),
        ("from=2020-01-02T03:04:05Z&until=2020-01-02T03:04:06Z", 1),
        ("search=RED", 2),
        ("search=red%20k", 1),
        ("search=Jane&action=x.*", 3),
        ("search=%25", 0),
    ],
)
def test_filters(acme: Party, neighbour: Party, query: str, count: int) -> None:
    for each in (acme, neighbour):
        note(each, name="Red Kettle")
        note(each, name="red", subject=("thing", "8", "red"), at=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC))
        note(each, "x.undone")
    assert len(actions(acme, query)) == count


def test_by_who_did_it(acme: Party) -> None:
    note(acme)
    assert actions(acme, f"actor={acme.user.id}&action=x.*") == ["x.done"]
    assert actions(acme, "actor=tests&action=x.*") == []


def test_pages_hold_each_row_once_whatever_comes_meanwhile(acme: Party) -> None:
    for number in range(7):
        note(acme, name=str(number), at=datetime.now(UTC) - timedelta(days=number))
    whole = [item["id"] for item in items(acme, "limit=500")]
    path, seen = "history?limit=3", []
    while path:
        page = call(acme, path).json()
        seen += [item["id"] for item in page["items"]]
        note(acme, "x.later")
        path = f"history?{page['next'].partition('?')[2]}" if page["next"] else ""
    assert seen == whole


def test_the_numbers_of_rows_are_told_to_nobody(acme: Party) -> None:
    note(acme)
    with tenant_scope(acme.tenant.id):
        number = HistoryEvent.objects.latest("id").id
    page = call(acme, "history?limit=1")
    cursor = parse_qs(urlsplit(page.json()["next"]).query)["cursor"][0]
    told = page.content.decode() + base64.urlsafe_b64decode(cursor + "==").decode()
    assert re.search(rf"\b{number}\b", told) is None


@pytest.mark.parametrize(
    "query",
    [
        "action=x",
        "action=*",
        "action=x.done,",
        "action=" + ",".join(["x.done"] * 21),
        "action=%00",
        "actor=%00",
        "actor=" + "x" * 121,
        "subject=thing",
        "subject=:7",
        "from=yesterday",
        "until=2020-01-01",
        "limit=0",
        "limit=501",
        "cursor=x",
        "cursor=W10",
        "cursor=WyJ4Il0",
        "cursor=WzFd",
        "format=csv&limit=5",
        "format=ndjson&cursor=x",
        "format=csv&action=x",
    ],
)
def test_what_cannot_be_asked(acme: Party, query: str) -> None:
    reply = call(acme, f"history?{query}")
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")
    assert "x" * 121 not in reply.content.decode()


def test_each_side_finds_its_own_row_and_no_address_of_the_other(acme: Party, neighbour: Party) -> None:
    factories.make_partners(acme.tenant, neighbour.tenant, at=datetime.now(UTC))
    made = share(acme, neighbour, acme.applications["planner"])
    rows = {each.tenant.slug: items(each, f"subject=contract:{made.id}") for each in (acme, neighbour)}
    assert [row["action"] for row in rows["neighbour"]] == ["contract.accepted", "contract.proposed"]
    assert [row["action"] for row in rows["acme"]] == [
        *(row["action"] for row in rows["neighbour"]),
        "contract.drafted",
    ]
    assert not {row["id"] for row in rows["acme"]} & {row["id"] for row in rows["neighbour"]}
    for row in rows["acme"]:
        assert call(acme, f"history/{row['id']}").status_code == 200
        foreign, unknown = call(neighbour, f"history/{row['id']}"), call(neighbour, f"history/{uuid4()}")
        assert foreign.status_code == unknown.status_code == 404
        assert {**foreign.json(), "instance": ""} == {**unknown.json(), "instance": ""}
    cursor = call(acme, "history?limit=1").json()["next"].partition("?")[2]
    assert call(neighbour, f"history?{cursor}").status_code == 400


def test_who_may_read(acme: Party) -> None:
    for role, status in (("activity-log-reader", 200), ("reviewer", 200), ("access-manager", 403)):
        visitor = person(acme, role, role)
        for path in ("history", "history/chain", "history?format=csv", "history?format=ndjson"):
            assert call(acme, path, by=visitor).status_code == status, (role, path)


def test_the_chain_of_a_row(acme: Party) -> None:
    note(acme)
    path = f"history/{items(acme, 'action=x.done')[0]['id']}"
    assert call(acme, path).json()["chain"] == {"state": "waiting", "position": None, "hash": None}
    waiting = call(acme, "history/chain").json()
    assert waiting["waiting"] == len(items(acme)) > 3
    assert (waiting["position"], waiting["hash"], waiting["verification"]) == (0, None, None)
    assert waiting["waitingSince"] == items(acme)[-1]["at"]
    while chain.lay(tenant_id=acme.tenant.id):
        pass
    found = call(acme, path).json()["chain"]
    assert (found["state"], found["position"], len(found["hash"])) == ("chained", waiting["waiting"], 64)
    at = datetime.now(UTC)
    verification.check(tenant_id=acme.tenant.id, at=at)
    assert call(acme, path).json()["chain"] == {**found, "state": "verified"}
    state = call(acme, "history/chain").json()
    assert (state["waiting"], state["waitingSince"], state["anchor"]) == (0, None, None)
    assert (state["position"], state["hash"]) == (found["position"], found["hash"])
    walk = state["verification"]
    assert (walk["whole"], walk["position"], walk["why"], walk["brokenAt"]) == (
        True,
        found["position"],
        None,
        None,
    )


def test_a_broken_chain_is_told(acme: Party) -> None:
    while chain.lay(tenant_id=acme.tenant.id):
        pass
    with tenant_scope(acme.tenant.id):
        last = HistoryEvent.objects.latest("id")
        HistoryEvent.objects.create(
            **{
                field.attname: getattr(last, field.attname)
                for field in last._meta.fields
                if field.attname not in ("id", "reference")
            }
        )
    verification.check(tenant_id=acme.tenant.id, at=datetime.now(UTC))
    walk = call(acme, "history/chain").json()["verification"]
    assert (walk["whole"], walk["why"]) == (False, "the row stands outside the chain")


# --- files --------------------------------------------------------------------------------------------


def test_files_hold_what_pages_hold(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "BATCH", 2)
    for number in range(5):
        note(acme, name=f"{FORMULA}{number}", before={"state": "a"}, after={"state": "b"})
    for query in ("", "action=x.*", "action=nothing.*"):
        shown = items(acme, f"limit=500&{query}")
        reply = call(acme, f"history?{query}", Accept="application/x-ndjson")
        assert reply["Content-Type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in body(reply).splitlines()]
        assert lines == [*shown, {"complete": True, "rows": len(shown)}]
        reply = call(acme, f"history?{query}", Accept="text/csv")
        assert reply["Content-Type"] == "text/csv; charset=utf-8"
        assert reply["Content-Disposition"] == 'attachment; filename="history-acme.csv"'
        table = list(csv.DictReader(io.StringIO(body(reply))))
        assert [row["id"] for row in table] == [item["id"] for item in shown]
        assert [row["at"] for row in table] == [item["at"] for item in shown]
    row = next(csv.DictReader(io.StringIO(body(call(acme, "history?action=x.*&format=csv")))))
    assert row["subjectName"] == f"'{FORMULA}4"
    assert (json.loads(row["before"]), json.loads(row["after"])) == ({"state": "a"}, {"state": "b"})


def test_a_file_that_retention_overtakes_breaks(acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "BATCH", 2)
    for ending in ("csv", "ndjson"):
        reply = iter(call(acme, f"history?format={ending}").streaming_content)
        for _ in range(3):
            next(reply)
        with tenant_scope(acme.tenant.id):
            made = anchors.make(
                tenant_id=acme.tenant.id,
                month=datetime.now(UTC).date(),
                links=[(len(ending), "")],
                at=datetime.now(UTC),
            )
            made.save()
        with pytest.raises(questions.ExportOvertaken):
            list(reply)


# --- how it is found ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "count"), [("history", 13), ("history?search=x", 13), ("history/chain", 16), ("history/{}", 15)]
)
def test_the_query_count_is_fixed(acme: Party, path: str, count: int, django_assert_num_queries: Any) -> None:
    for _ in range(20):
        note(acme)
    address = path.format(items(acme)[0]["id"])
    with django_assert_num_queries(count):
        assert call(acme, address).status_code == 200


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (questions.Asked(), "tenant_id_id"),
        (questions.Asked(actor_id="x"), "actor_id_id"),
        (questions.Asked(actions=("x.done",)), "action_id"),
        (questions.Asked(request_id="x"), "request_id_id"),
        (questions.Asked(subject_id="x"), "subject_id_id"),
        (questions.Asked(subject_id="x", subject_kind="y"), "subject_id_id"),
        (questions.Asked(since=datetime(2020, 1, 1, tzinfo=UTC)), "tenant_id_id"),
    ],
)
def test_a_page_is_read_from_an_index_in_its_order(acme: Party, asked: questions.Asked, index: str) -> None:
    """No partition is read as a whole, and nothing is sorted: a page costs the same in a long history."""
    with tenant_scope(acme.tenant.id), connection.cursor() as cursor:
        for way in ("seqscan", "sort", "bitmapscan"):  # small tables: the planner would not bother
            cursor.execute(f"SET LOCAL enable_{way} = off")
        rows = asked.rows(acme.tenant).order_by("-id")[:51]
        plan = json.loads(rows.explain(format="json"))[0]["Plan"]
    nodes = list(nodes_of(plan))
    kinds = {node["Node Type"] for node in nodes}
    assert not kinds & {"Sort", "Incremental Sort", "Seq Scan"}, kinds
    used = [node["Index Name"] for node in nodes if "Index Name" in node]
    assert any(index in name for name in used), used


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)
