"""Roles in the console: all that exist, what each may, who holds it; and the editor of those of one's own."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRolePermission
from applications.actions import pauses
from applications.actions.manifests import declare
from applications.models import Resource
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.role_story import KIND, PLANNER, SCRIPT, Story, drawn, text_of, tree
from tests.applications.story import person
from tests.support import factories
from tests.support.forms import Forms


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
        assert "Sam" not in text_of(story.acme.get("roles/night/holders", q="kim"))
        assert "Sam" not in text_of(story.acme.get(f"roles/of/{PLANNER}/reader/holders"))

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


class TestMaking:
    def test_with_a_key_out_of_its_name(self, story: Story) -> None:
        form = story.form("create-role") | {"name": "Night Shift", "go": "save"}
        form |= {"p": [story.box("depot-0", "read"), story.box("yard-1", "delete")]}
        made = story.acme.post("create-role", **form)
        assert made.headers["Location"] == "/t/acme/roles/night-shift"
        assert story.held("night-shift") == [("depot-0", "read"), ("yard-1", "delete")]
        again = story.acme.post("create-role", **form)  # the same click
        assert again.headers["Location"] == "/t/acme/roles/night-shift"
        assert story.role("night-shift").revision == 1
        other = story.acme.post("create-role", **{**form, "p": []})
        assert "There is a role of this key already." in text_of(other)

    def test_input_is_kept_and_shown_as_text(self, story: Story) -> None:
        form = story.form("create-role") | {"p": [story.box("depot-0", "read")]}
        form |= {"name": SCRIPT, "key": SCRIPT, "description": SCRIPT, "q": SCRIPT, "go": "save"}
        shown = text_of(story.acme.post("create-role", **form))
        assert SCRIPT not in shown
        assert "&lt;script&gt;" in shown
        long = text_of(story.acme.post("create-role", **{**form, "name": "x" * 10_000, "key": "a", "q": ""}))
        assert "at most 120 characters" in long
        assert f'value="{story.box("depot-0", "read")}"' in long
        assert "1 resource changed" in long
        emoji = text_of(story.acme.post("create-role", **{**form, "name": "🚚", "key": ""}))
        assert "No key can be made from this name" in emoji

    def test_ticks_survive_searching_and_paging(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accesscontrol.views.role_rows.SIZE", 1)
        form = story.form("create-role", application=PLANNER)
        page = story.acme.post("create-role", **{**form, "p": [story.box("depot-0", "modify")], "go": "next"})
        assert [line.node.key for line in page.context["lines"]] == ["yard-0"]
        form = drawn(page)
        page = story.acme.post(
            "create-role", **{**form, "p": [story.box("yard-0", "read")], "go": "previous"}
        )
        (line,) = page.context["lines"]
        assert [cell.privilege for cell in line.cells if cell.given] == ["modify"]
        form = drawn(page)
        found = story.acme.post("create-role", **{**form, "q": "yard-1", "go": "filter"})
        assert [line.node.key for line in found.context["lines"]] == ["yard-1"]
        form = drawn(found) | {"name": "Late", "go": "save"}
        assert story.acme.post("create-role", **form).status_code == 302
        assert story.held("late") == [("depot-0", "modify"), ("yard-0", "read")]

    @pytest.mark.parametrize(
        "bad",
        [{"rows": "x"}, {"kept": "y.1.2"}, {"rows": "{id}.32.0"}, {"rows": "{id}.0.0", "p": "{id}.own"}],
    )
    def test_a_form_that_was_not_drawn(self, story: Story, bad: dict[str, str]) -> None:
        sent = {name: text.replace("{id}", str(story.resource("depot-0"))) for name, text in bad.items()}
        answer = story.acme.post("create-role", name="x", key="x", go="save", **sent)
        assert answer.status_code == 400
        assert "not sent as it was drawn" in answer.content.decode()

    def test_what_is_not_here_is_refused(self, story: Story) -> None:
        """Beta's own planner is no affair of acme's, whatever id is sent."""
        with tenant_scope(story.beta.tenant.id):
            theirs = Resource.objects.filter(application_id="beta.fleet-planner").first()
        sent = {"rows": f"{theirs.id}.0.0", "p": f"{theirs.id}.read"}
        answer = text_of(story.acme.post("create-role", name="x", key="x", go="save", **sent))
        assert "not available here" in answer
        assert story.role("x") is None


class TestEditing:
    def test_more_is_saved_at_once_less_is_shown_first(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        story.give()
        form = story.form("roles/night/edit")
        more = [story.box("depot-0", "read"), story.box("depot-1", "read")]
        saved = story.acme.post("roles/night/edit", **{**form, "p": more, "go": "save"})
        assert saved.headers["Location"] == "/t/acme/roles/night"
        assert story.held() == [("depot-0", "read"), ("depot-1", "read")]

        form = story.form("roles/night/edit")
        asked = text_of(story.acme.post("roles/night/edit", **{**form, "p": [], "go": "save"}))
        assert "Sam" in asked
        assert story.held() == [("depot-0", "read"), ("depot-1", "read")]
        confirmed = dict(Forms(asked).with_fields("impact"))
        done = story.acme.post("roles/night/edit", **confirmed)
        assert done.headers["Location"] == "/t/acme/roles/night"
        assert story.held() == []
        assert story.acme.post("roles/night/edit", **confirmed).status_code in (302, 412)
        assert story.held() == []

    def test_a_stale_form_shows_what_the_other_did_and_keeps_both(self, story: Story) -> None:
        story.make(("depot-0", "read"), ("yard-0", "read"))
        form = story.form("roles/night/edit")
        story.make(("depot-0", "read"), ("depot-1", "modify"))
        ticked = [story.box("depot-0", "read"), story.box("depot-0", "modify"), story.box("yard-0", "read")]
        stale = story.acme.post("roles/night/edit", **{**form, "p": ticked, "go": "save"})
        assert stale.status_code == 412
        shown = stale.content.decode()
        assert f"added: modify on {KIND}/depot-1 of {PLANNER}" in shown
        assert f"taken out: read on {KIND}/yard-0 of {PLANNER}" in shown
        again = drawn(stale) | {"go": "save"}
        assert story.acme.post("roles/night/edit", **again).status_code == 302
        assert story.held() == [("depot-0", "modify"), ("depot-0", "read"), ("depot-1", "modify")]

    def test_what_one_may_not_give_is_off_and_stays(self, story: Story) -> None:
        portal = ("iam-portal", "urn:iam:portal")
        asked = [(*portal, "Organizations", "modify"), (*portal, "Users", "read")]
        definition = Definition(key="strong", name="Strong", description="", permissions=asked)
        tenant_roles.define(
            tenant=story.acme.tenant, definition=definition, by=factories.SYSTEM, at=timezone.now()
        )
        manager = person(story.acme, "kim", "access-manager")
        page = manager.get("/t/acme/roles/strong/edit?show=chosen")
        lines = {line.node.key: line for line in page.context["lines"]}
        locked = {cell.privilege for cell in lines["Organizations"].cells if cell.locked}
        assert "modify" in locked
        assert "You do not hold it yourself: read, add, modify, delete, execute." in text_of(page)
        form = drawn(page) | {"name": "Stronger", "go": "save"}
        assert manager.post("/t/acme/roles/strong/edit", form).status_code == 302
        with tenant_scope(story.acme.tenant.id):
            rows = TenantRolePermission.objects.at(timezone.now()).filter(role__key="strong")
            assert set(rows.values_list("resource__key", flat=True)) == {"Organizations", "Users"}
        organizations = lines["Organizations"].node.id
        forged = {"name": "x", "go": "save", "rows": f"{organizations}.4.0"}
        refused = manager.post("/t/acme/roles/strong/edit", forged)
        assert "cannot hand out what you do not hold" in text_of(refused)

    def test_deleting_shows_who_loses_it(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        story.give()
        asked = text_of(story.acme.get("roles/night/delete"))
        assert "Sam" in asked
        assert story.acme.post("roles/night/delete").headers["Location"] == "/t/acme/roles/night"
        assert story.role() is not None
        done = story.acme.post("roles/night/delete", **dict(Forms(asked).with_fields("impact")))
        assert done.headers["Location"] == "/t/acme/roles"
        assert story.role() is None
        assert story.acme.get("roles/night").status_code == 404

    def test_a_reader_sees_why_not(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        reader = person(story.acme, "lee", "user-reader")
        assert "Make a role" in reader.get("/t/acme/roles").content.decode()
        assert "disabled" in reader.get("/t/acme/roles/night").content.decode()
        for path in ("create-role", "roles/night/edit", "roles/night/delete"):
            assert reader.get(f"/t/acme/{path}").status_code == 403
        assert Client().get("/t/acme/roles").headers["Location"].startswith("/t/acme/sign-in")

    def test_history_says_what_changed(self, story: Story) -> None:
        story.make(("depot-0", "read"))
        with tenant_scope(story.acme.tenant.id):
            row = HistoryEvent.objects.filter(tenant=story.acme.tenant, action="role.defined").last()
        assert row.after["revision"] == "r-1"
        assert "History" in text_of(story.acme.get("roles/night"))


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
