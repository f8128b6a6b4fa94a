"""An administrator tries a provider: each step and claim, no secret, and nobody comes in by it."""

import re
from typing import Any

import pytest

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import IdentityLink, ProviderArrival, UserSession
from tests.accesscontrol.oauth.issuing import says
from tests.accesscontrol.oauth.there import SECRET, There, host, there
from tests.support.coming_from import make_mapper
from tests.support.factories import SYSTEM, make_group, make_user

__all__ = ["host", "there"]
TRY = "/t/globex/settings/identity-providers/corp/try"


@pytest.fixture
def trying(there: There) -> There:
    """Who looks after providers is signed in; the provider is off still."""
    max_ = make_user(there.tenant, "max", at=there.at)
    wanted = Wanted(role="identity-provider-manager", application_id=PORTAL_ID, user_id=max_.id)
    assignments.assign(tenant=there.tenant, wanted=wanted, by=SYSTEM, at=there.at)
    there.local(max_)
    there.changes(enabled=False)
    with tenant_scope(there.tenant.id):
        group = make_group(there.tenant, "Dispatch", at=there.at)
        about = {"kind": "group", "group": group, "claim": "groups", "value": "g", "template": ""}
        make_mapper(there.provider, max_, at=there.at, **about)
    return there


def page_of(there: There, **answer: Any) -> str:
    asked = there.asked_by(there.browser.get(TRY))
    reply = there.comes_back(asked["state"], **answer)
    text = reply.content.decode()
    assert reply.status_code == 200, text
    assert SECRET not in text and "access-1" not in text, "no secret"
    assert not re.search(r"eyJ[\w-]{12,}\.", text), "no token"
    with tenant_scope(there.tenant.id):
        assert not IdentityLink.objects.exists() and not ProviderArrival.objects.exists()
        assert UserSession.objects.filter(ended_at=None).count() == 1
    return text


def test_each_step_and_claim_is_shown(trying: There) -> None:
    trying.claims |= {"groups": ["g", "<b>x</b>"], "nonce_like": 1}
    text = page_of(trying)
    for shown in ("anna@corp.example", "groups = g", "Dispatch", "&lt;b&gt;x", "The ID token is signed"):
        assert shown in text, shown
    assert "Nobody is linked to this account" in text


def test_the_step_that_fails_is_named(trying: There) -> None:
    trying.token = {"aud": "another"}
    text = page_of(trying)
    assert "The code was taken" in text and "token_audience" in text and "is signed by a key" not in text
    asked = trying.asked_by(trying.browser.get(TRY))
    trying.host.answers["/token"] = says(401)
    assert b"code_refused status_401" in trying.comes_back(asked["state"]).content
    trying.describes(issuer="https://other.example")
    assert b"provider_unreachable other_issuer" in trying.browser.get(TRY).content


def test_only_who_began_it_sees_it(trying: There) -> None:
    """The claims of whoever is signed in at the provider are not a colleague's to see."""
    asked = trying.asked_by(trying.browser.get(TRY))
    del trying.browser.cookies[cookie_name(trying.tenant.id)]
    trying.fails("sign_in_elsewhere", trying.comes_back(asked["state"]))
    asked = trying.host.forms
    trying.local(make_user(trying.tenant, "eve", at=trying.at))
    assert trying.browser.get(TRY).status_code == 403
    assert asked == [], "and no code is redeemed for another"


def test_the_page_of_a_new_one_stands_among_them(trying: There) -> None:
    """Its address is beside the list's, because every word below that may be a key."""
    text = trying.browser.get("/t/globex/settings/new-identity-provider").content.decode()
    [marked] = set(re.findall(r'<a[^>]*href="([^"]+)"[^>]*aria-current="page"', text))
    assert marked == "/t/globex/settings/identity-providers"
