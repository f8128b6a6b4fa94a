"""The two simulators in the console: may somebody, and what would a token say."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.forms import EXCHANGE
from tests.accesscontrol.exploring import HOSTILE, OWN, PLANNER, TOURS, Town, local, pause
from tests.applications.story import Party, party, signed_in
from tests.support import factories


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

    def test_an_exact_name_is_found_behind_any_number_of_near_ones(self, town: Town) -> None:
        for number in range(15):
            factories.make_user(town.beta.tenant, f"aa-lee-{number}", at=timezone.now())
        meant = factories.make_user(town.beta.tenant, "lee", at=timezone.now())
        shown = ask(town.beta, "lee")
        assert (shown.context["several"], shown.context["answer"]["allowed"]) == ([], False)
        assert meant.display_name in shown.context["answer"]["sentence"]
        many = ask(town.beta, "lee-")
        assert len(many.context["several"]) == 12

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

    def test_an_exchange_is_of_a_person_or_an_application(self, town: Town) -> None:
        for who in ("sam", OWN):
            shown = town.beta.get("access/token", client=OWN, grant=EXCHANGE, target=PLANNER, who=who)
            answer = shown.context["answer"]
            assert (answer["granted"], answer["error"]) == (False, "unauthorized_client")
        shown = town.beta.get("access/token", client=OWN, grant="authorization_code", who=OWN)
        assert list(shown.context["form"].errors) == ["who"]

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
