"""Signing in, beside what the story of a user shows of it."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def login(running_portal: RunningPortal) -> Login:
    return Login.of(running_portal.story["provider"])


def fill(page: Page, login: Login, password: str) -> None:
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/t/{slug}/contracts?state=paused", "/t/{slug}/contracts?state=paused"),
        ("https://elsewhere.example/t/{slug}/", "/t/{slug}/"),
        ("//elsewhere.example/", "/t/{slug}/"),
    ],
)
def test_back_to_where_one_was_going(
    opened: Opener, running_portal: RunningPortal, login: Login, wanted: str, reached: str
) -> None:
    page, _watch = opened()
    way: dict[str, Any] = {"slug": login.slug}
    if wanted.startswith("/t/"):
        page.goto(wanted.format(**way))
    else:
        page.goto(f"/t/{login.slug}/sign-in?next={wanted.format(**way)}")
    fill(page, login, login.password)
    expect(page).to_have_url(running_portal.address + reached.format(**way))


def test_another_organization_than_the_last_one(opened: Opener, login: Login) -> None:
    page, watch = opened()
    page.goto("/")
    asked = page.get_by_label("Organization, or your e-mail address")
    asked.fill(login.slug)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="another organization").click()
    watch.examine(page)
    page.get_by_role("button", name=f"Forget {login.slug}").click()
    expect(page.get_by_role("link", name=f"Continue at {login.slug}")).to_have_count(0)
    asked.fill("nobody@example.org")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    watch.examine(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_what_was_typed_as_a_password_can_be_looked_at(opened: Opener, login: Login, scripts: bool) -> None:
    page, _watch = opened(scripts=scripts)
    page.goto(f"/t/{login.slug}/sign-in")
    typed, show = page.get_by_label("Password"), page.get_by_role("button", name="Show")
    typed.fill(login.password)
    if not scripts:
        expect(show).to_be_hidden()
        return
    show.click()
    expect(typed).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(typed).to_have_attribute("type", "password")
    expect(typed).to_have_value(login.password)
