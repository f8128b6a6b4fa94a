"""A new organization and its first administrator, at the hands of the platform's operator."""

import re
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accesscontrol.actions.assignments import Wanted, assign
from accesscontrol.gate import permissions
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, founding, users
from tenants.models import HistoryEvent, Tenant, User
from tests.accesscontrol.operating import (
    LIST,
    Installation,
    history,
    of,
    shared,
    text,
    town,
)
from tests.support import factories
from tests.support.factories import PASSWORD, acting

__all__ = ["shared", "town"]


NEW = {"name": "Gamma", "slug": "gamma", "display_name": "Gus Green", "email": "gus@example.org"}


@pytest.fixture
def committing(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def found_gamma(town: Installation) -> Tenant:
    reply = town.olga.post(f"{LIST}/create", **NEW)
    assert reply.status_code == 302, reply.context["form"].errors
    return Tenant.objects.get(slug="gamma")


def token_in(message: Any) -> str:
    return str(re.search(r"token=(\S+)", message.body)[1])


class TestFounding:
    """A new organization and the first person in it."""

    def test_it_begins_with_an_invitation(self, town: Installation, committing: Any) -> None:
        with committing():
            gamma = found_gamma(town)
        [message] = mail.outbox[-1:]
        assert (message.to, "Gamma" in message.body) == (["gus@example.org"], True)
        shown = town.olga.get(of(gamma))
        assert shown.context["page"]["state"] == "invited"
        assert "nobody has come in yet" in text(shown)
        assert "gus@example.org" not in re.sub(r"on its way to \S+", "", text(shown))
        assert history(gamma) == ["tenant.created", "user.invited", "tenant.first_administrator"]
        with tenant_scope(gamma.id):
            user = users.accept(tenant=gamma, token=token_in(message), password=PASSWORD, at=timezone.now())
        held = permissions(actor=acting(user), tenant_id=gamma.id, at=timezone.now())
        assert ("urn:iam:portal", "Roles", "modify") in held
        assert town.olga.get(of(gamma)).context["page"]["state"] == "active"

    def test_the_platforms_record_has_the_act_and_not_the_person(self, town: Installation) -> None:
        found_gamma(town)
        with tenant_scope(town.platform.id):
            row = HistoryEvent.objects.filter(tenant=town.platform).latest("id")
        assert (row.action, row.actor_id) == ("tenant.created", str(town.olga.user.id))
        assert "gus" not in str(row.after).lower()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "acme"),
            ("slug", "Not A Slug"),
            ("slug", ""),
            ("name", " "),
            ("email", "nobody"),
            ("email", "o'neil@example.org"),
            ("username", "a b"),
            ("display_name", "x" * 10_000),
        ],
    )
    def test_what_cannot_be_keeps_the_input(self, town: Installation, field: str, value: str) -> None:
        reply = town.olga.post(f"{LIST}/create", **{**NEW, field: value})
        assert reply.status_code == 200
        at_fault = "username" if value == "o'neil@example.org" else field
        assert list(reply.context["form"].errors) == [at_fault]
        assert 'value="Gus Green"' in text(reply) or field == "display_name"
        assert not Tenant.objects.filter(slug="gamma").exists()

    def test_hostile_names_are_names(self, town: Installation) -> None:
        name = "<script>alert(1)</script> \u202eאב 🚀"
        town.olga.post(f"{LIST}/create", **{**NEW, "name": name})
        shown = text(town.olga.get(of(Tenant.objects.get(slug="gamma"))))
        assert "<script>alert" not in shown and "&lt;script&gt;" in shown

    def test_the_short_name_is_looked_up_while_it_is_typed(self, town: Installation) -> None:
        for slug, said in (
            ("acme", "It is taken."),
            ("delta", "It is free."),
            ("A", "lower-case"),
            ("\0", ""),
        ):
            shown = text(town.olga.get(f"{LIST}/create", slug=slug))
            part = shown[shown.index('id="slug-state"') :].partition("</p>")[0]
            assert said in part, slug

    def test_sent_twice_there_is_one(self, town: Installation) -> None:
        found_gamma(town)
        again = town.olga.post(f"{LIST}/create", **NEW)
        assert "slug" in again.context["form"].errors
        assert Tenant.objects.filter(slug="gamma").count() == 1

    def test_by_rest_and_sent_again(self, town: Installation) -> None:
        body = {
            "name": "Gamma",
            "slug": "gamma",
            "administrator": {"displayName": "Gus Green", "email": "gus@example.org"},
        }
        made = town.rest("POST", "organizations", body, Idempotency_Key="k-1")
        assert made.status_code == 201
        assert (made.json()["slug"], made.json()["suspension"]) == ("gamma", None)
        assert "gus" not in text(made).lower()
        again = town.rest("POST", "organizations", body, Idempotency_Key="k-1")
        assert (again.status_code, again.json()) == (201, made.json())
        taken = town.rest("POST", "organizations", body)
        assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (400, "/slug")
        unfit = {**body, "slug": "delta", "administrator": {"displayName": "x", "email": "o'neil@x.example"}}
        refused = town.rest("POST", "organizations", unfit)
        assert refused.json()["errors"][0]["pointer"] == "/administrator/username"


