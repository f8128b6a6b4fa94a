"""The network in a browser: the slider by keyboard, the picture's links, and all of it without script."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_slider_moves_through_time_by_keyboard(opened: Opener, running_portal: RunningPortal) -> None:
    login = Login.of(running_portal.story["provider"])
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.goto(f"/t/{login.slug}/network")
    expect(page.locator(".network-turns strong")).to_have_text("Now")
    slider = page.get_by_label("Day", exact=True)
    before = int(slider.input_value())
    for number in (1, 2):
        slider.press("ArrowRight")
        expect(slider).to_have_value(str(before + number))
        expect(page.locator("input[name=was]")).to_have_value(str(before + number))
        expect(slider).to_be_focused()
    assert set(parse_qs(urlsplit(page.url).query)) == {"at"}, "an address that can be sent"
    page.get_by_role("searchbox", name="Search partners").fill("nothing like this")
    expect(page.locator("#list")).to_contain_text("Nothing matches")
    assert "at=" in page.url, "the search keeps the moment"
    page.goto(f"/t/{login.slug}/network")
    link = page.locator(".net a").first
    assert (link.get_attribute("href") or "").startswith(f"/t/{login.slug}/network/")
    link.press("Enter")
    page.wait_for_url("**/network/*")
    watch.examine(page)


def test_without_script_the_button_does_it(opened: Opener, running_portal: RunningPortal) -> None:
    login = Login.of(running_portal.story["provider"])
    page, _watch = opened(scripts=False)
    browsing.sign_in(page, running_portal.address, login)
    page.goto(f"/t/{login.slug}/network")
    slider = page.get_by_label("Day", exact=True)
    slider.press("ArrowRight")
    moved = slider.input_value()
    page.get_by_role("button", name="Show").click()
    expect(slider).to_have_value(moved)
    expect(page.locator(".network-turns strong")).not_to_have_text("Now")
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator(".network-turns strong")).to_have_text("Now")
