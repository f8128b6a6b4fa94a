"""One's own links to identity providers: seen, added, removed; and what ends with them at applications."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import TestCase

from accesscontrol.models import Authorization
from iam_portal.walls import tenant_scope
from tenants.actions import identity_links, identity_providers
from tenants.models import HistoryEvent, IdentityLink, ProviderArrival, User, UserSession
from tests.accesscontrol.oauth.people import Person, arrive
from tests.accesscontrol.oauth.there import There, anna, host, there
from tests.support.authenticating import with_app
from tests.support.coming_from import make_provider
from tests.support.factories import SYSTEM, make_user, sign_in

__all__ = ["host", "there"]
OWN = "/t/globex/account/identities"


def links(there: There) -> set[tuple[str, str]]:
    with tenant_scope(there.tenant.id):
        return set(IdentityLink.objects.values_list("user__username", "subject"))


def history(there: There, *actions: str) -> list[str]:
    with tenant_scope(there.tenant.id):
        rows = HistoryEvent.objects.filter(tenant_id=there.tenant.id, action__in=actions)
        return list(rows.order_by("id").values_list("action", flat=True))


def forget_password(there: There, user: User) -> None:
    with tenant_scope(there.tenant.id):
        user.set_unusable_password()
        user.save(update_fields=["password"])


def proof_is_old(there: There) -> None:
    with tenant_scope(there.tenant.id):
        UserSession.objects.update(created_at=there.at - timedelta(hours=5))


# --- seen -------------------------------------------------------------------------------------------------


def test_his_own_are_shown_and_nobody_elses(there: There) -> None:
    user = anna(there)
    there.links(make_user(there.tenant, "berta", at=there.at), "berta-1")
    there.local(user)
    text = there.browser.get("/t/globex/account").content.decode()
    assert "None is linked." in text and f'href="{OWN}"' in text
    text = there.browser.get(OWN).content.decode()
    assert "Add Corp login" in text and "Remove" not in text
    there.links(user)
    text = there.browser.get(OWN).content.decode()
    assert f"{OWN}/corp/remove" in text and "never" in text and "Add Corp login" not in text
    assert "anna-1" not in text and "berta" not in text
    there.changes(enabled=False)
    assert "switched off by your organization" in there.browser.get(OWN).content.decode()


def test_without_providers_the_account_says_nothing_of_them(there: There) -> None:
    there.local(anna(there))
    there.changes(enabled=False)
    assert OWN not in there.browser.get("/t/globex/account").content.decode()
    assert "Your organization has none" in there.browser.get(OWN).content.decode()


# --- added ------------------------------------------------------------------------------------------------


def test_he_adds_one_by_signing_in_there(there: There) -> None:
    there.local(anna(there))
    asked = there.asked_by(there.browser.get(f"{OWN}/corp/add"))
    reply = there.comes_back(asked["state"])
    assert reply["Location"] == f"{OWN}/link"
    assert links(there) == set(), "not before he has said so"
    assert "anna@corp.example" in there.browser.get(f"{OWN}/link").content.decode()
    with TestCase.captureOnCommitCallbacks(execute=True):
        reply = there.browser.post(f"{OWN}/link")
    assert reply["Location"] == OWN and links(there) == {("anna", "anna-1")}
    assert history(there, "identity.linked") == ["identity.linked"]
    [sent] = mail.outbox[-1:]
    assert "Corp login" in sent.body and "anna-1" not in sent.body
    there.browser.post(f"{OWN}/link")
    assert history(there, "identity.linked") == ["identity.linked"], "sent twice, it is one"


def test_adding_and_removing_ask_for_a_recent_proof(there: There) -> None:
    user = anna(there)
    there.local(user)
    there.links(user)
    proof_is_old(there)
    for reply in (there.browser.get(f"{OWN}/corp/add"), there.browser.post(f"{OWN}/corp/remove")):
        assert reply["Location"].startswith("/t/globex/account/confirm")
    assert links(there) == {("anna", "anna-1")}


def test_what_one_session_began_no_other_ends(there: There) -> None:
    """A browser that was slipped the way back of somebody else links nothing, and nobody comes in by it."""
    there.local(anna(there))
    asked = there.asked_by(there.browser.get(f"{OWN}/corp/add"))
    for user in (make_user(there.tenant, "berta", at=there.at), None):
        began = dict(there.browser.cookies)
        there.browser.cookies.clear()
        there.browser.cookies.update({k: v for k, v in began.items() if k.startswith("iam_there")})
        if user is not None:
            there.local(user)
            text = there.comes_back(asked["state"]).content.decode()
            assert "<code>sign_in_elsewhere" in text
            asked = there.asked_by(there.browser.get(f"{OWN}/corp/add"))
        else:
            there.fails("sign_in_elsewhere", there.comes_back(asked["state"]))
    assert there.host.forms == [], "the provider was not even asked"
    with tenant_scope(there.tenant.id):
        assert not ProviderArrival.objects.exists() and not IdentityLink.objects.exists()


def test_an_account_that_is_somebodys_is_not_taken(there: There) -> None:
    there.links(make_user(there.tenant, "berta", at=there.at))
    there.local(anna(there))
    asked = there.asked_by(there.browser.get(f"{OWN}/corp/add"))
    text = there.comes_back(asked["state"]).content.decode()
    assert "<code>identity_taken" in text and "berta" not in text
    assert links(there) == {("berta", "anna-1")}
    assert there.browser.get("/t/globex/account").context["account"]["name"].lower().startswith("anna")


@pytest.mark.parametrize("key", ["nobody", "off"])
def test_one_that_is_not_there_or_off_is_not_found(there: There, key: str) -> None:
    there.local(anna(there))
    with tenant_scope(there.tenant.id):
        make_provider(there.tenant, "off", at=there.at, enabled=False)
    assert there.browser.get(f"{OWN}/{key}/add").status_code == 404
    assert there.browser.post(f"{OWN}/{key}/remove").status_code == 404


# --- removed ----------------------------------------------------------------------------------------------


def test_he_removes_one_and_is_out_where_it_let_him_in(there: There) -> None:
    user = anna(there)
    there.links(user)
    with tenant_scope(there.tenant.id):
        elsewhere = sign_in(user, at=there.at)
    there.token["auth_time"] = int(there.at.timestamp())
    there.signs_in()
    assert "Remove the sign-in by Corp login?" in there.browser.get(f"{OWN}/corp/remove").content.decode()
    with TestCase.captureOnCommitCallbacks(execute=True):
        there.browser.post(f"{OWN}/corp/remove")
    assert links(there) == set() and history(there, "identity.unlinked") == ["identity.unlinked"]
    assert "Corp login" in mail.outbox[-1].body
    assert there.browser.get("/t/globex/account").status_code == 302, "out here"
    with tenant_scope(there.tenant.id):
        assert UserSession.objects.get(user=user, ended_at=None), "and in where he came otherwise"
    assert elsewhere and there.signs_in()["Location"] == "/t/globex/sign-in/arrival"


def test_the_last_way_in_stays(there: There) -> None:
    user = anna(there)
    there.links(user)
    there.local(user)
    with_app(user, at=there.at)  # a second factor alone lets nobody in
    forget_password(there, user)
    assert "It is your only way in" in there.browser.get(OWN).content.decode()
    page = there.browser.post(f"{OWN}/corp/remove", follow=True).content.decode()
    assert "It is your only way in" in page and links(there) == {("anna", "anna-1")}
    with tenant_scope(there.tenant.id):
        other = make_provider(there.tenant, "other", at=there.at, enabled=False)
        given = {"tenant": there.tenant, "provider": other, "created_at": there.at}
        IdentityLink.objects.create(**given, user=user, subject="a")
    there.browser.post(f"{OWN}/corp/remove")
    assert ("anna", "anna-1") in links(there), "one that is off lets nobody in"
    there.browser.post(f"{OWN}/other/remove")
    assert links(there) == {("anna", "anna-1")}
    with tenant_scope(there.tenant.id):
        type(other).objects.filter(pk=other.pk).update(enabled=True)
        IdentityLink.objects.create(**given, user=user, subject="a")
    for key in ("corp", "other"):  # of two, one goes
        there.browser.post(f"{OWN}/{key}/remove")
    assert links(there) == {("anna", "a")}


# --- what ends at applications ----------------------------------------------------------------------------


def off(there: There, user: User) -> None:
    there.changes(enabled=False)


def deleted(there: There, user: User) -> None:
    with tenant_scope(there.tenant.id):
        identity_providers.delete(tenant=there.tenant, key=there.provider.key, by=SYSTEM, at=there.at)


def unlinked(there: There, user: User) -> None:
    given = {"tenant": there.tenant, "provider": there.provider, "by": SYSTEM, "at": there.at}
    with tenant_scope(there.tenant.id):
        identity_links.remove(**given, user_id=user.pk)


def by_himself(there: There, user: User) -> None:
    there.local(user)
    there.browser.post(f"{OWN}/corp/remove")


def offline(person: Person) -> dict[str, Any]:
    return person.tokens(scope="openid offline_access")


@pytest.mark.parametrize("ends", [off, deleted, unlinked, by_himself])
def test_what_stays_signed_in_by_itself_ends_with_the_providers_word(
    there: There, ends: Callable[[There, User], None]
) -> None:
    jane = arrive(there.world)
    berta = Person(there.world, make_user(there.tenant, "berta", at=there.at))
    there.links(jane.user)
    jane.sign_in()
    by_password = offline(jane)["refresh_token"]
    there.signs_in()
    jane.browser.cookies = there.browser.cookies
    by_provider = offline(jane)["refresh_token"]
    assert jane.refresh(by_provider).status_code == 200
    by_provider = jane.rows(Authorization.objects.exclude(by_provider=None))
    ends(there, jane.user)
    [ended] = jane.rows(Authorization.objects.exclude(by_provider=None))
    assert (ended.ended_at, ended.ended_because) == (there.at, "provider") and len(by_provider) == 1
    assert jane.refresh(by_password).status_code == 200, "what began otherwise goes on"
    assert berta.rows(Authorization.objects.filter(user=berta.user)) == []


def test_a_code_from_before_begins_nothing_afterwards(there: There) -> None:
    jane = arrive(there.world)
    there.links(jane.user)
    there.signs_in()
    jane.browser.cookies = there.browser.cookies
    code, late = (jane.code(scope="openid offline_access") for _ in range(2))
    token = jane.exchange(code).json()["refresh_token"]
    unlinked(there, jane.user)
    assert jane.exchange(late).json()["error"] == "invalid_grant"
    assert jane.refresh(token).json()["error"] == "invalid_grant"


def test_anothers_goes_on(there: There) -> None:
    jane = arrive(there.world)
    there.links(jane.user)
    there.links(make_user(there.tenant, "berta", at=there.at), "berta-1")
    there.signs_in()
    jane.browser.cookies = there.browser.cookies
    token = offline(jane)["refresh_token"]
    with tenant_scope(there.tenant.id):
        berta = User.objects.get(username="berta", tenant=there.tenant)
    unlinked(there, berta)
    assert jane.refresh(token).status_code == 200


# --- out by an application --------------------------------------------------------------------------------


def test_an_applications_sign_out_goes_on_to_the_provider_and_back(there: There) -> None:
    jane = arrive(there.world)
    there.world.set_client("acme.meter", post_logout_redirect_uris="https://meter.example/out")
    there.links(jane.user)
    there.describes(end_session_endpoint=there.host.url("/end"))
    there.signs_in()
    jane.browser.cookies = there.browser.cookies
    hint = jane.tokens()["id_token"]
    path = f"/iam/auth/realms/{there.tenant.id}/protocol/openid-connect/logout"
    sent = {"id_token_hint": hint, "post_logout_redirect_uri": "https://meter.example/out", "state": "x"}
    reply = there.browser.get(path, sent)
    address = reply["Location"]
    assert reply.status_code == 302 and address.startswith(there.host.url("/end?"))
    assert hint not in address and "meter.example" not in address
    state = re.findall(r"[?&]state=([^&]+)", address)[0]
    for guess in ("", "guessed"):
        text = there.browser.get(f"/t/globex/sign-in?here=yes&state={guess}").content.decode()
        assert "meter.example" not in text
    back = f"/t/globex/sign-in?here=yes&state={state}"
    assert "meter.example" not in type(there.browser)().get(back).content.decode(), "a stranger's browser"
    assert "meter.example" not in there.browser.get(back.replace("globex", "acme")).content.decode()
    text = there.browser.get(back).content.decode()
    assert 'href="https://meter.example/out?state=x"' in text
    assert "meter.example" not in there.browser.get(back).content.decode(), "once"
    assert there.browser.get("/t/globex/account").status_code == 302


def test_who_was_asked_goes_there_too(there: There) -> None:
    there.links(anna(there))
    there.describes(end_session_endpoint=there.host.url("/end"))
    there.signs_in()
    text = there.browser.post("/t/globex/sign-out/asked", {"onward": "forged"}).content.decode()
    [address] = re.findall(r'href="(https://[^"]+)"', text)
    assert address.startswith(there.host.url("/end?")) and "state=" not in address
    assert there.browser.get("/t/globex/account").status_code == 302
