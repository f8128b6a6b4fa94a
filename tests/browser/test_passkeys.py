"""Passkeys in a real browser, with a device that Chromium plays; and second factors without any script."""

import re
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support.browsing import Login, add_device
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def base(running_portal: RunningPortal) -> str:
    """By name: at an address browsers have no passkeys."""
    return f"http://localhost:{urlsplit(running_portal.address).port}"


@pytest.fixture
def login(running_portal: RunningPortal) -> Login:
    """Somebody without roles: whoever else uses this portal does not meet his factors."""
    story = running_portal.story["provider"]
    return Login(story["slug"], "sam.porter", story["password"])


def with_password(page: Page, base: str, login: Login) -> None:
    page.goto(f"{base}/t/{login.slug}/sign-in")
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def remove_all(page: Page, base: str, login: Login) -> None:
    """As it was before, for who comes next."""
    page.goto(f"{base}/t/{login.slug}/account/factors")
    while page.get_by_role("link", name="Remove").count():
        path = page.get_by_role("link", name="Remove").first.get_attribute("href")
        page.goto(f"{base}{path}")
        page.get_by_role("button", name="Remove").click()
        page.wait_for_url(re.compile("/account/factors$"))


def test_a_passkey_from_making_to_removing(opened: Opener, base: str, login: Login) -> None:
    page, _watch = opened()
    session, device = add_device(page)
    with_password(page, base, login)
    page.goto(f"{base}/t/{login.slug}/account/factors")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    expect(page.locator("#recovery-codes")).to_have_text(re.compile(r"^(\w{5}-){3}\w{5}\s"))
    page.get_by_role("link", name="I have stored them").click()
    expect(page.get_by_role("cell", name="laptop")).to_be_visible()
    [credential] = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert credential["rpId"] == "localhost" and credential["isResidentCredential"]

    page.context.clear_cookies()
    with_password(page, base, login)
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{base}/t/{login.slug}/")

    page.goto(f"{base}/t/{login.slug}/account/confirm?next=/t/{login.slug}/account/factors")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{base}/t/{login.slug}/account/factors")
    remove_all(page, base, login)
    expect(page.get_by_role("heading", name="No second factor yet")).to_be_visible()


def test_who_cancels_is_told_and_may_try_again(opened: Opener, base: str, login: Login) -> None:
    page, _watch = opened()
    session, device = add_device(page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.goto(f"{base}/t/{login.slug}/sign-in")
    button = page.get_by_role("button", name="Sign in with a passkey")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    expect(button).to_be_enabled()


def test_at_an_address_there_are_no_passkeys(
    opened: Opener, running_portal: RunningPortal, login: Login
) -> None:
    page, _watch = opened()
    page.goto(f"/t/{login.slug}/sign-in")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_app(opened: Opener, base: str, login: Login, scripts: bool) -> None:
    page, watch = opened(scripts=scripts)

    def examine() -> None:
        if scripts:
            watch.examine(page)

    with_password(page, base, login)
    page.goto(f"{base}/t/{login.slug}/account/factors/app")
    secret = page.locator(".app-key").inner_text().replace(" ", "")
    page.get_by_label("Name").fill("phone")
    page.get_by_label("Code that the app shows").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Add the app").click()
    code = page.locator("#recovery-codes").inner_text().split()[0]
    examine()
    page.get_by_role("link", name="I have stored them").click()
    expect(page.get_by_role("cell", name="phone")).to_be_visible()
    examine()

    page.context.clear_cookies()
    with_password(page, base, login)
    expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)
    examine()
    page.get_by_label("Code").fill("not this one")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    examine()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(f"{base}/t/{login.slug}/")
    remove_all(page, base, login)
