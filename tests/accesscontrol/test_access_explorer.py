"""The access explorer in the console: the review with its chains, and the two simulators."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from applications.actions import pauses
from applications.models import Contract
from tenants.models import User
from tests.applications.story import Party, party, person, share, signed_in
from tests.support import factories
from tests.support.once import made_once, savepoint

PLANNER, OWN = "acme.fleet-planner", "beta.fleet-planner"
TOURS = "urn:fleet:tour/tours"
HOSTILE = [
    "\0",
    "x" * 10_000,
    "<script>alert(1)</script>",
    "\u202egnol",
    "user:nonsense",
    "group:\0",
    "' OR 1=1 --",
]


@dataclass
class Town:
    """Acme shares its planner with beta, where Sam reads by a group and beta's own planner as a service."""

    acme: Party
    beta: Party
    sam: User
    contract: Contract
    at: datetime


@pytest.fixture(scope="module")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Town]:
    with made_once(django_db_blocker):
        acme, beta = party("acme"), party("beta")
        factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
        contract = share(acme, beta, acme.applications["planner"])
        sam = factories.make_user(beta.tenant, "sam", at=timezone.now())
        group = factories.make_group(beta.tenant, "Night shift", members=(sam,), at=timezone.now())
        town = Town(acme, beta, sam, contract, timezone.now())
        give(town, group_id=group.pk)
        give(town, principal_application_id=OWN)
        yield town


@pytest.fixture
def town(told: Town, django_db_blocker: DjangoDbBlocker) -> Iterator[Town]:
    with savepoint(django_db_blocker):
        yield Town(told.acme.fork(), told.beta.fork(), told.sam, told.contract, told.at)


def give(town: Town, role: str = "reader", **principal: Any) -> None:
    wanted = Wanted(role=role, application_id=PLANNER, **principal)
    by = factories.SYSTEM
    assignments.assign(tenant=town.beta.tenant, wanted=wanted, by=by, at=timezone.now())


def rows(reply: Any) -> list[tuple[str, str, str]]:
    return [(row["name"], row["role"], str(row["word"])) for row in reply.context["rows"]]


