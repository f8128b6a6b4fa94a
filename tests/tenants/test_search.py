"""The search finds what its person may read, by name or by an id out of a log, and nothing else."""

import json
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from accesscontrol.models import Assignment
from applications.models import Contract
from iam_portal.walls import tenant_scope
from tenants.http.searching import Pasted
from tenants.models import HistoryEvent, User
from tests.applications.sides import Side, make_side
from tests.support.changing import Stage, make_stage
from tests.support.factories import make_group, make_user
from tests.support.knocking import Knocker, browser, person
from tests.support.once import made_once, savepoint


@dataclass
class Office:
    """An organization with one of each, a reader of some kinds, and one who holds nothing of it."""

    stage: Stage
    neighbour: Side
    plain: Knocker
    reader: Knocker

    def ask(self, text: str, *, by: Knocker | None = None, typing: bool = False) -> HttpResponse:
        who = by or self.stage.mine.person
        headers = {**who.headers, **({"HX-Request": "true"} if typing else {})}
        return Knocker(headers, who.cookies).knock(
            "GET", f"/t/{self.stage.mine.tenant.slug}/search", query=urlencode({"q": text})
        )

    def found(self, text: str, *, by: Knocker | None = None) -> dict[str, list[str]]:
        """What is shown, by kind."""
        reply = self.ask(text, by=by)
        assert reply.status_code == 200, reply
        return {group["key"]: [hit.text for hit in group["hits"]] for group in reply.context["groups"]}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Office]:
    with made_once(django_db_blocker):
        stage = make_stage()
        mine = stage.mine
        make_user(mine.tenant, "wilhelmina", at=stage.at)
        make_group(mine.tenant, "Night shift", at=stage.at)
        stage.accepted()
        neighbour = make_side("neighbour")
        make_user(neighbour.tenant, "wilfried", at=stage.at)
        make_group(neighbour.tenant, "Nightingale", at=stage.at)
        plain = browser(mine.tenant, person(mine.tenant, "petra", "user")[1])
        reader = browser(mine.tenant, person(mine.tenant, "rosa", "user", "module-manager")[1])
        yield Office(stage, neighbour, plain, reader)


@pytest.fixture
def office(made: Office, django_db_blocker: DjangoDbBlocker) -> Iterator[Office]:
    with savepoint(django_db_blocker):
        yield made


# --- by name ------------------------------------------------------------------------------------------


def test_each_kind_by_a_part_of_its_name(office: Office) -> None:
    assert office.found("helmin") == {"users": ["Wilhelmina"]}
    assert office.found("WILHELMINA@example.org") == {"users": ["Wilhelmina"]}
    assert office.found("night") == {"groups": ["Night shift"], "roles": ["Night shift"]}
    found = office.found("meter")
    assert found["applications"] == ["Meter"]
    assert any("Meter" in text for text in found["contracts"])
    assert "Acme-partner" in office.found("partner")["partners"]
    assert "viewer" in office.found("viewer")["roles"]


def test_nothing_of_a_neighbour_and_nothing_by_a_wildcard(office: Office) -> None:
    assert office.found("wilfried") == office.found("Nightingale") == office.found("neighbour") == {}
    for sign in ("%", "_", "\\", "%%", "wil%", "w_lhelmina", "\0"):
        assert office.found(sign).get("users", []) == [], sign


def test_at_most_ten_of_a_kind_and_the_way_to_all(office: Office) -> None:
    for number in range(12):
        make_user(office.stage.mine.tenant, f"many{number:02}", at=office.stage.at)
    reply = office.ask("many")
    (group,) = reply.context["groups"]
    assert len(group["hits"]) == 10
    assert group["all"] == {"label": "All 12 of them", "url": "/t/acme/users?q=many"}