class TestInvitingAgain:
    """As long as nobody has come in, and not a moment longer."""

    def test_to_another_mailbox_the_first_link_ends(self, town: Installation, committing: Any) -> None:
        with committing():
            gamma = found_gamma(town)
        with committing():
            reply = town.olga.post(of(gamma, "invite-again"), email="gustav@example.org")
        assert reply.status_code == 302
        first, second = mail.outbox[-2:]
        assert second.to == ["gustav@example.org"]
        with tenant_scope(gamma.id), pytest.raises(Exception, match="not known"):
            users.accept(tenant=gamma, token=token_in(first), password=PASSWORD, at=timezone.now())
        with tenant_scope(gamma.id):
            users.accept(tenant=gamma, token=token_in(second), password=PASSWORD, at=timezone.now())
        assert history(town.platform)[-1] == "tenant.invitation_sent"
        assert "tenant.invitation_sent" in history(gamma)

    def test_it_does_not_let_the_operator_in_where_somebody_is(self, town: Installation) -> None:
        sent = len(mail.outbox)
        for email in ("", "olga@example.org"):
            town.olga.post(of(town.acme.tenant, "invite-again"), email=email)
            reply = town.rest(
                "POST",
                f"organizations/{town.acme.tenant.pk}/resend-invitation",
                {"email": "olga@example.org"},
            )
            assert (reply.status_code, reply.json()["code"]) == (409, "organization_joined")
        with tenant_scope(town.acme.tenant.id):
            assert User.objects.get(username="jane").email == "jane@example.org"
        assert len(mail.outbox) == sent

    def test_nor_where_who_came_in_was_deleted(self, town: Installation, committing: Any) -> None:
        """Who is invited there now was invited by the organization, and is none of the operator's."""
        with committing():
            gamma = found_gamma(town)
        with tenant_scope(gamma.id):
            gus = users.accept(
                tenant=gamma, token=token_in(mail.outbox[-1]), password=PASSWORD, at=timezone.now()
            )
        with committing(), tenant_scope(gamma.id):
            who = {"username": "ivy", "email": "ivy@example.org", "display_name": "Ivy"}
            ivy = users.invite(tenant=gamma, **who, by=acting(gus), at=timezone.now())
            wanted = Wanted(role="access-manager", application_id="iam-portal", user_id=ivy.id)
            assign(tenant=gamma, wanted=wanted, by=acting(gus), at=timezone.now())
            deletion.delete(tenant=gamma, user_id=gus.id, by=factories.SYSTEM, at=timezone.now())
        sent = len(mail.outbox)
        with committing():
            town.olga.post(of(gamma, "invite-again"), email="olga@example.org")
            reply = town.rest(
                "POST", f"organizations/{gamma.pk}/resend-invitation", {"email": "olga@example.org"}
            )
        assert (reply.status_code, reply.json()["code"]) == (409, "organization_joined")
        with tenant_scope(gamma.id):
            assert User.objects.get(username="ivy").email == "ivy@example.org"
        assert len(mail.outbox) == sent
        assert town.olga.get(of(gamma)).context["page"]["state"] == "active", "and the page says the same"

    def test_nor_where_everybody_has_gone(self, town: Installation) -> None:
        gamma = factories.make_tenant("gamma", at=timezone.now())
        with pytest.raises(founding.OrganizationJoined):
            founding.invite_again(tenant=gamma, by=town.olga.actor, at=timezone.now())
