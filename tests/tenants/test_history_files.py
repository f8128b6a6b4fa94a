"""The record as files and as pages, and how its rows are found."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from iam_portal.walls import cross_tenant, tenant_scope
from tenants import questions
from tenants.actions import anchors, chain, verification
from tests.applications.story import Party
from tests.tenants.test_history_doors import FORMULA, acme, body, both, call, items, note

__all__ = ["acme", "both"]  # the same organizations, made anew for this module


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
        with cross_tenant():  # as the job
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
    ("path", "count"), [("history", 8), ("history?search=x", 8), ("history/chain", 11), ("history/{}", 10)]
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


# --- pages --------------------------------------------------------------------------------------------


def text_of(reply: Any) -> str:
    assert reply.status_code == 200, reply.status_code
    return re.sub(r"\s+", " ", reply.content.decode())


def test_the_page_of_a_row_shows_what_it_changed(acme: Party) -> None:
    note(acme, "x.changed", name="Pump", before={"a": 1, "roles": ["r"]}, after={"a": 1, "roles": ["r", "s"]})
    path = f"activity/{items(acme)[0]['id']}"
    shown = text_of(acme.get(path))
    for said in ("x.changed", "Pump", "192.0.2.7", "request-77", "thing:7", "unchanged", "+ s"):
        assert said in shown
    assert "linked within some seconds" in shown
    while chain.lay(tenant_id=acme.tenant.id):
        pass
    assert "Not yet, since it was linked" in text_of(acme.get(path))
    verification.check(tenant_id=acme.tenant.id, at=datetime.now(UTC))
    assert "Confirmed" in text_of(acme.get(path))
    assert "was altered, removed or slipped in" in text_of(acme.get("activity"))
    assert acme.get(f"activity/{uuid4()}").status_code == 404


def test_markup_in_what_was_recorded_is_text(acme: Party) -> None:
    evil = "<script>alert(1)</script>"
    note(acme, "x.changed", name=evil, before={evil: [evil]}, after={evil: [{"x": evil}]})
    for path in ("activity", f"activity/{items(acme)[0]['id']}"):
        assert evil not in text_of(acme.get(path))


def test_the_list_the_filters_and_their_file_agree(acme: Party) -> None:
    for number in range(30):
        note(acme, "x.done" if number % 2 else "x.undone", name=f"Pump {number}")
    query = {"action": "x.done", "object": "pump", "request": "request-77", "actor": f"user:{acme.user.id}"}
    page = acme.get("activity", **query)
    assert [row["line"].subject for row in page.context["rows"]][:2] == ["Pump 29", "Pump 27"]
    assert len(page.context["rows"]) == 15
    urls = [item["url"] for item in page.context["page"]["more"]]
    table, lines = (body(acme.client.get(url)) for url in urls)
    assert [row["subjectName"] for row in csv.DictReader(io.StringIO(table))][:2] == ["Pump 29", "Pump 27"]
    assert json.loads(lines.splitlines()[-1]) == {"complete": True, "rows": 15}
    assert acme.get("activity", action="x.*").context["paging"]["next_url"]
    wrong = acme.get("activity", action="DROP TABLE", object="\0", since="never")
    assert wrong.status_code == 200
