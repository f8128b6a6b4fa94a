"""Roles in the console: all that exist, what each may, who holds it."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRole
from applications.actions import pauses
from applications.actions.manifests import declare
from applications.models import ApplicationRole
from applications.models.applications import PORTAL_ID
from applications.trees import forest
from applications.views import role_words
from iam_portal.gate import Privilege
from iam_portal.templatetags import privileges
from iam_portal.walls import tenant_scope
from tests.accesscontrol.role_story import KIND, PLANNER, Story, drawn, text_of, tree
from tests.support import factories


class TestList:
    def test_all_that_exist_here_and_no_neighbours(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        story.give()
        names = [row["cells"][0]["text"] for row in story.acme.get("roles").context["table"]["rows"]]
        assert names[:3] == ["Night", "Planner", "Reader"]
        assert "Access Manager" in names
        theirs = text_of(story.beta.get("roles"))
        assert "Night" not in theirs
        assert "Fleet Planner" in theirs

    def test_search_filters_and_how_many_hold_each(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        story.give()
        for query, count in (
            ({"q": "night"}, 1),
            ({"kind": "own"}, 1),
            ({"kind": "application"}, 2),
            ({"kind": "portal"}, 16),
            ({"application": PLANNER}, 2),
            ({"kind": "own", "held": "yes"}, 1),
            ({"kind": "own", "held": "no"}, 0),
            ({"q": "\0nothing"}, 0),
        ):
            shown = story.acme.get("roles", **query)
            assert len(shown.context["table"]["rows"]) == count, query
        assert "1 person" in text_of(story.acme.get("roles", q="night"))
        assert "No role matches" in text_of(story.acme.get("roles", q="nothing"))

    def test_what_stands_in_the_way_of_one(self, story: Story) -> None:
        pauses.pause(
            tenant=story.acme.tenant, contract_id=story.contract.id, by=factories.SYSTEM, at=timezone.now()
        )
        assert "Paused" in text_of(story.beta.get("roles", q="planner"))
        shown = text_of(story.beta.get(f"roles/of/{PLANNER}/planner"))
        assert "does not have this role now" in shown
        assert "contract_paused" in shown

    def test_page_by_page(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tenants.http.paging.page_of_list.__kwdefaults__", {"size": 5})
        seen, url = [], story.acme.url("roles")
        while url:
            shown = story.acme.client.get(url).context["table"]
            seen += [row["cells"][0]["text"] for row in shown["rows"]]
            url = shown["paging"]["next_url"]
        assert len(seen) == len(set(seen)) == 18


class TestOneRole:
    def test_what_it_may_as_a_tree(self, story: Story) -> None:
        story.make(("depot-0", "read"), ("depot-0", "modify"))
        lines = story.acme.get("roles/night").context["lines"]
        assert [(line.node.key, line.node.depth) for line in lines] == [("depot-0", 0), ("yard-0", 1)]
        depot, yard = lines
        assert [cell.privilege for cell in depot.cells if cell.given] == ["read", "modify"]
        assert [(cell.privilege, cell.by) for cell in yard.cells if cell.by] == [("read", "Depot 0")]
        found = story.acme.get("roles/night", q="yard")
        assert [line.path for line in found.context["lines"]] == ["Depot 0"]
        assert "No resource of this role matches" in text_of(story.acme.get("roles/night", q="nothing"))

    def test_only_what_lies_around_its_permissions_is_read(self, story: Story) -> None:
        asked: dict[str, Any] = {"tenant_id": story.acme.tenant.pk, "at": timezone.now()}
        with tenant_scope(story.acme.tenant.pk):
            whole = forest([PLANNER], **asked).nodes
            for key in ("yard-0", "depot-0"):
                around = forest([PLANNER], among=[story.resource(key)], **asked).nodes
                assert [node.key for node in around.values()] == ["depot-0", "yard-0"]
                assert all(whole[pk] == node for pk, node in around.items())
            assert len(whole) > 2
            assert forest([PLANNER], among=[], **asked).nodes == {}

    def test_of_many_holders_it_is_said_that_they_are_many(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        story.make(("depot-0", "read"))
        story.give()
        assert story.acme.get("roles/night/holders").context["table"]["count_text"] == "1 assignment"
        monkeypatch.setattr("tenants.http.paging.COUNTED", 0)
        for path in ("roles/night/holders", "assignments"):
            assert story.acme.get(path).context["table"]["count_text"] == "More than 0 assignments"

    def test_of_an_application(self, story: Story) -> None:
        lines = story.beta.get(f"roles/of/{PLANNER}/reader").context["lines"]
        assert [line.node.key for line in lines] == ["depot-0", "yard-0"]
        assert "iam-portal" in text_of(story.beta.get("roles/of/iam-portal/access-manager"))

    def test_who_holds_it(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        assert "Nobody holds this role" in text_of(story.acme.get("roles/night/holders"))
        story.give()
        shown = story.acme.get("roles/night/holders")
        assert [row["cells"][0]["text"] for row in shown.context["table"]["rows"]] == ["Sam"]
        assert "Withdraw" in text_of(shown)
        for others in (
            story.acme.get("roles/night/holders", q="kim"),
            story.acme.get(f"roles/of/{PLANNER}/reader/holders"),
        ):
            assert not re.search(r"\bSam\b", text_of(others))  # a random token may have the letters

    def test_what_is_away_is_said(self, story: Story) -> None:
        made = Definition(
            key="ours", name="Ours", description="", permissions=[(PLANNER, KIND, "depot-0", "read")]
        )
        tenant_roles.define(tenant=story.beta.tenant, definition=made, by=factories.SYSTEM, at=timezone.now())
        now = timezone.now()
        pauses.pause(tenant=story.acme.tenant, contract_id=story.contract.id, by=factories.SYSTEM, at=now)
        assert "Counts for nothing at present: read." in text_of(story.beta.get("roles/ours"))
        form = drawn(story.beta.get("roles/ours/edit"))
        saved = story.beta.post("roles/ours/edit", **{**form, "name": "Theirs", "go": "save"})
        assert saved.headers["Location"] == "/t/beta/roles/ours"
        assert "Counts for nothing at present: read." in text_of(story.beta.get("roles/ours"))

    def test_a_neighbours_role_is_not_there(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        for path in ("roles/night", "roles/night/holders", "roles/night/edit", "roles/night/delete"):
            assert story.beta.get(path).status_code == 404
        assert story.beta.post("roles/night/edit", name="x", go="save").status_code == 404
        assert story.beta.post("roles/night/delete").status_code == 404
        for path in (f"roles/of/{PLANNER}/ghost", "roles/of/beta.fleet-planner/reader"):
            assert story.acme.get(path).status_code == 404
            assert story.acme.get(f"{path}/holders").status_code == 404


class TestRest:
    def test_who_was_slower_is_told_so(self, story: Story) -> None:
        """A role's revision in ``If-Match``, for a change and for its end; two who make one role make one."""
        roles = f"/iam/access-management/v1/tenants/{story.acme.tenant.id}/roles"
        held = {
            "applicationId": PLANNER,
            "resourceType": KIND,
            "resourceId": "depot-0",
            "privileges": ["read"],
        }
        body = {"name": "Night", "permissions": [held]}

        def send(method: str, path: str, body: Any = None, **headers: str) -> Any:
            sent = json.dumps(body) if body is not None else ""
            return story.acme.client.generic(method, roles + path, sent, "application/json", headers=headers)

        made = send("POST", "", {"key": "night", **body})
        assert (made.status_code, made.headers["ETag"]) == (201, '"r-1"')
        again = send("POST", "", {"key": "night", "name": "x", "permissions": []})
        assert (again.status_code, again.json()["code"]) == (409, "role_exists")
        assert send("GET", "/night").headers["ETag"] == '"r-1"'
        seen = {"If-Match": '"r-1"'}
        changed = send("PUT", "/night", body | {"name": "Late"}, **seen)
        assert (changed.status_code, changed.headers["ETag"]) == (200, '"r-2"')
        for method, sent in (("PUT", body), ("DELETE", None)):
            stale = send(method, "/night", sent, **seen)
            assert (stale.status_code, stale.json()["code"]) == (412, "role_changed"), method
        assert send("GET", "/night").json()["name"] == "Late"
        assert send("DELETE", "/night", **{"If-Match": '"r-2"'}).status_code == 204


