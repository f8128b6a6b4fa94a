"""Every page of the gallery is valid HTML, as the server sends it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import browsing
from tests.support.browsing import Login
from tests.support.gallery import logins_of
from tests.support.gallery_pages import OUTSIDE, pages_of
from tests.support.portal import RunningPortal
from tests.support.valid import faults_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WHO = ("provider", "operator", "plain")  # between them they open every page


def test_every_page_is_valid(browser: Browser, running_portal: RunningPortal, tmp_path: Path) -> None:
    logins = logins_of(running_portal.story)
    pages = read(browser, running_portal.address, "gate", None)
    for who in WHO:
        pages |= read(browser, running_portal.address, who, logins[who])
    assert {"gate-join", "provider-users", "provider-contracts", "operator-jobs"} <= set(pages)
    assert faults_in(pages, tmp_path) == []


def test_the_check_sees_what_it_checks(tmp_path: Path) -> None:
    """Else no faults would prove nothing."""
    page = "<!DOCTYPE html><html lang='en'><head><title>A</title></head><body>{}</body></html>"
    wrong = ("<p><div></div></p>", "<a href='/'><button>B</button></a>", "<i id='a'></i><b id='a'></b>")
    pages = {f"page-{number}": page.format(text) for number, text in enumerate(("<p>Good</p>", *wrong))}
    assert {fault.partition(",")[0] for fault in faults_in(pages, tmp_path)} == {"page-1", "page-2", "page-3"}


def read(browser: Browser, base: str, who: str, login: Login | None) -> dict[str, str]:
    """The pages of one person by their names, as they come, before any script."""
    context = browser.new_context(java_script_enabled=False)
    shots = OUTSIDE
    if login is not None:
        page = context.new_page()
        browsing.sign_in(page, base, login)
        shots = pages_of(page, base, login.slug, whole=who != "plain")
        page.close()
    pages = {}
    for path, name in {shot.path: shot.name for shot in shots}.items():
        answer = context.request.get(base + path)
        assert answer.status < 500, path
        pages[f"{who}-{name}"] = answer.text()
    context.close()
    return pages
