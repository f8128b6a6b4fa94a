"""Signing in by an identity provider: in by a link, new by a switch, and nobody by an address."""

from datetime import timedelta
from typing import Any

import pytest

from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.models import (
    HistoryEvent,
    IdentityLink,
    ProviderArrival,
    User,
    UserSession,
)
from tests.accesscontrol.oauth.there import There, anna, host, session, there
from tests.support.factories import SYSTEM, make_user

__all__ = ["host", "there"]


# --- in ---------------------------------------------------------------------------------------------------


def test_who_is_linked_comes_in_where_he_wanted_to_go(there: There) -> None:
    user = anna(there)
    there.links(user)
    asked = there.asked(next="/t/globex/account")
    assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
    assert asked["redirect_uri"] == "http://testserver/t/globex/sign-in/by/corp/back"
    assert asked["scope"] == "openid email profile"
    reply = there.comes_back(asked["state"])
    assert (reply.status_code, reply["Location"]) == (302, "/t/globex/account")
    assert there.is_in and session(there, user).methods == ["fed"]
    assert there.browser.get("/t/globex/account").status_code == 200
    [(form, authorization)] = there.host.forms
    assert form["code_verifier"] and form["redirect_uri"] == asked["redirect_uri"]
    assert authorization.startswith("Basic ") and "client_secret" not in form


def test_the_way_in_is_on_the_sign_in_page(there: There) -> None:
    text = there.browser.get("/t/globex/sign-in?next=/t/globex/users").content.decode()
    assert "Sign in with Corp login" in text
    assert "/t/globex/sign-in/by/corp?next=%2Ft%2Fglobex%2Fusers" in text
    assert "Corp login" not in there.browser.get("/t/neighbour/sign-in").content.decode()
    there.changes(enabled=False)
    assert "Corp login" not in there.browser.get("/t/globex/sign-in").content.decode()


def test_the_default_goes_there_at_once_and_leaves_a_way_back(there: There) -> None:
    there.changes(is_default=True)
    reply = there.browser.get("/t/globex/sign-in?next=/t/globex/users")
    assert reply["Location"] == "/t/globex/sign-in/by/corp?next=%2Ft%2Fglobex%2Fusers"
    assert there.browser.get("/t/globex/sign-in?here=yes").status_code == 200
    user = anna(there)
    there.local(user)
    reply = there.browser.post("/t/globex/sign-out")
    assert reply["Location"] == "/t/globex/sign-in?here=yes"


@pytest.mark.parametrize(
    "address", ["globex/sign-in/by/nobody", "nowhere/sign-in/by/corp", "acme/sign-in/by/corp"]
)
def test_an_unknown_provider_and_an_unknown_organization_look_alike(there: There, address: str) -> None:
    for end in ("", "/back?code=c&state=s"):
        reply = there.browser.get(f"/t/{address}{end}")
        slug = address.partition("/")[0]
        assert (reply.status_code, reply["Location"]) == (302, f"/t/{slug}/sign-in?here=yes")


# --- new here ---------------------------------------------------------------------------------------------


def test_nobody_is_known_by_an_address(there: There) -> None:
    """E-mail takeover: a provider that says another's address, proven or not, does not become that person."""
    user = anna(there)
    for verified in (True, False, "true"):
        there.claims = {"sub": "mallory", "email": user.email.upper(), "email_verified": verified}
        there.changes(makes_people=verified is True)
        reply = there.signs_in()
        assert reply["Location"] == "/t/globex/sign-in/arrival" and not there.is_in
        text = there.browser.get(reply["Location"]).content.decode()
        assert "make my account" not in text
        reply = there.browser.post("/t/globex/sign-in/arrival", {"username": "anna2", "display_name": "Anna"})
        assert not there.is_in
    with tenant_scope(there.tenant.id):
        assert not IdentityLink.objects.exists()
        assert User.objects.filter(tenant=there.tenant).count() == 1


def test_a_new_person_confirms_who_he_is(there: There) -> None:
    there.changes(makes_people=True)
    reply = there.signs_in(next="/t/globex/account")
    text = there.browser.get(reply["Location"]).content.decode()
    assert "anna@corp.example" in text and 'value="Anna Arendt"' in text
    reply = there.browser.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "Anna A."})
    assert reply.status_code == 302 and there.is_in
    with tenant_scope(there.tenant.id):
        made = User.objects.get(tenant=there.tenant, username="anna")
        assert (made.email, made.email_proven_at) == ("anna@corp.example", there.at)
        assert not made.has_usable_password()
        assert not ProviderArrival.objects.exists()
        actions = HistoryEvent.objects.filter(tenant_id=there.tenant.id).values_list("action", flat=True)
        assert {"user.created", "identity.linked", "session.started"} <= set(actions)
    there.browser.cookies.clear()
    assert there.signs_in()["Location"] == "/t/globex/" and there.is_in


def test_a_new_person_needs_a_proven_address(there: There) -> None:
    there.changes(makes_people=True)
    there.claims["email_verified"] = "true"  # no word like it
    there.signs_in()
    assert (
        "is proven, so no account is made" in there.browser.get("/t/globex/sign-in/arrival").content.decode()
    )
    reply = there.browser.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "A"})
    assert reply.status_code == 200 and not there.is_in
    there.changes(trusts_email=True)
    there.browser.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "A"})
    assert there.is_in


