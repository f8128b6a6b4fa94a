"""The other pages: accessible light and dark, nothing cut off on a narrow screen, the dialog by keyboard."""

from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGOUT = "/auth/realms/acme/protocol/openid-connect/logout"
PAGES = [
    "applications",
    "applications/{target}/access",
    "applications/{target}/credentials",
    "applications/{target}/keys/new",
    "applications/{target}/issuers/new",
    "applications/{target}/clients/{target}",
    "register-application",
    "contracts?state=paused",
    "contracts?q=nothing-like-this",
    "contracts?show=ending",
    "network",
    "network?at=2020-01-01T00:00",
    "users",
    "users/invite",
    "groups",
    "assignments",
    "assignments/add",
    "access",
    "access?application={target}",
    "access?application=iam-portal&at=2020-01-01T00:00&other=2040-01-01T00:00",
    "access/decision",
    "access/decision?who=a&application=iam-portal&resource=none&privilege=read",
    "access/token?client={target}&grant=client_credentials&target=iam-portal",
    "partners",
    "partners/invite",
    "webhooks",
    "webhooks/new",
    "scim-tokens",
    "scim-tokens/new",
    "activity",
    "account",
    "events",
    "events?kind=contract&since=2020-01-01T00:00",
    "events?subject=nothing-like-this",
    "reports",
    "reports/administrators",
    "reports/credentials",
    "reports/contracts-in-force",
    "reports/idle-accounts?days=9999",
    "account/change",
    "account/copy",
    "account/confirm",
    "account/factors",
    "account/factors/app",
    "account/factors/passkey",
    "settings/second-factors",
    "settings/workbook",
    "account/email",
    "account/password",
    "search",
    "search?q=a",
    "search?q=nothing-like-this",
    "settings",
    "settings/branding",
    "settings/identity-providers",
    "settings/new-identity-provider",
    "settings/branding/logo",
    "settings/passwords",
    "settings/life-times",
    "settings/deleted-people",
    LOGOUT,
    "contracts/00000000-0000-0000-0000-000000000000",
]
NARROW = {"width": 390, "height": 800}
WIDE = {"width": 1280, "height": 800}
_PLANT = """() => {
  document.head.append(document.createElement("style"));
  document.head.lastChild.textContent = "p { color: red }";
  document.querySelector("h1").style.color = "silver";
  document.querySelector("h1").style.background = "white";
  setTimeout(() => { throw new Error("planted error"); });
}"""
_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("part", range(9))
def test_every_page_is_accessible_and_fits(opened: Opener, running_portal: RunningPortal, part: int) -> None:
    story = running_portal.story
    login = Login.of(story["provider"])
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    for path in PAGES[part::9]:
        below = path.format(target=story["target"]["applicationId"])
        page.goto(urljoin(f"/t/{login.slug}/", below))
        watch.examine(page)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a TypedDict
        if page.evaluate(_TOO_WIDE):
            watch.troubles.append(f"{path}: too wide for a narrow screen")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_the_watch_sees_what_it_watches_for(opened: Opener, running_portal: RunningPortal) -> None:
    """A planted style, error and pale heading: else a calm watch would prove nothing."""
    page, watch = opened()
    page.goto(f"/t/{running_portal.story['provider']['slug']}/sign-in")
    page.evaluate(_PLANT)
    watch.examine(page)
    found = "\n".join(watch.troubles)
    watch.troubles.clear()
    for sign in (
        "policy violated: style-src",
        "planted error",
        "light: color-contrast",
        "dark: color-contrast",
    ):
        assert sign in found


def test_the_reference_of_the_api_opens(opened: Opener, running_portal: RunningPortal) -> None:
    """Under the policy of every page: nothing inline, no foreign host. The console leads to it."""
    login = Login.of(running_portal.story["provider"])
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.goto(f"/t/{login.slug}/")
    page.locator(".shell-top .menu-end summary").click()
    page.get_by_role("link", name="REST API").click()
    page.locator("[data-tag=assignments]").click(timeout=60_000)  # drawn late on a busy machine
    expect(page.get_by_text("List assignments")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html.dark-mode")).to_be_visible()


def test_who_may_not_is_told_why(opened: Opener, running_portal: RunningPortal) -> None:
    provider = Login.of(running_portal.story["provider"])
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, Login(provider.slug, "sam.porter", provider.password))
    watch.examine(page)
    answer = page.goto(f"/t/{provider.slug}/users")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator(".why-chain")).to_contain_text("permission_not_held")
    watch.examine(page)


def test_the_dialog_by_keyboard(opened: Opener, running_portal: RunningPortal) -> None:
    """Opened and left by keys alone; nothing is done."""
    story = running_portal.story
    login = Login.of(story["provider"])
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.goto(f"/t/{login.slug}/contracts/{story['contractId']}")
    menu = page.locator(".page-actions summary")
    menu.press("Enter")
    page.get_by_role("link", name="Pause contract").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".page-name .state")).to_have_text("In force")


def test_a_list_is_filtered_without_a_new_page(opened: Opener, running_portal: RunningPortal) -> None:
    """The address follows, so that the view can be sent to a colleague."""
    login = Login.of(running_portal.story["provider"])
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.goto(f"/t/{login.slug}/contracts")
    page.evaluate("() => { window.stillTheSame = true; }")
    page.locator(".filters-search input[type=search]").focus()
    page.keyboard.type("Ferrum")
    expect(page).to_have_url(f"{running_portal.address}/t/{login.slug}/contracts?q=Ferrum")
    rows = page.locator("#list tbody tr")
    expect(rows.filter(has_not_text="Ferrum")).to_have_count(0)
    assert page.evaluate("() => window.stillTheSame") is True


def test_who_is_asked_to_sign_out_does(opened: Opener, running_portal: RunningPortal) -> None:
    """By the form of that page, as a browser sends it, with the origin that its policy leaves."""
    login = Login.of(running_portal.story["provider"])
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.goto(LOGOUT)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    watch.examine(page)
    page.goto(f"/t/{login.slug}/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
