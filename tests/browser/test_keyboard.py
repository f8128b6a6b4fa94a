"""The newer pages by Tab, Shift+Tab, Enter and Escape alone: everything is reached, seen, and left again."""

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGIN = Login("hansalog", "finn.petersen", "correct-horse-hansalog")
ROOT = f"/t/{LOGIN.slug}"
PROVIDERS = f"{ROOT}/settings/identity-providers"
PROVIDER = f"{PROVIDERS}/by-keys"
MOST = 200  # presses: a page that has more stops than this has a trap

# What has the focus, by a number of its own; and of a field of several parts, each press is one of them.
_AT = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return null;
  window.keyboardStops ??= new Map();
  const stops = window.keyboardStops;
  if (!stops.has(at)) stops.set(at, stops.size + 1);
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return {
    number: stops.get(at),
    name: (at.getAttribute("aria-label") || at.name || at.textContent || at.id).trim(),
    ring: at.matches(":focus-visible") && (outlined || style.boxShadow !== "none"),
    shown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""
# What somebody with a mouse could use in the page itself and no press has come to.
_MISSED = """() => {
  const offered = document.querySelectorAll(
    "main a[href], main button, main input:not([type=hidden]), main select, main textarea, main summary");
  return [...offered]
    .filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex >= 0)
    .filter((each) => each.type !== "radio" || each.checked)
    .filter((each) => !window.keyboardStops.has(each))
    .map((each) => each.outerHTML.slice(0, 120));
}"""


class Stop(NamedTuple):
    """An element that has the focus."""

    number: int
    name: str
    ring: bool
    shown: bool


def at(page: Page) -> Stop | None:
    found: dict[str, Any] | None = page.evaluate(_AT)
    return Stop(**found) if found else None


def walk(page: Page, key: str) -> list[int]:
    """Press until the page is left, or begins anew: what was come to, each once and each to be seen."""
    found: list[int] = []
    for _ in range(MOST):
        page.keyboard.press(key)
        stop = at(page)
        if stop is None or (found and stop.number == found[0] != found[-1]):
            return found
        assert stop.ring and stop.shown, (page.url, stop)
        if not found or stop.number != found[-1]:
            assert stop.number not in found, (page.url, stop)
            found.append(stop.number)
    raise AssertionError(f"{page.url}: no way out")


def both_ways(page: Page, address: str) -> None:
    """All of the page from its beginning to its end, and back in the opposite order."""
    page.goto(address)
    page.evaluate("document.activeElement.blur()")  # some forms begin in their first field
    page.goto(f"{page.url.partition('#')[0]}#")
    there = walk(page, "Tab")
    assert page.evaluate(_MISSED) == [], address
    while at(page) is not None:
        page.keyboard.press("Shift+Tab")
    back = walk(page, "Shift+Tab")
    assert back == there[::-1], address


def come_to(page: Page, name: str) -> None:
    """By Tab, until what is called so has the focus."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        stop = at(page)
        if stop is not None and stop.name == name:
            return
    raise AssertionError(f"{page.url}: nothing is called {name}")


def ask_and_leave(page: Page, name: str) -> None:
    """Open the question behind a link, go around in it, and leave it: the focus is where it was."""
    come_to(page, name)
    asking = at(page)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")
    for key in ("Tab",) * 5 + ("Shift+Tab",) * 5:
        page.keyboard.press(key)
        assert page.evaluate(
            "() => document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        ), "behind the question nothing is come to"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert at(page) == asking


def typed(page: Page, **fields: str) -> None:
    """Into fields by their names, in the order in which Tab comes to them."""
    for name, value in fields.items():
        come_to(page, name)
        page.keyboard.type(value)


@pytest.fixture
def page(opened: Opener, running_portal: RunningPortal) -> Page:
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    return page


def test_identity_providers_and_a_mapper(page: Page) -> None:
    both_ways(page, f"{ROOT}/settings/new-identity-provider")
    page.goto(f"{ROOT}/settings/new-identity-provider")
    given = {"name": "By keys", "key": "by-keys", "issuer": "https://127.0.0.1:9", "client_id": "portal"}
    typed(page, **given, client_secret="s3cret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keys")
    both_ways(page, PROVIDERS)
    both_ways(page, PROVIDER)
    both_ways(page, f"{PROVIDER}/mappers/new")


def test_the_workbook(page: Page) -> None:
    both_ways(page, f"{ROOT}/settings/workbook")


def test_ones_own_links(page: Page) -> None:
    both_ways(page, f"{ROOT}/account/identities")


def test_tokens_of_directories(page: Page) -> None:
    both_ways(page, f"{ROOT}/scim-tokens/new")
    page.goto(f"{ROOT}/scim-tokens/new")
    typed(page, note="By keys")
    page.keyboard.press("Enter")
    expect(page.locator("#secret-value")).to_contain_text("iamscim_")
    both_ways(page, f"{ROOT}/scim-tokens")
    page.goto(f"{ROOT}/scim-tokens")
    ask_and_leave(page, "Revoke")


def test_a_wide_table_is_a_stop_only_where_nothing_in_it_is_one(page: Page) -> None:
    """Chromium alone would let it be scrolled by keyboard anyway; others do not."""
    page.goto(f"{ROOT}/users")
    table = page.locator(".table-wrap").first
    table.locator("table").evaluate("(table) => { table.style.width = '4000px' }")
    page.wait_for_timeout(200)
    expect(table).not_to_have_attribute("tabindex", "0")
    table.evaluate("(wrap) => wrap.querySelectorAll('a, button, input').forEach((each) => each.remove())")
    table.locator("table").evaluate("(table) => { table.style.width = '4100px' }")
    expect(table).to_have_attribute("tabindex", "0")
    expect(page.get_by_role("region", name=table.locator("caption").inner_text())).to_have_count(1)
    table.locator("table").evaluate("(table) => { table.style.width = '' }")
    expect(table).not_to_have_attribute("tabindex", "0")
