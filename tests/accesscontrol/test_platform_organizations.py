"""Organizations before the eyes of the platform's operator: counted, never looked into."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.installation import organizations
from iam_portal.walls import tenant_scope
from tenants.actions import tenants, users
from tenants.models import TenantSuspension
from tests.accesscontrol.operating import (
    LIST,
    Installation,
    of,
    operator,
    shared,
    text,
    town,
)
from tests.applications.story import person
from tests.support import factories

__all__ = ["shared", "town"]

SINCE = timezone.now()  # the town is made after it, and a day may end before it is looked at

NEW = {"name": "Gamma", "slug": "gamma", "display_name": "Gus Green", "email": "gus@example.org"}


class TestLooking:
    """What an operator sees of others."""

    def test_the_list_counts_and_names_nobody(self, town: Installation) -> None:
        shown = town.olga.get(LIST)
        cells = {row["cells"][0]["text"]: row["cells"] for row in shown.context["table"]["rows"]}
        assert [cell["text"] for cell in cells["Acme"][2:5]] == ["1", "1", "1"]
        assert [cell["text"] for cell in cells["Beta"][2:5]] == ["1", "1", "1"]
        assert cells["Acme"][1]["state"] == "active"
        for secret in ("jane@", "Fleet Planner", "fleet-planner"):
            assert secret not in text(shown)

    def test_one_of_them_says_how_much_and_not_who(self, town: Installation) -> None:
        shown = town.olga.get(of(town.acme.tenant))
        assert [tile["value"] for tile in shown.context["tiles"]] == ["1", "1", "1", "1"]
        facts = {fact["label"]: fact for fact in shown.context["facts"]}
        days = {moment.strftime("%-d %b %Y") for moment in (SINCE, timezone.now())}
        assert facts["Last sign of life"]["text"] in days
        for secret in ("jane@", "Jane", "Fleet Planner", "fleet-planner", "For the depots"):
            assert secret not in text(shown), secret

    def test_nothing_of_what_others_did_there(self, town: Installation) -> None:
        with tenant_scope(town.acme.tenant.id):
            users.invite(
                tenant=town.acme.tenant,
                username="max",
                email="max@example.org",
                display_name="Max",
                by=town.acme.actor,
                at=timezone.now(),
            )
        shown = town.olga.get(of(town.acme.tenant))
        assert shown.context["history"] == []

    def test_search_by_name_short_name_and_id(self, town: Installation) -> None:
        for wanted in ("ACM", str(town.acme.tenant.pk)):
            rows = town.olga.get(LIST, q=wanted).context["table"]["rows"]
            assert [row["cells"][0]["text"] for row in rows] == ["Acme"], wanted
        assert "No organization matches" in text(town.olga.get(LIST, q="\0nothing%"))

    def test_states_are_told_apart_and_found(self, town: Installation) -> None:
        at = timezone.now()
        factories.make_tenant("empty", at=at)
        tenants.suspend(tenant=town.beta.tenant, reason="", by=factories.SYSTEM, at=at)
        tenants.suspend(
            tenant=town.acme.tenant, reason="", by=factories.SYSTEM, at=at, starts_at=at + timedelta(days=1)
        )
        for state, names in (
            ("suspended", ["Beta"]),
            ("scheduled", ["Acme"]),
            ("invited", ["Empty"]),
            ("active", ["Platform"]),
        ):
            rows = town.olga.get(LIST, state=state).context["table"]["rows"]
            assert [row["cells"][0]["text"] for row in rows] == names, state
            assert [row["cells"][1]["state"] for row in rows] == [state]

    def test_the_same_number_of_queries_for_many(self, town: Installation) -> None:
        def asked(path: str) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert town.olga.get(path).status_code == 200
            return len(queries)

        few, one = asked(LIST), asked(of(town.acme.tenant))
        at = timezone.now()
        for number in range(30):
            made = factories.make_tenant(f"many-{number}", at=at)
            factories.make_user(made, "kim", at=at)
        assert asked(LIST) == few
        assert asked(of(town.acme.tenant)) == one
        assert few <= 20 and one <= 26
        page = town.olga.get(LIST)
        assert len(page.context["table"]["rows"]) == 25
        following = town.olga.client.get(page.context["table"]["paging"]["next_url"])
        first = {row["cells"][0]["text"] for row in page.context["table"]["rows"]}
        assert not first & {row["cells"][0]["text"] for row in following.context["table"]["rows"]}

    def test_the_navigation_has_it_in_the_platform_only(self, town: Installation) -> None:
        assert "/platform/organizations" in text(town.olga.get("account"))
        assert "/platform/organizations" not in text(town.acme.get("account"))


class TestOthers:
    """Who has no business here."""

    def test_an_administrator_elsewhere_finds_nothing(self, town: Installation) -> None:
        acts = ("", "rename", "suspend", "resume", "invite-again")
        for path in (LIST, f"{LIST}/create", *(of(town.beta.tenant, act) for act in acts)):
            assert town.acme.get(path).status_code == 404, path
            assert town.acme.post(path, **NEW).status_code in (404, 405), path
        for method, path, body in (
            ("GET", "organizations", None),
            ("POST", "organizations", {}),
            ("GET", f"organizations/{town.beta.tenant.pk}", None),
            ("PATCH", f"organizations/{town.beta.tenant.pk}", {"name": "Mine"}),
            ("POST", f"organizations/{town.beta.tenant.pk}/resend-invitation", {}),
        ):
            assert town.rest(method, path, body, by=town.acme).status_code == 404, path

    def test_who_may_only_read_changes_nothing(self, town: Installation) -> None:
        reader = operator("rita", "organization-reader")
        assert reader.get(of(town.acme.tenant)).status_code == 200
        for act in ("rename", "suspend", "resume", "invite-again"):
            assert reader.post(of(town.acme.tenant, act)).status_code == 403, act
        assert reader.post(f"{LIST}/create", **NEW).status_code == 403
        assert operator("paul", "user-reader").get(LIST).status_code == 403

    def test_yesterdays_operator(self, town: Installation) -> None:
        with tenant_scope(town.platform.id):
            users.deactivate(
                tenant=town.platform, user_id=town.olga.user.id, by=factories.SYSTEM, at=timezone.now()
            )
        reply = town.olga.post(of(town.acme.tenant, "suspend"))
        assert reply.status_code == 302 and "/sign-in" in reply["Location"]
        assert not TenantSuspension.objects.filter(tenant=town.acme.tenant).exists()

    def test_an_unknown_one_is_not_found(self, town: Installation) -> None:
        assert town.olga.get(f"{LIST}/00000000-0000-4000-8000-000000000000").status_code == 404


def test_counts_are_of_what_is_in_force(town: Installation) -> None:
    person(town.acme, "kim")
    at = timezone.now()
    found = organizations.figures([town.acme.tenant.id, town.platform.id], at=at)[town.acme.tenant.id]
    assert (found.joined, found.users, found.applications, found.contracts) == (True, 2, 1, 1)
    before = organizations.figures([town.acme.tenant.id], at=at - timedelta(days=1))[town.acme.tenant.id]
    assert (before.applications, before.contracts) == (0, 0)
    assert organizations.figures([], at=at) == {}
