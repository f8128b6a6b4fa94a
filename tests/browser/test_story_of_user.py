"""What somebody without any office does: comes in, sees where he may go and why, keeps his account."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support.acting import Person
from tests.support.browsing import Login, add_device
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WHO = {True: "emil.krause", False: "sofia.renner"}  # each changes a password of his own
NEW = "a river under seven bridges"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_account_of_ones_own(opened: Opener, running_portal: RunningPortal, scripts: bool) -> None:
    story = running_portal.story["consumer"]
    login = Login(story["slug"], WHO[scripts], story["password"])
    user = Person(opened(scripts=scripts), login.slug, scripts=scripts)
    come_in(user, login)
    see_where_and_why(user)
    change_password(user, login.password, NEW)
    elsewhere, _watch = opened(scripts=scripts)
    Person((elsewhere, _watch), login.slug, scripts=scripts).sign_in(
        running_portal.address, Login(login.slug, login.username, NEW)
    )
    end_the_other_session(user)
    elsewhere.reload()
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()
    change_password(user, NEW, login.password)
    user.page.locator("summary[aria-label^=Account]").click()
    user.page.locator(".shell-top").get_by_role("button", name="Sign out").click()
    user.go("account")
    expect(user.page.get_by_role("heading", name="Sign in")).to_be_visible()
    if scripts:
        by_passkey(opened()[0], f"http://localhost:{urlsplit(running_portal.address).port}", login)


def come_in(user: Person, login: Login) -> None:
    """By the organization's name; a wrong password keeps what was typed beside it."""
    page = user.page
    page.goto("/")
    page.get_by_label("Organization, or your e-mail address").fill(login.slug)
    user.press("Continue")
    for password in ("not my password", login.password):
        page.get_by_label("User name").fill(login.username)
        page.get_by_label("Password").fill(password)
        user.press("Sign in")
        if password != login.password:
            expect(page.get_by_role("alert")).to_be_visible()
            expect(page.get_by_label("User name")).to_have_value(login.username)
            expect(page.get_by_label("Password")).to_have_value("")
            user.look()
    user.assert_title("Overview")


def see_where_and_why(user: Person) -> None:
    user.page.get_by_role("heading", name="Where you have access").scroll_into_view_if_needed()
    row = user.page.locator(".held > li").filter(has_text="through the group").first
    row.get_by_text("Why", exact=True).click()
    expect(row.locator(".why")).to_contain_text("It counts")
    user.look()


def change_password(user: Person, present: str, new: str) -> None:
    user.go("account/password")
    user.fill({"Present password": present, "New password": new, "New password once more": new})
    user.press("Change password")
    user.assert_told("")


def end_the_other_session(user: Person) -> None:
    user.go("account")
    here = user.page.locator(".card").filter(has=user.page.get_by_text("Where you are signed in", exact=True))
    expect(here.locator("li")).to_have_count(2)
    here.locator("li").filter(has_not_text="this browser").get_by_role("link", name="Sign out").click()
    user.asked().get_by_role("button").last.click()
    expect(here.locator("li")).to_have_count(1)


def by_passkey(page: Page, base: str, login: Login) -> None:
    """Made, and signed in with instead of the password; taken away again, as it was before."""
    add_device(page)
    Person((page, None), login.slug, scripts=True).sign_in(base, login)
    page.goto(f"{base}/t/{login.slug}/account/factors/passkey")
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="I have stored them").click()
    page.context.clear_cookies()
    page.goto(f"{base}/t/{login.slug}/sign-in?next=/t/{login.slug}/account/factors")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("cell", name="laptop")).to_be_visible()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No second factor yet")).to_be_visible()
