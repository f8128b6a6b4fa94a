"""Members for a span: planned, given another end, taken back; nobody gains by a plan what he may not have."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.decision import rfc3339
from iam_portal.walls import tenant_scope
from tenants.models import Group, HistoryEvent, Membership, User
from tests.applications.story import Party, party, person
from tests.support import factories
from tests.support.administering import call, refused
from tests.support.knocking import give
from tests.support.once import made_once, savepoint

DAY = timedelta(days=1)
READ_AT = timezone.now().replace(microsecond=0)


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Party]:
    settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))
    with made_once(django_db_blocker):
        acme = party("acme")
        factories.make_user(acme.tenant, "joe", at=timezone.now())
        factories.make_group(acme.tenant, "Night", at=timezone.now())
        yield acme


@pytest.fixture
def acme(made: Party, django_db_blocker: DjangoDbBlocker) -> Iterator[Party]:
    with savepoint(django_db_blocker):
        yield made.fork()


def joe(party: Party) -> User:
    with tenant_scope(party.tenant.id):
        return party.tenant.users.get(username="joe")


def night(party: Party) -> Group:
    with tenant_scope(party.tenant.id):
        return Group.objects.get(tenant=party.tenant, name="Night")


def members(party: Party) -> str:
    return f"groups/{night(party).id}/members"


def spans(party: Party, query: str = "") -> list[tuple[str | None, str | None]]:
    rows = call(party, "GET", f"{members(party)}{query}").json()["items"]
    return [(row["from"], row["until"]) for row in rows]


def last(party: Party) -> HistoryEvent:
    with tenant_scope(party.tenant.id):
        return HistoryEvent.objects.filter(tenant=party.tenant).latest("id")


def soon(days: int) -> datetime:
    """Of one day, the same whenever it is asked: the clock goes on within a test."""
    return READ_AT + days * DAY


def test_a_plan_is_listed_where_it_is_asked_for_and_counts_when_it_begins(acme: Party) -> None:
    start, end = soon(2), soon(5)
    body = {"from": rfc3339(start), "until": rfc3339(end)}
    first = call(acme, "PUT", f"{members(acme)}/{joe(acme).id}", body)
    assert (first.status_code, first.json()["from"], first.json()["until"]) == (201, *body.values())
    assert (last(acme).action, last(acme).after["from"]) == ("group.member_planned", body["from"])
    again = call(acme, "PUT", f"{members(acme)}/{joe(acme).id}", body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (spans(acme), spans(acme, "?planned=true")) == ([], [tuple(body.values())])
    assert spans(acme, f"?at={rfc3339(start)}") == [tuple(body.values())]
    assert spans(acme, f"?at={rfc3339(end)}") == []
    mine = call(acme, "GET", f"users/{joe(acme).id}/groups?planned=true").json()["items"]
    assert [(row["name"], row["from"]) for row in mine] == [("Night", body["from"])]
    refused(call(acme, "GET", f"{members(acme)}?planned=maybe"), 400, "invalid")


def test_the_end_moves_and_no_two_overlap(acme: Party) -> None:
    path = f"{members(acme)}/{joe(acme).id}"
    until = rfc3339(soon(3))
    assert call(acme, "PUT", path, {"until": until}).status_code == 201
    ((began, _),) = spans(acme)
    later = {"from": rfc3339(soon(5)), "until": None}
    assert call(acme, "PUT", path, later).status_code == 201
    refused(call(acme, "PUT", path, {"until": rfc3339(soon(6))}), 409, "member_already")
    refused(call(acme, "PUT", path, {"from": rfc3339(soon(2))}), 409, "member_already")
    moved = call(acme, "PUT", path, {"from": began, "until": rfc3339(soon(4))})
    assert (moved.status_code, moved.json()["from"]) == (200, began)
    assert (last(acme).action, last(acme).before) == ("group.member_changed", {"until": until})
    assert call(acme, "PUT", path, {**later, "until": rfc3339(soon(9))}).status_code == 200
    assert [row[1] for row in spans(acme, "?planned=true")] == [rfc3339(soon(4)), rfc3339(soon(9))]
    assert call(acme, "DELETE", f"{path}?from={later['from']}").status_code == 204
    assert len(spans(acme, "?planned=true")) == 1
    assert call(acme, "DELETE", path).status_code == 204
    assert spans(acme, "?planned=true") == []
    refused(call(acme, "DELETE", f"{path}?from={later['from']}"), 409, "not_a_member")


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2020-01-01T00:00:00Z"},
        {"until": "2020-01-01T00:00:00Z"},
        {"from": "2099-01-02T00:00:00Z", "until": "2099-01-01T00:00:00Z"},
        {"from": "tomorrow"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"until": 7},
        {"since": None},
        [],
    ],
)
def test_no_span_begins_before_its_own_moment(acme: Party, body: Any) -> None:
    """Nor where somebody is a member already."""
    path = f"{members(acme)}/{joe(acme).id}"
    refused(call(acme, "PUT", path, body), 400, "invalid")
    assert call(acme, "PUT", path).status_code == 201
    refused(call(acme, "PUT", path, body), 400, "invalid")
    assert [row[1] for row in spans(acme, "?planned=true")] == [None]


def test_two_spans_of_one_person_stand_on_two_pages(acme: Party) -> None:
    path = f"{members(acme)}/{joe(acme).id}"
    for start, end in ((0, 1), (2, 3), (4, 5)):
        body = {"until": rfc3339(soon(end))} | ({"from": rfc3339(soon(start))} if start else {})
        assert call(acme, "PUT", path, body).status_code == 201
    found, following = [], f"{members(acme)}?planned=true&limit=1"
    while following:
        page = call(acme, "GET", following).json()
        found += [row["until"] for row in page["items"]]
        following = page["next"] and f"{members(acme)}?" + page["next"].partition("?")[2]
    assert found == [rfc3339(soon(end)) for end in (1, 3, 5)]
    for cursor in ("WyJqb2UiXQ", "WyJqb2UiLCJ4Il0"):  # of the former kind; not a moment
        refused(call(acme, "GET", f"{members(acme)}?cursor={cursor}"), 400, "invalid")


def test_nobody_gains_by_a_plan(acme: Party) -> None:
    """What he may not give now he may not plan, prolong or shorten, and each try is recorded."""
    weak = person(acme, "lee", "access-manager")
    with tenant_scope(acme.tenant.id):
        lee = acme.tenant.users.get(username="lee").id
    until = {"until": rfc3339(soon(3))}
    assert call(acme, "PUT", f"{members(acme)}/{joe(acme).id}", until).status_code == 201
    give(acme.tenant, "organization-manager", group_id=night(acme).id)
    tries = [
        ("PUT", f"{members(acme)}/{lee}", {"from": rfc3339(soon(2))}),
        ("PUT", f"{members(acme)}/{joe(acme).id}", {"until": None}),
        ("PUT", f"{members(acme)}/{joe(acme).id}", {"until": rfc3339(soon(1))}),
        ("DELETE", f"{members(acme)}/{joe(acme).id}", None),
    ]
    for number, (method, path, body) in enumerate(tries, 1):
        refused(call(acme, method, path, body, by=weak), 403, "forbidden")
        with tenant_scope(acme.tenant.id):
            rows = HistoryEvent.objects.filter(tenant=acme.tenant, action="grant.refused")
            assert rows.count() == number
    assert spans(acme, "?planned=true") == [(spans(acme)[0][0], until["until"])]


def test_who_joins_a_strong_group_tomorrow_is_strong_today(acme: Party) -> None:
    """Nobody takes his mailbox or his password in the meantime, or sends him away for good."""
    weak = person(acme, "lee", "access-manager")
    give(acme.tenant, "organization-manager", group_id=night(acme).id)
    path = f"{members(acme)}/{joe(acme).id}"
    assert call(acme, "PUT", path, {"from": rfc3339(soon(2))}).status_code == 201
    person_path = f"users/{joe(acme).id}"
    for method, address, body in (
        ("PATCH", person_path, {"email": "lee@evil.example"}),
        ("POST", f"{person_path}/reset-password", None),
        ("DELETE", person_path, None),
    ):
        refused(call(acme, method, address, body, by=weak), 403, "forbidden")


def test_the_last_administrator_gets_no_end(acme: Party) -> None:
    path = f"{members(acme)}/{acme.user.id}"
    assert call(acme, "PUT", path).status_code == 201
    give(acme.tenant, "access-manager", group_id=night(acme).id)
    rows = call(acme, "GET", "assignments?limit=500").json()["items"]
    for row in rows:
        if (
            row["principal"].get("userId") == str(acme.user.id)
            and row["role"]["key"] != "organization-manager"
        ):
            call(acme, "DELETE", f"assignments/{row['assignmentId']}")
    refused(call(acme, "PUT", path, {"until": rfc3339(soon(3))}), 409, "last_administrator")
    give(acme.tenant, "access-manager", user_id=joe(acme).id)
    assert call(acme, "PUT", path, {"until": rfc3339(soon(3))}).status_code == 200


def test_on_the_page_of_a_group(acme: Party) -> None:
    page, start = f"groups/{night(acme).id}", timezone.localtime(soon(2)).replace(second=0)
    typed = f"{start:%Y-%m-%dT%H:%M}"
    assert acme.post(page, user="joe", starts_at=typed, ends_at="").status_code == 302
    text = acme.get(page).content.decode()
    assert "Joe will be a member." in text
    assert "planned" in text
    assert "0 members" in text
    wrong = acme.post(page, user="jane", starts_at="2020-01-01T00:00", ends_at="")
    assert wrong.context["form"].errors == {"starts_at": ["It cannot begin in the past."]}
    with tenant_scope(acme.tenant.id):
        row = Membership.objects.get()
    query = {"from": row.during.lower.isoformat()}
    change = f"{page}/members/{joe(acme).id}/change"
    assert acme.get(change, **query).status_code == 200
    end = f"{timezone.localtime(soon(4)):%Y-%m-%dT%H:%M}"
    address = f"{acme.url(change)}?from={row.during.lower:%Y-%m-%dT%H:%M:%SZ}"
    too_early = acme.client.post(address, {"ends_at": typed})
    assert "later than it began" in too_early.content.decode()
    assert acme.client.post(address, {"ends_at": end}).status_code == 302
    with tenant_scope(acme.tenant.id):
        row.refresh_from_db()
    assert row.during.upper is not None
    asked = acme.get(f"{page}/members/{joe(acme).id}/remove", **query)
    assert acme.client.post(asked.context["confirm"]["url"]).status_code == 302
    assert spans(acme, "?planned=true") == []
    assert acme.get(change, **query).status_code == 404
    assert acme.get(change, **{"from": "x"}).status_code == 400