def test_of_many_contracts_it_says_that_they_are_more(office: Office) -> None:
    mine, partner, at = office.stage.mine.tenant, office.stage.mine.partner, office.stage.at
    ways = [("provider", mine, partner, None)] * 98 + [("consumer", partner, mine, at)] * 2
    rows = [
        Contract(
            provider=provider,
            consumer=consumer,
            type="provision",
            note=f"Harvest {side}",
            created_at=at,
            proposed_at=proposed,
            state="proposed" if proposed else "draft",
        )
        for side, provider, consumer, proposed in ways
    ]
    for more, told in ((rows, "All 100 of them"), ([copy(rows[0])], "More than 100 of them")):
        for row in more:
            row.pk = uuid4()
        Contract.objects.bulk_create(more)
        (group,) = office.ask("harvest").context["groups"]
        assert (len(group["hits"]), group["all"]["label"]) == (10, told)
    (group,) = office.ask("harvest consumer").context["groups"]
    assert len(group["hits"]) == 2 and "all" not in group


@pytest.mark.parametrize(
    ("page", "name"), [("users", "Wilhelmina"), ("partners", "Acme-partner"), ("applications", "Meter")]
)
def test_the_list_that_it_leads_to_finds_the_same(office: Office, page: str, name: str) -> None:
    query = urlencode({"q": name[:6].lower()})
    shown = office.stage.mine.person.knock("GET", f"/t/acme/{page}", query=query)
    assert shown.status_code == 200
    assert name in shown.content.decode()


def test_those_that_begin_with_it_stand_first(office: Office) -> None:
    for name in ("aaa-night", "zzz", "night-z"):
        make_group(office.stage.mine.tenant, name, at=office.stage.at)
    assert office.found("night")["groups"] == ["Night shift", "night-z", "aaa-night"]


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 5_000, "<script>alert(1)</script>", "\u202eשלום 🦊", "'; --"]
)
def test_anything_may_be_typed(office: Office, text: str) -> None:
    for typing in (False, True):
        reply = office.ask(text, typing=typing)
        assert reply.status_code == 200
        assert "<script>alert" not in reply.content.decode()


# --- who may read what --------------------------------------------------------------------------------


def test_only_kinds_that_one_may_read(office: Office) -> None:
    user = office.stage.somebody()
    for who in (office.plain, office.reader):
        for text in ("kim", "night", "partner", str(user.pk)):
            assert set(office.found(text, by=who)) <= {"applications"}, text
    assert office.found("meter", by=office.plain) == {}
    assert office.found("meter", by=office.reader) == {"applications": ["Meter"]}
    assert "Users" not in office.ask("x", by=office.reader).context["kinds"]


def test_a_foreign_id_is_like_an_unknown_one(office: Office) -> None:
    """The same page, by the same statements."""
    there = office.neighbour
    with tenant_scope(there.tenant.id):
        person_there = User.objects.filter(tenant=there.tenant)[0].pk
        event = HistoryEvent.objects.filter(tenant=there.tenant)[0]
        role = Assignment.objects.filter(tenant=there.tenant)[0].pk
    foreign = [person_there, event.reference, role, there.tenant.pk, there.partnership.pk]
    pages = set()
    for value in (*foreign, uuid4()):
        with CaptureQueriesContext(connection) as asked:
            reply = office.ask(str(value))
        assert reply.status_code == 200
        pages.add((reply.content.decode().count(str(value)), len(reply.context["groups"]), len(asked)))
    assert len(pages) == 1, pages
    assert office.found(there.application.id) == {}
    assert office.found(f"urn:iam:tenant-role:{there.tenant.pk}:anything") == {}


def test_outsiders_and_strangers(office: Office) -> None:
    """A session of a neighbour opens no search here."""
    there = office.neighbour.person
    assert there.knock("GET", "/t/acme/search", query="q=meter").status_code == 302
    assert Knocker().knock("GET", "/t/acme/search", query="q=meter").status_code == 302


