"""Identity providers in a browser: set up by an administrator, seen and removed by a person; in German."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGIN = Login("hansalog", "finn.petersen", "correct-horse-hansalog")
ROOT = f"/t/{LOGIN.slug}"
PROVIDER = f"{ROOT}/settings/identity-providers/corp"


def set_up(page: Page) -> None:
    """One to which nobody gets from here: its address is a private one."""
    page.goto(f"{ROOT}/settings/new-identity-provider")
    expect(page.locator(".shell-side [aria-current=page]")).to_have_text("Identity providers")
    typed = {"name": "Corp login", "key": "corp", "issuer": "https://127.0.0.1:9", "client_id": "portal"}
    for name, value in {**typed, "client_secret": "s3cret"}.items():
        page.locator(f"main [name={name}]").fill(value)
    page.get_by_label("On", exact=True).check()
    page.get_by_role("button", name="Add identity provider").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Corp login")


def link(page: Page) -> None:
    page.goto(f"{PROVIDER}/people/add")
    page.locator("main [name=user]").fill(LOGIN.username)
    page.locator("main [name=subject]").fill("finn-1")
    page.get_by_role("button", name="Link person").click()
    expect(page).to_have_url(f"{page.url.split('/t/')[0]}{PROVIDER}")


def test_from_the_settings_to_ones_own_account(opened: Opener, running_portal: RunningPortal) -> None:
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    set_up(page)
    link(page)
    watch.examine(page)
    stranger, other = opened()
    stranger.goto(f"{ROOT}/sign-in")
    expect(stranger.get_by_role("link", name="Sign in with Corp login")).to_be_visible()
    other.examine(stranger)
    page.goto(f"{ROOT}/account")
    page.get_by_role("link", name="Accounts at providers").click()
    watch.examine(page)
    page.set_extra_http_headers({"Accept-Language": "de"})
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmeldung über andere Anbieter")
    watch.examine(page)
    page.get_by_role("link", name="Entfernen").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("heading", level=2)).to_have_text("Die Anmeldung über Corp login entfernen?")
    watch.examine(page)
    asked.get_by_role("button", name="Entfernen").click()
    page.get_by_role("link", name="Corp login hinzufügen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Diese Anmeldung hat nicht funktioniert")
    expect(page.locator("code").first).to_have_text("provider_unreachable")
    watch.examine(page)
