"""Apache's mod_auth_openidc with our documented configuration signs people in, in a real browser."""

import secrets
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page

from tests.browser.conftest import Opener
from tests.support import gateways
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.gateways import Gateway
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EVERY_REQUEST = 300  # seconds: the whole life of an access token


@pytest.fixture(scope="module")
def gateway(running_portal: RunningPortal) -> Iterator[Gateway]:
    """For the story's target. Before each request it asks whether the person may still be there."""
    command = gateways.apache("mod_auth_openidc")
    target = running_portal.story["target"]
    owner, client_id = Console.of(running_portal, "provider"), target["applicationId"]
    credentials = f"""
        OIDCClientID {client_id}
        OIDCClientSecret {target["clientSecret"]}
        OIDCCryptoPassphrase {secrets.token_urlsafe(32)}
    """
    with gateways.application() as application:
        values = gateways.values_of(running_portal, application)
        values["REFRESH_SECONDS"] = EVERY_REQUEST
        with gateways.running("apache-sign-in.conf", command, values, secret=credentials) as (port, child):
            found = Gateway(port, application.heard, child)
            owner.change_client(
                client_id,
                redirectUris=[f"{found.address}/signed-in"],
                postLogoutRedirectUris=[f"{found.address}/"],
            )
            yield found
            owner.change_client(client_id, redirectUris=[], postLogoutRedirectUris=[])


def signed_in(page: Page, gateway: Gateway, login: Login) -> None:
    """By the page of the organization, back at the address that was asked for."""
    page.goto(f"{gateway.address}/machines?page=2")
    assert f"/t/{login.slug}/sign-in" in page.url
    assert gateway.passed == []
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{gateway.address}/machines?page=2")
    assert page.get_by_role("heading", name="Application").is_visible()


def test_a_person_signs_in_until_the_contract_is_paused(
    opened: Opener, running_portal: RunningPortal, gateway: Gateway
) -> None:
    story = running_portal.story
    page, _ = opened()
    gateway.passed.clear()
    page.set_extra_http_headers(dict.fromkeys(("X-Iam-User", "X_Iam_User", "OIDC_CLAIM_sub"), "forged"))

    signed_in(page, gateway, Login.of(story["consumer"]))

    heard = gateway.passed[-1]
    assert len(heard["x-iam-user"]) == 36
    assert heard["x-iam-tenant"] == story["consumer"]["tenantId"]
    assert "forged" not in heard.values()
    assert not [name for name in heard if "token" in name], "tokens stay in the gateway"

    with gateways.paused(running_portal):
        before = len(gateway.passed)
        page.goto(f"{gateway.address}/machines")
        assert page.get_by_role("heading", name="You cannot sign in to this application").is_visible()
        assert len(gateway.passed) == before
    page.goto(f"{gateway.address}/machines")
    assert page.get_by_role("heading", name="Application").is_visible()


def test_a_program_is_not_sent_to_a_page(gateway: Gateway) -> None:
    gateway.passed.clear()
    assert gateway.get().status_code == 401
    assert gateway.get("nonsense").status_code == 401
    assert gateway.passed == []


def test_an_answer_that_nobody_asked_for_is_refused(gateway: Gateway) -> None:
    """Login by somebody else's code: the state that belongs to it is in no cookie of this browser."""
    gateway.passed.clear()
    reply = requests.get(
        f"{gateway.address}/signed-in?code=stolen&state=made-up", headers={"Accept": "text/html"}, timeout=10
    )
    assert reply.status_code >= 400
    assert gateway.passed == []