class TestSize:
    """With hundreds of resources the pages stay light, and ask as much as with two."""

    PATHS = ("roles", "roles/night", "roles/night/edit", "roles/night/holders", f"roles/of/{PLANNER}/planner")

    def asked(self, story: Story) -> dict[str, int]:
        counts = {}
        for path in self.PATHS:
            with CaptureQueriesContext(connection) as queries:
                page = story.acme.get(path)
            assert len(page.content) < 100_000, path
            counts[path] = len(queries)
        return counts

    def test_pages(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        story.acme.get("roles")
        few = self.asked(story)
        planner, at = story.acme.applications["planner"], timezone.now()
        declare(application=planner, manifest=tree(150), by=story.acme.actor, at=at)
        everything = [(f"depot-{number}", "read") for number in range(150)]
        story.make(*everything)
        assert self.asked(story) == few
        assert max(few.values()) < 50, few
        shown = story.acme.get("roles/night/edit", q="depot-77", application=PLANNER)
        assert len(shown.context["lines"]) == 1


@pytest.mark.parametrize("page", ["roles", "assignments", "search"])
def test_a_role_of_the_portal_is_found_as_the_reader_knows_it(story: Story, page: str) -> None:
    """In German by its German name and by the one that logs have; a name that nobody reads finds nothing."""
    browser, address = story.acme.client, story.acme.url(page)

    def shown(wanted: str, language: str) -> str:
        with translation.override(language):  # a request leaves its language behind
            reply = browser.get(address, {"q": wanted}, headers={"accept-language": language})
        assert reply.status_code == 200
        return str(reply.content.decode().partition("<main")[2])

    for wanted in ("zugriff verw", "Access Manager"):
        assert "Zugriff verwalten" in shown(wanted, "de").replace(f'value="{wanted}"', ""), wanted
    assert "access-manager" not in shown("zugriff verw", "en")
    assert "Access Manager" not in shown("zugriff verw", "en")


def test_the_portal_is_in_the_readers_language(story: Story) -> None:
    with translation.override("de"):
        for said, of in (("IAM-Portal", PORTAL_ID), ("IAM portal", "acme.x")):
            assert role_words.named("IAM portal", of) == said
    german = {"accept-language": "de"}
    with translation.override("de"):
        page = story.acme.client.get(story.acme.url("access"), {"application": PORTAL_ID}, headers=german)
        given = story.acme.client.get(story.acme.url("assignments"), {"q": "IAM"}, headers=german)
    assert page.status_code == 200
    assert "<strong>IAM-Portal</strong>" in page.content.decode()
    assert {row["role_name"] for row in page.context["rows"]} & {"Zugriff verwalten", "Konto", "Konten lesen"}
    assert {row["cells"][2]["text"] for row in given.context["table"]["rows"]} == {"IAM-Portal"}


def test_roles_of_the_portal_are_in_the_readers_language() -> None:
    """An organization's own role keeps the name that it was given, also where ours has the same."""
    ours = ApplicationRole(application_id=PORTAL_ID, key="access-manager", name="Access Manager")
    theirs = ApplicationRole(application_id="acme.x", key="access-manager", name="Access Manager")
    with translation.override("de"):
        assert role_words.shown(ours) == "Zugriff verwalten"
        assert role_words.shown(theirs) == "Access Manager"
        assert role_words.shown(TenantRole(key="x", name="Access Manager")) == "Access Manager"
        assert [privileges.word(each) for each in Privilege] == [
            "lesen",
            "hinzufügen",
            "ändern",
            "löschen",
            "ausführen",
        ]
