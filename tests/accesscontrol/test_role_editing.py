"""The form of an organization's own role: ticks that survive, what one may not give, and who was quicker."""

import pytest
from django.test import Client
from django.utils import timezone

from accesscontrol.actions import tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import TenantRolePermission
from applications.models import Resource
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.role_story import KIND, PLANNER, SCRIPT, Story, drawn, text_of
from tests.applications.story import person
from tests.support import factories
from tests.support.forms import Forms


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
        back = story.acme.post("roles/night/edit", **confirmed, go="filter")
        assert "2 resources changed, not saved yet" in text_of(back)
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
