"""What a sign-in by an identity provider proves, and how it ends: second factors, proofs, signing out."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from iam_portal.walls import tenant_scope
from tenants.actions import identity_links, identity_providers, steps
from tenants.models import IdentityLink, IdentityProvider, SignInStep, User, UserSession
from tests.accesscontrol.oauth.there import CLIENT, SECRET, There, anna, host, session, there
from tests.support.authenticating import code, with_app
from tests.support.factories import SYSTEM

__all__ = ["host", "there"]


# --- second factors and proofs ----------------------------------------------------------------------------


def test_its_second_factor_is_not_ours(there: There) -> None:
    user = anna(there)
    there.links(user)
    with_app(user, at=there.at)
    there.token["amr"] = ["pwd", "mfa"]
    reply = there.signs_in()
    assert reply["Location"].startswith("/t/globex/sign-in/second") and not there.is_in
    with tenant_scope(there.tenant.id):
        assert SignInStep.objects.get().arrival.provider_id == there.provider.id


@pytest.mark.parametrize(
    ("chosen", "said", "counts"),
    [
        ({}, {"amr": ["mfa"]}, True),
        ({}, {"amr": ["pwd", "otp"]}, False),
        ({}, {"amr": "mfa"}, False),
        ({}, {}, False),
        ({}, {"acr": "gold"}, False),
        ({"second_factor_acr": "gold"}, {"acr": "gold"}, True),
        ({"second_factor_acr": "gold"}, {"acr": ["gold"]}, False),
    ],
)
def test_it_counts_where_the_organization_says_so_and_the_provider_shows_it(
    there: There, chosen: dict, said: dict, counts: bool
) -> None:
    user = anna(there)
    there.links(user)
    with_app(user, at=there.at)
    there.changes(trusts_second_factor=True, **chosen)
    there.token |= said
    reply = there.signs_in()
    assert there.is_in == counts, reply["Location"]
    if counts:
        assert session(there, user).methods == ["fed", "mfa"]


def test_only_what_is_signed_says_how_one_signed_in(there: There) -> None:
    user = anna(there)
    there.links(user)
    with_app(user, at=there.at)
    there.changes(trusts_second_factor=True, second_factor_acr="gold")
    there.describes(userinfo_endpoint=there.host.url("/me"))
    there.host.answers["/me"] = {"sub": "anna-1", "acr": "gold", "amr": ["mfa"]}
    there.signs_in()
    assert not there.is_in
    there.token["acr"] = "gold"
    there.signs_in()
    assert there.is_in


def test_the_second_step_knows_how_one_came(there: There) -> None:
    user = anna(there)
    there.links(user)
    secret, _ = with_app(user, at=there.at)
    there.describes(end_session_endpoint=there.host.url("/end"))
    there.signs_in()
    reply = there.browser.post("/t/globex/sign-in/second", {"code": code(secret, there.at)})
    assert reply.status_code == 302 and there.is_in
    found = session(there, user)
    assert found.methods == ["fed", "mfa", "otp"] and found.proven_at == there.at
    assert found.by_provider.provider_id == there.provider.id


def off(there: There, user: User) -> None:
    there.changes(enabled=False)


def off_and_on(there: There, user: User) -> None:
    there.changes(enabled=False)
    there.changes(enabled=True)


def deleted(there: There, user: User) -> None:
    with tenant_scope(there.tenant.id):
        identity_providers.delete(tenant=there.tenant, key=there.provider.key, by=SYSTEM, at=there.at)


def unlinked(there: There, user: User) -> None:
    given = {"tenant": there.tenant, "provider": there.provider, "by": SYSTEM, "at": there.at}
    with tenant_scope(there.tenant.id):
        identity_links.remove(**given, user_id=user.pk)


def off_under_it(there: There, user: User) -> None:
    """As one finds it who looked at his step just before."""
    with tenant_scope(there.tenant.id):
        IdentityProvider.objects.filter(pk=there.provider.pk).update(enabled=False)


def linked_anew_under_it(there: There, user: User) -> None:
    with tenant_scope(there.tenant.id):
        IdentityLink.objects.filter(user=user).update(subject="another")


@pytest.mark.parametrize("ends", [off, off_and_on, deleted, unlinked, off_under_it, linked_anew_under_it])
def test_who_stands_before_his_second_factor_is_out_with_his_provider(
    there: There, ends: Callable[[There, User], None]
) -> None:
    user = anna(there)
    there.links(user)
    secret, _ = with_app(user, at=there.at)
    assert there.signs_in()["Location"].startswith("/t/globex/sign-in/second")
    ends(there, user)
    there.browser.post("/t/globex/sign-in/second", {"code": code(secret, there.at)})
    assert not there.is_in
    with tenant_scope(there.tenant.id):
        assert not UserSession.objects.filter(user=user).exists()


def test_a_step_of_another_way_goes_on(there: There) -> None:
    """Only what was begun by this provider ends with it."""
    user = anna(there)
    there.links(user)
    with tenant_scope(there.tenant.id):
        token = steps.begin(user=user, at=there.at).token
        identity_links.remove(
            tenant=there.tenant, provider=there.provider, user_id=user.pk, by=SYSTEM, at=there.at
        )
        identity_providers.delete(tenant=there.tenant, key=there.provider.key, by=SYSTEM, at=there.at)
        assert steps.resolve(tenant=there.tenant, token=token, at=there.at)


def test_an_unlocked_browser_proves_nothing(there: There) -> None:
    """The provider may have let in whoever sat there: an act that wants a proof asks, unless it says when."""
    user = anna(there)
    there.links(user)
    there.signs_in()
    assert session(there, user).proven_at.year == 1970
    there.token["auth_time"] = int(there.at.timestamp()) - 30
    there.signs_in(again="yes")
    assert session(there, user).proven_at == there.at - timedelta(seconds=30)


def test_asked_anew_it_must_have_asked_anew(there: There) -> None:
    there.links(anna(there))
    for moment in (None, int(there.at.timestamp()) - 3_600):
        there.token["auth_time"] = moment
        asked = there.asked(again="yes")
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        there.fails("sign_in_old", there.comes_back(asked["state"]))


# --- out --------------------------------------------------------------------------------------------------


def test_signing_out_here_signs_out_there(there: There) -> None:
    there.links(anna(there))
    there.describes(end_session_endpoint=there.host.url("/end?x=1"))
    there.signs_in()
    text = there.browser.post("/t/globex/sign-out").content.decode()
    [address] = re.findall(r'href="(https://[^"]+)"', text)
    assert address.startswith(there.host.url("/end?x=1&amp;"))
    for part in (f"client_id={CLIENT}", "id_token_hint=eyJ", "sign-in%3Fhere%3Dyes"):
        assert part in address
    assert SECRET not in text
    assert there.browser.get("/t/globex/account").status_code == 302


def test_one_who_came_otherwise_is_out_at_once(there: There) -> None:
    there.local(anna(there))
    assert there.browser.post("/t/globex/sign-out")["Location"] == "/t/globex/sign-in"
