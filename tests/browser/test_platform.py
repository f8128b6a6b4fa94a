"""The operator of the platform at his pages, with and without scripts: accessible, and nothing cut off."""

from datetime import datetime, timedelta

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


def found(page: Page, name: str, slug: str) -> None:
    """By the form, as somebody types."""
    page.goto(f"{ROOT}/organizations/create")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Short name").fill(slug)
    page.get_by_label("First administrator").fill("Lena Östlund 🚀")
    page.get_by_label("E-mail address").fill(f"lena@{slug}.example.org")
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_text("The invitation is on its way to")).to_be_visible()
    expect(page.locator(".page-name .state")).to_have_text("Waiting for its administrator")


def examined(page: Page, watch: Watch) -> None:
    watch.examine(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a TypedDict
    if page.evaluate(_TOO_WIDE):
        watch.troubles.append(f"{page.url}: too wide for a narrow screen")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_a_day_of_an_operator(opened: Opener, running_portal: RunningPortal) -> None:
    """A new organization, one suspended by plan and let off again, the next keys; then every page."""
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, OPERATOR)
    page.get_by_role("link", name="Organizations").first.click()
    page.get_by_role("link", name="New organization").click()
    page.get_by_label("Short name").press_sequentially("acme")
    expect(page.locator("#slug-state")).to_have_text("It is taken.")
    found(page, "Östlund & Söhne", "oestlund")
    suspended_by_plan(page)
    page.goto(f"{ROOT}/keys/rotate")
    page.get_by_role("button", name="Publish the next keys").click()
    expect(page.get_by_text("The present ones sign until their turn comes.")).to_be_visible()
    for shot in pages_of(page, running_portal.address, OPERATOR.slug, whole=True):
        page.goto(shot.path)
        examined(page, watch)


def suspended_by_plan(page: Page) -> None:
    """In the dialog: other dates are another impact, which is shown before anything is done."""
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Suspend").click()
    start = datetime.now() + timedelta(days=3)
    page.get_by_label("Reason").fill("Unpaid")
    page.get_by_label("From").fill(f"{start:%Y-%m-%dT%H:%M}")
    for _ in range(2):
        page.get_by_role("button", name="Suspend organization").click()
        page.wait_for_load_state()
        if page.locator(".page-name .state").count():
            break
    expect(page.locator(".page-name .state")).to_have_text("Suspension planned")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Cancel the planned suspension").click()
    page.get_by_role("button", name="Cancel suspension").click()
    expect(page.locator(".page-name .state")).to_have_text("Waiting for its administrator")


def test_all_of_it_without_scripts(opened: Opener, running_portal: RunningPortal) -> None:
    page, _watch = opened(scripts=False)
    browsing.sign_in(page, running_portal.address, OPERATOR)
    found(page, "Fjell AS", "fjell")
    suspended_by_plan(page)