def local(moment: datetime) -> str:
    """As the control of a browser sends it, to the minute and beyond."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")


def pause(town: Town) -> None:
    owner = town.acme
    pauses.pause(tenant=owner.tenant, contract_id=town.contract.id, by=owner.actor, at=timezone.now())


class TestReview:
    """Who can do what."""

    def test_first_of_which_application(self, town: Town) -> None:
        shown = town.beta.get("access")
        assert [item["note"] for item in shown.context["items"]] == [PLANNER, OWN, "iam-portal"]
        assert "No application matches" in town.beta.get("access", q="nothing").content.decode()
        assert "/t/beta/access" in town.beta.get("").content.decode()

    def test_every_role_with_its_chain(self, town: Town) -> None:
        shown = town.beta.get("access", application=PLANNER)
        assert rows(shown) == [("Sam", "reader", ""), ("Fleet Planner", "reader", "")]
        text = shown.content.decode()
        assert "through the group Night shift, given by" in text
        assert f"/t/beta/contracts/{town.contract.id}" in text
        assert f"{TOURS}: read" in text

    def test_filters(self, town: Town) -> None:
        for query, names in (
            ({"q": "SA"}, ["Sam"]),
            ({"kind": "service"}, ["Fleet Planner"]),
            ({"role": "planner"}, []),
            ({"resource": "tour"}, ["Sam", "Fleet Planner"]),
            ({"resource": "nothing"}, []),
        ):
            shown = town.beta.get("access", application=PLANNER, **query)
            assert [name for name, _role, _word in rows(shown)] == names, query
        assert "Nothing matches" in shown.content.decode()

    def test_another_day_and_the_difference(self, town: Town) -> None:
        now = local(timezone.now())
        town_at = local(town.at)
        assert rows(town.beta.get("access", application=PLANNER, at=town_at)) == []
        gained = town.beta.get("access", application=PLANNER, at=town_at, other=now)
        assert rows(gained) == [("Sam", "reader", "Gained"), ("Fleet Planner", "reader", "Gained")]
        pause(town)
        lost = town.beta.get("access", application=PLANNER, at=now, other=local(timezone.now()))
        assert rows(lost) == [("Sam", "reader", "Lost"), ("Fleet Planner", "reader", "Lost")]
        same = town.beta.get("access", application=PLANNER, at=now, other=now)
        assert "No difference" in same.content.decode()

    def test_nobody_yet(self, town: Town) -> None:
        shown = town.beta.get("access", application=OWN).content.decode()
        assert "Nobody has access" in shown
        assert "/t/beta/assignments/add" in shown

    def test_page_by_page(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(3):
            user = factories.make_user(town.beta.tenant, f"user-{number}", at=timezone.now())
            give(town, user_id=user.pk)
        everything = rows(town.beta.get("access", application=PLANNER))
        monkeypatch.setattr("tenants.http.paging.page_of_list.__kwdefaults__", {"size": 2})
        shown, found = town.beta.get("access", application=PLANNER), []
        while True:
            found += rows(shown)
            if not shown.context["paging"]["next_url"]:
                break
            last, shown = shown, town.beta.client.get(shown.context["paging"]["next_url"])
            back = town.beta.client.get(shown.context["paging"]["previous_url"])
            assert rows(back) == rows(last)
        assert found == everything
        assert len(found) == 5

    def test_as_many_queries_for_many(self, town: Town) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as found:
                town.beta.get("access", application=PLANNER)
            return len(found)

        few = count()
        for number in range(4):
            user = factories.make_user(town.beta.tenant, f"user-{number}", at=timezone.now())
            give(town, user_id=user.pk)
        assert count() == few < 40

    def test_without_reports_one_is_shown_the_way_to_ask(self, town: Town) -> None:
        reader = person(town.beta, "kim", "user-reader")
        shown = reader.get(town.beta.url(f"access?application={PLANNER}"))
        assert (shown.status_code, "rows" in shown.context) == (200, False)
        assert "/t/beta/access/decision" in shown.content.decode()
        reviewer = person(town.beta, "rae", "reviewer").get(town.beta.url(f"access?application={PLANNER}"))
        assert len(rows(reviewer)) == 2
        assert {row["url"] for row in reviewer.context["rows"]} == {""}
        assert f"/contracts/{town.contract.id}" not in reviewer.content.decode()
        assert "access/decision" not in reviewer.content.decode()

    def test_a_strangers_application_is_like_none(self, town: Town) -> None:
        party("gamma")
        for path in ("access", "access/download"):
            for application in ("gamma.fleet-planner", "no.such", *HOSTILE):
                assert town.beta.get(path, application=application).status_code == 404, application
        assert "Gamma" not in town.beta.get("access").content.decode()

    @pytest.mark.parametrize("moment", ["yesterday", "0001-01-01T00:00", "9999-12-31T23:59", "\0"])
    def test_a_moment_that_is_none(self, town: Town, moment: str) -> None:
        for name in ("at", "other"):
            shown = town.beta.get("access", application=PLANNER, **{name: moment})
            assert list(shown.context["form"].errors) == [name]
            assert shown.context["rows"] == []
            assert town.beta.get("access/download", application=PLANNER, **{name: moment}).status_code == 404


class TestDownload:
    """For reviewers."""

    def test_complete_as_csv_and_json(self, town: Town) -> None:
        query = {"application": PLANNER, "q": "sam"}
        table = town.beta.get("access/download", **query)
        assert table["Content-Type"] == "text/csv; charset=utf-8"
        assert table["Content-Disposition"] == f'attachment; filename="access-review-{PLANNER}.csv"'
        heading, *lines = csv.reader(io.StringIO(table.content.decode()))
        assert sorted(line[heading.index("name")] for line in lines) == ["Fleet Planner", "Sam"]
        body = json.loads(town.beta.get("access/download", format="json", **query).content)
        assert (body["applicationId"], len(body["items"])) == (PLANNER, 2)
        other = local(timezone.now())
        compared = town.beta.get(
            "access/download", format="json", application=PLANNER, at=local(town.at), other=other
        )
        assert [item["change"] for item in json.loads(compared.content)["items"]] == ["gained", "gained"]


def ask(party: Party, who: str, resource: str = TOURS, privilege: str = "read", **more: str) -> Any:
    query = {"who": who, "application": PLANNER, "resource": resource, "privilege": privilege, **more}
    return party.get("access/decision", **query)


class TestDecision:
    """May somebody?"""

    def test_yes_with_its_chain(self, town: Town) -> None:
        for who in (
            "sam",
            "Sam",
            town.sam.email,
            str(town.sam.pk),
            f"user:{town.sam.pk}",
            "Night shift",
            OWN,
        ):
            answer = ask(town.beta, who).context["answer"]
            assert (answer["allowed"], answer["needs"]) == (True, []), who
        assert list(ask(town.beta, "sam", application="Fleet Planner").context["form"].errors) == [
            "application"
        ]
        shown = ask(town.beta, "sam", "urn:iam:portal/OwnAccount", application="IAM portal")
        assert shown.context["answer"]["allowed"] is True
        codes = [reason["code"] for reason in ask(town.beta, "sam").context["answer"]["why"]["reasons"]]
        assert codes[-1] == "permission_contained"

    def test_no_and_what_would_have_to_change(self, town: Town) -> None:
        pause(town)
        shown = ask(town.beta, "sam")
        text = shown.content.decode()
        assert shown.context["answer"]["allowed"] is False
        assert "Sam may not read" in text
        assert "What would have to change" in text
        assert f"/t/beta/contracts/{town.contract.id}" in text
        assert ask(town.beta, "sam", at=local(timezone.now() - timedelta(days=1))).context["answer"]["needs"]

    def test_among_several_one_chooses(self, town: Town) -> None:
        for name in ("lee one", "lee two"):
            factories.make_user(town.beta.tenant, name.replace(" ", "-"), at=timezone.now())
        shown = ask(town.beta, "lee-")
        assert shown.context["answer"] is None
        assert len(shown.context["several"]) == 2
        chosen = town.beta.client.get(shown.context["several"][0]["url"])
        assert chosen.context["answer"]["allowed"] is False

    def test_who_only_reads_roles_learns_no_addresses(self, town: Town) -> None:
        permission = ("iam-portal", "urn:iam:portal", "Roles", "read")
        only = tenant_roles.Definition(key="only", name="Only", description="", permissions=[permission])
        tenant, by = town.beta.tenant, factories.SYSTEM
        tenant_roles.define(tenant=tenant, definition=only, by=by, at=timezone.now())
        kim = factories.make_user(tenant, "kim", at=timezone.now())
        wanted = Wanted(role="only", user_id=kim.pk)
        assignments.assign(tenant=tenant, wanted=wanted, by=by, at=timezone.now())
        visitor, asked = signed_in(kim, timezone.now()), "application=iam-portal&privilege=read&who="
        several = visitor.get(town.beta.url(f"access/decision?{asked}m")).context["several"]
        assert {each["note"] for each in several if "=user" in each["url"]} == {""}
        part = visitor.get(town.beta.url(f"access/decision?{asked}@example"))
        assert part.context["several"] == []
        assert "who" in part.context["form"].errors

    def test_resources_are_offered(self, town: Town) -> None:
        shown = town.beta.get("access/decision", application=PLANNER, who="user:x")
        assert 'value="user:x"' in shown.content.decode()
        assert f'<option value="{TOURS}">' in shown.content.decode()
        assert shown.context["form"].errors == {}

    def test_nobody_of_another_organization(self, town: Town) -> None:
        theirs = town.acme.user
        for who in (str(theirs.pk), f"user:{theirs.pk}"):
            assert "who" in ask(town.beta, who).context["form"].errors
        unknown = ask(town.beta, "sam", application="acme.no-such").context["answer"]
        party("gamma")
        foreign = ask(town.beta, "sam", application="gamma.fleet-planner").context["answer"]
        assert unknown["allowed"] is foreign["allowed"] is False
        assert "Gamma" not in str(foreign["why"])

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile(self, town: Town, text: str) -> None:
        for name in ("who", "application", "resource", "privilege", "owner", "at"):
            shown = town.beta.get(
                "access/decision", **{"who": "sam", "resource": TOURS, "privilege": "read", name: text}
            )
            assert shown.status_code == 200
            assert shown.context["answer"] is None
            assert "<script>alert" not in shown.content.decode()

    def test_a_fixed_number_of_queries(self, town: Town) -> None:
        with CaptureQueriesContext(connection) as found:
            ask(town.beta, "sam")
        assert len(found) < 50


class TestToken:
    """What would a token say?"""

    def test_the_claims(self, town: Town) -> None:
        shown = town.beta.get("access/token", client=OWN, grant="client_credentials", target=PLANNER)
        claims = {claim["label"]: claim for claim in shown.context["answer"]["claims"]}
        assert claims["aud"]["codes"] == [PLANNER]
        assert claims["exp"]["at"] > timezone.now()
        assert "jti" not in claims

    def test_the_refusal_with_its_reasons(self, town: Town) -> None:
        pause(town)
        shown = town.beta.get("access/token", client=OWN, grant="client_credentials", target=PLANNER)
        answer = shown.context["answer"]
        assert (answer["granted"], answer["error"]) == (False, "invalid_scope")
        assert "was paused by" in shown.content.decode()

    def test_a_person_belongs_to_the_grants_in_his_name(self, town: Town) -> None:
        for grant, who in (("client_credentials", "sam"), ("authorization_code", "")):
            shown = town.beta.get("access/token", client=OWN, grant=grant, who=who)
            assert list(shown.context["form"].errors) == ["who"]
        shown = town.beta.get("access/token", client=OWN, grant="refresh_token", who="sam")
        assert shown.context["answer"]["granted"] is False

    def test_a_strangers_client_is_like_none(self, town: Town) -> None:
        party("gamma")
        pages = {
            town.beta.get("access/token", client=client, grant="client_credentials")
            .context["form"]
            .errors.as_json()
            for client in ("gamma.fleet-planner", "no.such")
        }
        assert len(pages) == 1

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile(self, town: Town, text: str) -> None:
        for name in ("client", "grant", "target", "who", "scope", "at"):
            asked = {"client": OWN, "grant": "authorization_code", "who": "sam", name: text}
            shown = town.beta.get("access/token", **asked)
            assert shown.status_code == 200
            answer = shown.context["answer"]
            assert answer is None or answer["granted"] is False
            assert "<script>alert" not in shown.content.decode()