@pytest.mark.parametrize(
    ("signed", "told", "proven"),
    [
        ({"email": "a@evil.example", "email_verified": None}, {"email_verified": True}, False),
        ({"email": None, "email_verified": True}, {"email": "a@evil.example"}, False),
        ({"email": None, "email_verified": True}, {"email": "a@x.example", "email_verified": False}, False),
        ({"email": None, "email_verified": None}, {"email": "a@x.example", "email_verified": True}, True),
        ({}, {"email": "other@evil.example", "email_verified": False}, True),
    ],
)
def test_an_address_and_its_proof_are_of_one_source(
    there: There, signed: dict[str, Any], told: dict[str, Any], proven: bool
) -> None:
    """The ID token's, where it has one; else userinfo's."""
    there.describes(userinfo_endpoint=there.host.url("/me"))
    there.host.answers["/me"] = {"sub": "anna-1", **told}
    there.token |= signed
    there.changes(makes_people=True)
    text = there.browser.get(there.signs_in()["Location"]).content.decode()
    assert ("is proven, so no account is made" not in text) == proven
    if proven and not signed:
        assert "anna@corp.example" in text and "evil" not in text


def test_nobody_is_made_unless_the_organization_wants_it(there: There) -> None:
    there.signs_in()
    assert "make my account" not in there.browser.get("/t/globex/sign-in/arrival").content.decode()
    there.browser.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "A"})
    assert not there.is_in
    assert there.browser.get("/t/neighbour/sign-in/arrival")["Location"] == "/t/neighbour/sign-in?here=yes"


def test_the_page_for_who_is_new_is_used_up(there: There) -> None:
    there.changes(makes_people=True)
    there.signs_in()
    cookies = dict(there.browser.cookies)
    there.browser.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "A"})
    there.browser.cookies.clear()
    there.browser.cookies.update(cookies)
    there.browser.post("/t/globex/sign-in/arrival", {"username": "berta", "display_name": "B"})
    assert not there.is_in
    with tenant_scope(there.tenant.id):
        assert User.objects.filter(tenant=there.tenant).count() == 1


# --- linking ----------------------------------------------------------------------------------------------


def test_who_proves_himself_here_links_his_account_there(there: There) -> None:
    user = anna(there)
    there.signs_in()
    page = there.browser.get("/t/globex/sign-in/arrival").content.decode()
    assert "next=%2Ft%2Fglobex%2Faccount%2Fidentities%2Flink" in page
    there.local(user)
    text = there.browser.get("/t/globex/account/identities/link").content.decode()
    assert "anna@corp.example" in text
    there.browser.post("/t/globex/account/identities/link")
    with tenant_scope(there.tenant.id):
        assert IdentityLink.objects.get().user_id == user.id
    there.browser.cookies.clear()
    assert there.signs_in()["Location"] == "/t/globex/"
    assert there.is_in


def test_linking_asks_for_a_recent_proof(there: There) -> None:
    user = anna(there)
    there.signs_in()
    there.local(user)
    there.world.clock.forward(minutes=14)
    with tenant_scope(there.tenant.id):
        UserSession.objects.update(created_at=there.at - timedelta(hours=5))
    reply = there.browser.post("/t/globex/account/identities/link")
    assert reply["Location"].startswith("/t/globex/account/confirm")
    with tenant_scope(there.tenant.id):
        assert not IdentityLink.objects.exists()


def test_an_account_there_is_one_person_here(there: There) -> None:
    """Foreign ``sub`` collision: neither a second person takes it, nor one person two of them."""
    there.links(anna(there))
    berta = make_user(there.tenant, "berta", at=there.at)
    there.claims["sub"] = "berta-1"
    there.signs_in()
    with tenant_scope(there.tenant.id):
        IdentityLink.objects.create(
            tenant=there.tenant, provider=there.provider, user=berta, subject="other", created_at=there.at
        )
    there.local(berta)
    there.browser.post("/t/globex/account/identities/link")
    with tenant_scope(there.tenant.id):
        assert set(IdentityLink.objects.values_list("subject", flat=True)) == {"anna-1", "other"}


def test_the_same_subject_of_another_provider_is_another_person(there: There) -> None:
    """A ``sub`` is unique at its issuer alone: the row is found by the provider and nothing else."""
    user = anna(there)
    there.links(user)
    with tenant_scope(there.tenant.id):
        other = there.provider
        other.pk, other.key, other.issuer = None, "other", there.host.url("/there")
        other._state.adding = True
        other.save()
    there.provider = other
    assert there.signs_in()["Location"] == "/t/globex/sign-in/arrival"
    assert not there.is_in


# --- who stays out ----------------------------------------------------------------------------------------


def test_who_is_deactivated_stays_out(there: There) -> None:
    user = anna(there)
    there.links(user)
    with tenant_scope(there.tenant.id):
        users.deactivate(tenant=there.tenant, user_id=user.id, by=SYSTEM, at=there.at)
    there.fails("account_closed")


def test_switched_off_ends_what_it_let_in(there: There) -> None:
    user = anna(there)
    there.links(user)
    there.signs_in()
    asked = there.world.browser
    there.changes(enabled=False)
    assert there.browser.get("/t/globex/account").status_code == 302
    assert there.browser.get(there.url())["Location"] == "/t/globex/sign-in?here=yes"
    assert asked is not None


def test_what_was_begun_before_it_was_switched_off_ends_there(there: There) -> None:
    there.links(anna(there))
    state = there.asked()["state"]
    there.changes(enabled=False)
    assert there.comes_back("guessed")["Location"] == "/t/globex/sign-in?here=yes", "as if it were not there"
    assert there.comes_back(state)["Location"] == "/t/globex/sign-in?here=yes"
    assert not there.is_in and there.host.forms == []
