"""Roles and what an application declares, in the browser: accessible, narrow, with scripts and without."""

import itertools
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = [
    "roles",
    "roles?q=nothing-like-this",
    "roles/night-shift-lead",
    "roles/night-shift-lead/holders",
    "roles/night-shift-lead/edit",
    "roles/night-shift-lead/delete",
    "roles/of/iam-portal/access-manager",
    "applications/{target}/resources",
    "applications/{target}/served",
    "applications/{target}/calls",
    "applications/{target}/callers",
    "applications/{target}/manifest",
    "applications/{target}/manifest/edit",
]
NARROW, WIDE = {"width": 390, "height": 800}, {"width": 1280, "height": 800}
_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
_numbers = itertools.count(1)


def look(page: Page, watch: object) -> None:
    watch.examine(page)  # type: ignore[attr-defined]
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a TypedDict
    assert not page.evaluate(_TOO_WIDE), page.url
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_every_page_is_accessible_and_fits(opened: Opener, running_portal: RunningPortal) -> None:
    story = running_portal.story
    login = Login.of(story["provider"])
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    for path in PAGES:
        below = path.format(target=story["target"]["applicationId"])
        answer = page.goto(urljoin(f"/t/{login.slug}/", below))
        assert answer is not None
        assert answer.ok, path
        look(page, watch)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_role_is_made_and_narrowed(opened: Opener, running_portal: RunningPortal, scripts: bool) -> None:
    """What was ticked and typed stays while one searches; less is asked about before it is done."""
    login = Login.of(running_portal.story["provider"])
    page, watch = opened(scripts=scripts)
    browsing.sign_in(page, running_portal.address, login)
    name = f"Lookout {next(_numbers)}"
    page.goto(f"/t/{login.slug}/create-role")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("read on Alarms").check()
    page.get_by_label("Search resources").fill("machine")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_label("read on Alarms")).to_have_count(0)
    page.get_by_label("read on Machines").check()
    expect(page.get_by_text("1 resource changed, not saved yet")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    if scripts:
        look(page, watch)
    page.get_by_role("button", name="Make role").click()
    expect(page.get_by_role("status").get_by_text(f"The role {name} is there.")).to_be_visible()
    expect(page.locator("tbody .matrix-name")).to_have_count(2)


@pytest.mark.parametrize("scripts", [True, False])
def test_an_application_is_registered_in_steps(
    opened: Opener, running_portal: RunningPortal, scripts: bool
) -> None:
    login = Login.of(running_portal.story["provider"])
    page, watch = opened(scripts=scripts)
    browsing.sign_in(page, running_portal.address, login)
    name = f"Lookout {next(_numbers)}"
    page.goto(f"/t/{login.slug}/register-application")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Technical name").fill(name.lower().replace(" ", "-"))
    page.get_by_role("button", name="Next").click()
    page.get_by_label("A service with a secret").check()
    if scripts:
        look(page, watch)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("A service with a secret")).to_be_checked()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Register application").click()
    expect(page.locator("#snippet-1")).to_contain_text("curl -u")
    if scripts:
        look(page, watch)
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
