"""What an application declares, whom it serves, what it calls: the pages of its tab *Access*."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications import declared
from applications.actions.manifests import declare
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.accesscontrol.role_story import PLANNER, SCRIPT, Story, text_of, tree
from tests.applications.story import Party, party, person, register, share
from tests.support import factories
from tests.support.forms import Forms

HERE = f"applications/{PLANNER}"
EDIT = f"{HERE}/manifest/edit"


def assign(party: Party, role: str, service: str, application: str = PLANNER) -> None:
    wanted = Wanted(role=role, application_id=application, principal_application_id=service)
    assignments.assign(tenant=party.tenant, wanted=wanted, by=factories.SYSTEM, at=timezone.now())


def names(response: Any) -> list[str]:
    return [row["cells"][0]["text"] for row in response.context["table"]["rows"]]


def document(story: Story) -> dict[str, Any]:
    return declared.document(story.acme.applications["planner"], at=timezone.now())


def sent(page: Any, **more: Any) -> dict[str, Any]:
    return {**Forms(page.content.decode()).with_fields("text"), **more}


class TestDeclared:
    def test_roles_in_short(self, story: Story) -> None:
        shown = story.beta.get(f"{HERE}/access")
        assert names(shown) == ["Planner", "Reader"]
        assert "Depot 0: read, modify; Depot 1: read, modify" in text_of(shown)
        assert f"/t/beta/roles/of/{PLANNER}/planner" in text_of(shown)
        assert names(story.beta.get(f"{HERE}/access", q="read")) == ["Reader"]
        assert "No role matches" in text_of(story.beta.get(f"{HERE}/access", q="\0x"))

    def test_what_ended_and_what_took_its_place(self, story: Story) -> None:
        planner, at = story.acme.applications["planner"], timezone.now()
        body = document(story)
        body["roles"] = [{**body["roles"][0], "key": "chief", "name": "Chief", "supersedes": "planner"}]
        body["resources"] = [row for row in body["resources"] if row["id"].endswith("-0")]
        body["roles"][0]["permissions"] = body["roles"][0]["permissions"][:1]
        page = story.acme.get(EDIT)
        looked = story.acme.post(EDIT, **sent(page, text=json.dumps(body), go="look"))
        assert story.acme.post(EDIT, **sent(looked, go="apply")).status_code == 302
        assert "superseded by Chief" in text_of(story.acme.get(f"{HERE}/access", state="ended"))
        gone = story.acme.get(f"{HERE}/resources", state="ended", q="depot")
        assert names(gone) == ["Depot 1"]
        assert planner.during.lower < at

    def test_resources_as_a_tree(self, story: Story) -> None:
        shown = story.beta.get(f"{HERE}/resources")
        found = [(row["node"].key, row["node"].depth) for row in shown.context["rows"]]
        assert found == [("depot-0", 0), ("yard-0", 1), ("depot-1", 0), ("yard-1", 1)]
        (hit,) = story.beta.get(f"{HERE}/resources", q="yard-1").context["rows"]
        assert hit["path"] == "Depot 1"
        assert "No resource matches" in text_of(story.beta.get(f"{HERE}/resources", kind="own"))

    def test_page_by_page_in_the_order_of_the_tree(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("applications.views.access.SIZE", 3)
        first = story.acme.get(f"{HERE}/resources")
        second = story.acme.client.get(first.context["paging"]["next_url"])
        assert [row["node"].key for row in second.context["rows"]] == ["yard-1"]

    def test_pages_ask_as_much_with_hundreds(self, story: Story) -> None:
        def asked() -> dict[str, int]:
            counts = {}
            for path in ("access", "resources", "served", "calls", "callers", "manifest"):
                with CaptureQueriesContext(connection) as queries:
                    page = story.acme.get(f"{HERE}/{path}")
                assert page.status_code == 200, path
                assert len(page.content) < 100_000, path
                counts[path] = len(queries)
            return counts

        story.acme.get(HERE)
        few = asked()
        planner, at = story.acme.applications["planner"], timezone.now()
        declare(application=planner, manifest=tree(150), by=story.acme.actor, at=at)
        assert asked() == few
        assert max(few.values()) < 40, few


class TestServed:
    def test_by_which_contract_with_which_roles(self, story: Story) -> None:
        shown = story.acme.get(f"{HERE}/served")
        (row,) = shown.context["table"]["rows"]
        name, state, way, roles, _since, until, used = row["cells"]
        assert (name["text"], state["state"], roles["text"]) == ("Beta", "available", "Planner, Reader")
        assert way["url"] == f"/t/acme/contracts/{story.contract.id}"
        assert (until, used) == ({"text": "–"}, {"text": "never"})
        for query, count in (({"state": "now"}, 1), ({"state": "scheduled"}, 0), ({"state": "ended"}, 0)):
            assert len(story.acme.get(f"{HERE}/served", **query).context["table"]["rows"]) == count, query
        assert "No organization matches" in text_of(story.acme.get(f"{HERE}/served", q="gamma"))

    def test_only_the_owner_sees_whom(self, story: Story) -> None:
        gamma = party("gamma")
        factories.make_partners(story.acme.tenant, gamma.tenant, at=timezone.now())
        share(story.acme, gamma, story.acme.applications["planner"])
        assert story.beta.get(f"{HERE}/served").status_code == 404
        for path in ("access", "resources", "calls", "callers", ""):
            page = story.beta.get(f"{HERE}/{path}".rstrip("/"))
            assert "Gamma" not in text_of(page).split("<main")[1], path


class TestCalls:
    def test_what_it_may_call_and_why_not(self, story: Story) -> None:
        made = register(story.acme, "Robot")
        assign(story.acme, "reader", made.id)
        (row,) = story.acme.get(f"applications/{made.id}/calls").context["rows"]
        assert (row["note"], row["state"], row["roles"]) == (PLANNER, "allowed", "Reader")
        (row,) = story.acme.get(f"{HERE}/callers").context["rows"]
        assert (row["note"], row["state"], row["roles"]) == (made.id, "in_force", "Reader")
        assert "It holds no role of another application here" in text_of(story.acme.get(f"{HERE}/calls"))
        assert "No service holds a role of it here" in text_of(story.beta.get(f"{HERE}/callers"))

    def test_who_manages_no_roles_reads_none(self, story: Story) -> None:
        manager = person(story.acme, "mona", "module-manager")
        assert manager.get(f"/t/acme/{HERE}/calls").status_code == 403
        shown = manager.get(f"/t/acme/{HERE}/access").content.decode()
        assert f"/t/acme/{HERE}/calls" not in shown
        assert manager.get(f"/t/acme/roles/of/{PLANNER}/reader").status_code == 200
        assert "holders" not in manager.get(f"/t/acme/roles/of/{PLANNER}/reader").content.decode()
        assert manager.get(f"/t/acme/roles/of/{PLANNER}/reader/holders").status_code == 403


class TestManifest:
    def test_sent_back_as_it_is_it_changes_nothing(self, story: Story) -> None:
        assert "depot-0" in text_of(story.acme.get(f"{HERE}/manifest"))
        file = story.acme.get(f"{HERE}/manifest/download")
        assert json.loads(file.content) == document(story)
        assert "attachment" in file.headers["Content-Disposition"]
        looked = story.acme.post(EDIT, **sent(story.acme.get(EDIT), go="look"))
        assert "it is declared like this already" in text_of(looked)
        story.acme.post(EDIT, **sent(looked, go="apply"))
        with tenant_scope(story.acme.tenant.id):
            rows = HistoryEvent.objects.filter(tenant=story.acme.tenant, action="manifest.declared")
            assert rows.count() == 2  # those of the story

    def test_what_it_takes_is_shown_and_then_done(self, story: Story) -> None:
        story.give_role("reader")
        body = document(story)
        body["roles"] = [role for role in body["roles"] if role["key"] == "planner"]
        looked = story.acme.post(EDIT, **sent(story.acme.get(EDIT), text=json.dumps(body), go="look"))
        shown = text_of(looked)
        assert "roles/reader" in shown
        assert "Sam" in shown
        assert len(document(story)["roles"]) == 2
        unseen = sent(looked, go="apply") | {"impact": ""}
        assert story.acme.post(EDIT, **unseen).status_code == 412
        assert len(document(story)["roles"]) == 2
        done = story.acme.post(EDIT, **sent(looked, go="apply"))
        assert done.headers["Location"] == f"/t/acme/{HERE}/manifest"
        assert len(document(story)["roles"]) == 1

    def test_a_stale_text_is_looked_at_anew(self, story: Story) -> None:
        page = story.acme.get(EDIT)
        body = document(story)
        body["roles"][0]["name"] = "Chief planner"
        looked = story.acme.post(EDIT, **sent(page, text=json.dumps(body), go="look"))
        planner, at = story.acme.applications["planner"], timezone.now()
        declare(application=planner, manifest=tree(3), by=story.acme.actor, at=at)
        stale = story.acme.post(EDIT, **sent(looked, go="apply"))
        assert stale.status_code == 412
        assert "resources/urn:fleet:tour/depot-2" in stale.content.decode()
        assert len(document(story)["resources"]) == 6
        assert story.acme.post(EDIT, **sent(stale, go="apply")).status_code == 302
        assert len(document(story)["resources"]) == 4

    def test_yaml_and_a_file(self, story: Story) -> None:
        text = "resources:\n- {type: 'urn:x', id: a, privileges: [read]}\nroles: []\n"
        form = sent(story.acme.get(EDIT), go="look", text="left aside")
        looked = story.acme.post(EDIT, **form, file=SimpleUploadedFile("m.yaml", text.encode()))
        assert "resources/urn:x/a" in text_of(looked)
        assert sent(looked)["text"].strip() == text.strip()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "Paste the manifest"),
            ("{", "no JSON"),
            ("{\"roles\": [], \"roles\": []}", "given twice"),
            ("a: &x [1]\nb: *x", "anchors and aliases"),
            ("[]", "Invalid data"),
            (f"{{\"roles\": \"{SCRIPT}\"}}", "/roles"),
            ('{"resources": [], "roles": [{"key": "A b"}]}', "A role key has"),
            ('{"resources": [], "roles": [{"key": "a"}, {"key": "a"}]}', "/roles/1: declared twice"),
            ("x" * 10_000, "Invalid data"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_said_and_kept(self, story: Story, text: str, said: str) -> None:
        for go in ("look", "apply"):
            page = story.acme.post(EDIT, **sent(story.acme.get(EDIT), text=text, go=go))
            assert said in text_of(page)
            assert SCRIPT not in text_of(page)
            assert sent(page)["text"].strip() == text

    def test_the_portals_own_is_nobodys_here(self, story: Story) -> None:
        for path in ("manifest", "manifest/download", "manifest/edit"):
            assert story.acme.get(f"applications/iam-portal/{path}").status_code == 404
            assert story.beta.get(f"{HERE}/{path}").status_code == 404
        assert story.beta.post(EDIT, text="{}", go="apply").status_code == 404
