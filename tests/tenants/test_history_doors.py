"""The record by REST, with a neighbour who has the same names: pages, files, one row, its chain."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker

from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import chain, verification
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