# --- ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    ["{}", "  {} ", '"{}"', "'{}',", '"userId": "{}",', "user_id={}", "user:{}", "(`{}`).", "sub={} at=…"],
)
def test_an_id_leads_to_its_page_whatever_stands_around_it(office: Office, around: str) -> None:
    user = office.stage.mine.user
    reply = office.ask(around.format(user.pk))
    assert (reply.status_code, reply["Location"]) == (302, f"/t/acme/users/{user.pk}")
    assert office.ask(around.format(str(user.pk).upper()))["Location"].endswith(str(user.pk))


def test_each_thing_by_its_id(office: Office) -> None:
    stage, known = office.stage, office.stage.mine.known()
    contract = stage.accepted()
    group = make_group(stage.mine.tenant, "By id", at=stage.at)
    cases: dict[Any, str] = {
        contract.pk: f"contracts/{contract.pk}",
        group.pk: f"groups/{group.pk}",
        stage.mine.partner.pk: f"partners/{stage.mine.partnership.pk}",
        stage.mine.partnership.pk: f"partners/{stage.mine.partnership.pk}",
        "acme.meter": "applications/acme.meter",
        "acme.meter-frontend": "applications/acme.meter",
        "aud:acme.meter": "applications/acme.meter",
        "urn:iam:application:acme.meter": "applications/acme.meter",
        f"urn:iam:application-role:{uuid4()}:acme.meter:viewer": (
            "assignments?application=acme.meter&q=viewer"
        ),
        known["webhook_id"]: f"webhooks/{known['webhook_id']}",
    }
    for text, page in cases.items():
        reply = office.ask(str(text))
        assert (reply.status_code, reply.headers.get("Location")) == (302, f"/t/acme/{page}"), text


def test_a_request_of_a_log_line_leads_to_what_it_did(office: Office) -> None:
    line = json.dumps({"event": "request", "request_id": "abc.def-12345"})
    assert office.found("abc.def-12345") == {}
    with tenant_scope(office.stage.mine.tenant.id):
        event = HistoryEvent.objects.filter(tenant=office.stage.mine.tenant).latest("id")
        copied = {
            field.attname: getattr(event, field.attname)
            for field in event._meta.concrete_fields
            if field.name not in ("id", "reference", "request_id")
        }
        HistoryEvent.objects.create(**copied, request_id="abc.def-12345")
    for text in ("abc.def-12345", 'request_id="abc.def-12345"', line[line.index('"request_id"') :]):
        assert office.ask(text)["Location"] == "/t/acme/activity?request=abc.def-12345", text
    assert office.found("abc.def-12345", by=office.reader) == {}


def test_while_one_types_an_id_nothing_leads_away(office: Office) -> None:
    reply = office.ask(str(office.stage.mine.user.pk), typing=True)
    assert reply.status_code == 200
    page = reply.content.decode()
    assert "<html" not in page
    assert page.count('role="option"') == 1


def test_what_is_pasted() -> None:
    some = uuid4()
    assert Pasted.of(some.hex).uuid == some
    assert Pasted.of(f"urn:iam:tenant-role:{some}:night").urn == ("tenant-role", (str(some), "night"))
    assert Pasted.of(f"urn:iam:tenant-role:{some}:night").uuid is None
    assert Pasted.of('"clientId": "acme.meter-frontend",').word == "acme.meter-frontend"
    assert Pasted.of("two words").word == ""
    assert Pasted.of(f"{some}0").uuid is None


# --- what it costs ------------------------------------------------------------------------------------


def test_a_fixed_number_of_queries(office: Office) -> None:
    counts = []
    for more in range(2):
        with CaptureQueriesContext(connection) as asked:
            office.ask("a")
        counts.append(len(asked))
        for number in range(5 * (1 - more)):
            make_user(office.stage.mine.tenant, f"again{number}", at=office.stage.at)
            make_group(office.stage.mine.tenant, f"again{number}", at=office.stage.at)
            office.stage.accepted()
    assert counts[0] == counts[1]
    assert counts[1] <= 30
