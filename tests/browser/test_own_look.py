"""An organization's own look, and the list of events that follows what happens."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.drawing import PNG, chunk, head, rows
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGIN = Login("hansalog", "finn.petersen", "correct-horse-hansalog")
ROOT = f"/t/{LOGIN.slug}"


def save(page: Page, **given: str | bool) -> None:
    """The form of the branding."""
    page.goto(f"{ROOT}/settings/branding")
    page.get_by_label("Name").fill(str(given["name"]))
    page.get_by_label("Colour").fill(str(given["colour"]))
    page.get_by_label("Show all of it").set_checked(bool(given["shown"]))
    page.get_by_role("button", name="Save", exact=True).click()


@pytest.fixture
def logo(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logo.png"
    path.write_bytes(PNG + head(64, 32) + chunk(b"IDAT", zlib.compress(rows(64, 32))) + chunk(b"IEND"))
    yield path


def test_a_look_from_the_form_to_the_sign_in_page(
    opened: Opener, running_portal: RunningPortal, logo: Path
) -> None:
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    save(page, name="Hansa", colour="#fc0", shown=True)
    expect(page.get_by_role("button", name="Save with #7f6500")).to_be_visible()
    watch.examine(page)
    page.get_by_role("button", name="Save with #7f6500").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")
    page.goto(f"{ROOT}/settings/branding/logo")
    page.get_by_label("Picture").set_input_files(logo)
    page.get_by_role("button", name="Save logo").click()
    expect(page.get_by_alt_text("The logo, as it is shown")).to_have_js_property("naturalWidth", 64)
    watch.examine(page)
    for path in ("/settings", "/contracts", "/assignments/add"):
        page.goto(ROOT + path)
        watch.examine(page)
    stranger, other = opened()
    stranger.goto(f"{ROOT}/sign-in")
    expect(stranger.locator(".gate-brand")).to_have_text("Hansa")
    expect(stranger.locator(".gate-note")).to_contain_text(LOGIN.slug)
    colour = stranger.evaluate("getComputedStyle(document.querySelector('.btn-primary')).backgroundColor")
    assert colour == "rgb(127, 101, 0)"
    other.examine(stranger)
    page.goto(f"{ROOT}/settings/branding")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove logo").click()
    save(page, name="", colour="", shown=False)
    stranger.reload()
    expect(stranger.locator(".gate-brand")).to_have_text("IAM portal")


def test_a_list_that_follows(opened: Opener, running_portal: RunningPortal) -> None:
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    page.goto(f"{ROOT}/events?kind=application")
    expect(page.get_by_role("button", name="Following")).to_be_visible()
    act = page.context.new_page()
    act.goto(f"{ROOT}/register-application")
    act.get_by_label("Name", exact=True).fill("Seen at once")
    act.get_by_label("Technical name").fill("seen-at-once")
    act.get_by_role("button", name="Next").click()
    act.get_by_label("Decide later").check()
    act.get_by_role("button", name="Next").click()
    expect(act).to_have_url(re.compile("/applications/"))
    page.bring_to_front()
    first = page.locator("#list tbody tr").first
    expect(first).to_contain_text("iam.application.", timeout=15_000)
    expect(page.locator("tr.is-new").first).to_be_visible(timeout=15_000)
    expect(page.locator("#status")).to_have_text("New events stand at the top.")
    page.get_by_role("button", name="Following").click()
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()
    watch.examine(page)


def test_without_scripts_it_is_reloaded(opened: Opener, running_portal: RunningPortal) -> None:
    page, _watch = opened(scripts=False)
    browsing.sign_in(page, running_portal.address, LOGIN)
    page.goto(f"{ROOT}/events?kind=contract")
    expect(page.locator("[data-live-switch]")).to_be_hidden()
    page.get_by_role("link", name="Reload").click()
    expect(page).to_have_url(re.compile("kind=contract$"))
