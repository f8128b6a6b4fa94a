"""The operator of the platform at his pages: accessible, and nothing cut off."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.gallery_pages import pages_of
from tests.support.portal import RunningPortal
from tests.support.watching import Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPERATOR = Login("platform", "ines.calder", "correct-horse-platform")
ROOT = "/t/platform/platform"
NARROW, WIDE = {"width": 390, "height": 800}, {"width": 1280, "height": 800}
_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def examined(page: Page, watch: Watch) -> None:
    watch.examine(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a TypedDict
    if page.evaluate(_TOO_WIDE):
        watch.troubles.append(f"{page.url}: too wide for a narrow screen")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_every_page_is_accessible_and_fits(opened: Opener, running_portal: RunningPortal) -> None:
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, OPERATOR)
    page.get_by_role("link", name="Organizations").first.click()
    page.get_by_role("link", name="New organization").click()
    page.get_by_label("Short name").press_sequentially("acme")
    expect(page.locator("#slug-state")).to_have_text("It is taken.")
    invited = {
        "Name": "Fjell AS",
        "Short name": "fjell",
        "First administrator": "Liv",
        "E-mail": "liv@fjell.example",
    }
    for label, text in invited.items():
        page.locator("main").get_by_label(label).first.fill(text)
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator(".page-name .state")).to_have_text("Waiting for its administrator")
    page.goto(f"{ROOT}/keys/rotate")
    page.get_by_role("button", name="Publish the next keys").click()
    expect(page.get_by_text("The present ones sign until their turn comes.")).to_be_visible()
    for shot in pages_of(page, running_portal.address, OPERATOR.slug, whole=True):
        page.goto(shot.path)
        examined(page, watch)
