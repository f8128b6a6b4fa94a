"""The access explorer in the console: the review with its chains, and the two simulators."""

import csv
import io
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.actions import assigned, portal
from iam_portal.gate import Actor
from tests.accesscontrol.exploring import HOSTILE, OWN, PLANNER, TOURS, Town, give, local, pause, rows
from tests.applications.story import party, person
from tests.support import factories


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
        assert f'title="{TOURS}">Tours: read' in text

    @pytest.mark.parametrize("name", ["installation", "the Installation", "die Installation"])
    def test_nobody_passes_for_the_installation(self, town: Town, name: str) -> None:
        """By his name: it is told with what he is."""
        by = Actor("user", str(uuid4()), name, town.beta.tenant.id)
        assert assigned.name_of(by) == f"{name} (user)"
        assert assigned.name_of(portal.INSTALLATION) == assigned.INSTALLATION
        assert len(assigned.name_of(replace(by, name=name + "x" * 300))) <= 200

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

    def test_of_many_resources_those_that_were_asked_for_come_first(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("accesscontrol.views.review_rows._MOST", 1)
        whole = town.beta.get("access", application="iam-portal")
        (row, *_others) = [row for row in whole.context["rows"] if row["permissions"]["more"]]
        assert len(row["permissions"]["shown"]) == 1
        assert f"And {row['permissions']['more']} more." in whole.content.decode()
        for asked in ("users", "roles"):
            narrowed = town.beta.get("access", application="iam-portal", resource=asked)
            first = [row["permissions"]["shown"][0]["resourceId"] for row in narrowed.context["rows"]]
            assert first
            assert all(asked in one.lower() for one in first), first

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

    def test_of_many_it_is_said_that_they_are_many(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = {"application": PLANNER, "at": local(timezone.now())}
        pause(town)
        other = local(timezone.now())
        assert town.beta.get("access", other=other, **asked).context["count_text"] == "2 differences"
        monkeypatch.setattr("accesscontrol.views.reviewed.DIFFERENCES", 1)
        shown = town.beta.get("access", other=other, **asked)
        assert (shown.context["count_text"], len(rows(shown))) == ("More than 1 differences", 2)
        assert town.beta.get("access", **asked).context["count_text"] == "2 roles held"
        monkeypatch.setattr("tenants.http.paging.COUNTED", 1)
        assert town.beta.get("access", **asked).context["count_text"] == "More than 1 roles held"

    def test_nobody_yet(self, town: Town) -> None:
        shown = town.beta.get("access", application=OWN).content.decode()
        assert "Nobody has access" in shown
        assert "/t/beta/assignments/add" in shown

    def test_page_by_page(self, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(3):
            user = factories.make_user(town.beta.tenant, f"user-{number}", at=timezone.now())
            give(town, user_id=user.pk)
        everything = rows(town.beta.get("access", application=PLANNER))
        monkeypatch.setattr("tenants.http.paging.page_of_found.__kwdefaults__", {"size": 2})
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
