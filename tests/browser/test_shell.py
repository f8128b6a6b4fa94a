"""The shell in a browser: the search by keyboard, the theme, and forms that survive what happens to them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def login(running_portal: RunningPortal) -> Login:
    return Login.of(running_portal.story["provider"])


def come(page: Page, running_portal: RunningPortal, login: Login) -> str:
    browsing.sign_in(page, running_portal.address, login)
    return f"/t/{login.slug}/"


def test_the_search_by_keyboard(opened: Opener, running_portal: RunningPortal, login: Login) -> None:
    page, watch = opened()
    page.goto(come(page, running_portal, login))
    box, found = page.locator("[data-search]"), page.locator("#search-found")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("monitoring")
    expect(found).to_be_visible()
    expect(found.get_by_role("option").first).to_contain_text("Condition Monitoring")
    watch.examine(page)
    page.keyboard.press("ArrowDown")
    expect(found.locator("[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(found).to_be_hidden()
    expect(box).to_have_value("monitoring")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Condition Monitoring")
    page.locator("[data-search]").fill(running_portal.story["contractId"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(
        f"{running_portal.address}/t/{login.slug}/contracts/{running_portal.story['contractId']}"
    )


def test_the_search_without_scripts(opened: Opener, running_portal: RunningPortal, login: Login) -> None:
    page, _watch = opened(scripts=False)
    page.goto(come(page, running_portal, login))
    page.get_by_role("searchbox", name="Search this organization").fill("monitoring")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Condition Monitoring", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Condition Monitoring")


def test_light_dark_or_as_the_system(opened: Opener, running_portal: RunningPortal, login: Login) -> None:
    page, _watch = opened()
    page.emulate_media(color_scheme="light")
    root = come(page, running_portal, login)
    page.goto(root)
    html = page.locator("html")
    for choice, shown in (("Dark", "dark"), ("Light", "light"), ("As the system", "light")):
        page.locator(".menu-theme > summary").click()
        page.get_by_role("button", name=choice, exact=True).click()
        expect(html).to_have_attribute("data-bs-theme", shown)
        page.reload()
        expect(html).to_have_attribute("data-bs-theme", shown)
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("scripts", [True, False])
def test_whose_session_ran_out_gets_his_form_back(
    opened: Opener, running_portal: RunningPortal, login: Login, scripts: bool
) -> None:
    page, _watch = opened(scripts=scripts)
    root = come(page, running_portal, login)
    page.goto(f"{root}users/invite")
    name = 'Maria <script>alert("x")</script> \u05e9\u05dc\u05d5\u05dd 🦊'
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail address").fill("maria@example.org")
    page.get_by_label("User name").fill("maria")
    end_sessions(opened()[0], running_portal, login)
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Nothing was done yet")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    expect(page.get_by_label("E-mail address")).to_have_value("maria@example.org")


def end_sessions(page: Page, running_portal: RunningPortal, login: Login) -> None:
    """All others of this person, from another browser."""
    account = come(page, running_portal, login) + "account"
    page.goto(account)
    while page.locator("a[href*='/account/sessions/']").count():
        page.goto(str(page.locator("a[href*='/account/sessions/']").first.get_attribute("href")))
        page.locator("main form button[type=submit]").click()
        page.goto(account)


def test_two_tabs_and_the_back_button(opened: Opener, running_portal: RunningPortal, login: Login) -> None:
    """Both are asked what shall stand; a second click on the way changes nothing more."""
    page, watch = opened()
    root = come(page, running_portal, login)
    page.goto(f"{root}groups")
    page.locator(".tree-row a").first.click()
    page.get_by_role("link", name="Change").first.click()
    before = page.get_by_label("Purpose").input_value()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Purpose").fill("Of the other tab")
    other.get_by_role("button", name="Save").dblclick()
    expect(other.get_by_text("is changed.")).to_be_visible()
    page.get_by_label("Purpose").fill("Of this tab")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="This was changed meanwhile")).to_be_visible()
    watch.examine(page)
    page.get_by_label("As you typed it: Of this tab").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is changed.")).to_be_visible()
    other.go_back()
    expect(other.get_by_label("Purpose")).to_have_value("Of this tab")  # not what was typed there before
    other.get_by_label("Purpose").fill(before)
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("is changed.")).to_be_visible()
