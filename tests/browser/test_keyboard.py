"""Pages by keyboard alone: everything is reached, what is reached is seen, and nothing holds one."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOGIN = Login("hansalog", "finn.petersen", "correct-horse-hansalog")
ROOT = f"/t/{LOGIN.slug}"
PROVIDER = f"{ROOT}/settings/identity-providers/by-keys"
PAGES = [
    f"{ROOT}/settings/identity-providers",
    f"{ROOT}/settings/new-identity-provider",
    PROVIDER,
    f"{PROVIDER}/mappers/new",
    f"{PROVIDER}/people/add",
    f"{ROOT}/settings/workbook",
    f"{ROOT}/account/identities",
    f"{ROOT}/scim-tokens",
    f"{ROOT}/scim-tokens/new",
]
# What a key can come to: shown, not switched off, and of radio buttons the one that stands for all.
_GATHER = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  window.stops = all.filter(one => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden"
    && one.checkVisibility({visibilityProperty: true}) && (one.type !== "radio" || one.checked));
  document.activeElement.blur();
  return window.stops.map(one => one.outerHTML.slice(0, 90));
}"""
_HERE = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {number: window.stops.indexOf(one), what: one.outerHTML.slice(0, 90),
    seen: (ringed || style.boxShadow !== "none") && inside};
}"""


def walk(page: Page, key: str) -> tuple[list[str], list[Any]]:
    """What there is, and where the key leads until it has been everywhere, or far too often."""
    stops = page.evaluate(_GATHER)
    been: list[Any] = []
    for _ in range(2 * len(stops) + 10):
        page.keyboard.press(key)
        here = page.evaluate(_HERE)
        if (
            here is not None
            and been
            and here["what"] == been[0]["what"]
            and here["number"] == been[0]["number"]
        ):
            return stops, been
        been += [here] if here is not None else []
    return stops, been


def troubles(page: Page, key: str) -> list[str]:
    stops, been = walk(page, key)
    reached = {one["number"] for one in been}
    missed = [what for number, what in enumerate(stops) if number not in reached]
    unseen = [one["what"] for one in been if not one["seen"]]
    held = [key] if len(been) > len(stops) + 5 else []
    return [
        *(f"not reached by {key}: {what}" for what in missed),
        *(f"not seen with the focus: {what}" for what in unseen),
        *(f"does not come round by {one}" for one in held),
    ]


def set_up(page: Page) -> None:
    """A provider that is off, once for all tests here."""
    page.goto(PROVIDER)
    if page.get_by_role("heading", name="Login by keys").count():
        return
    page.goto(f"{ROOT}/settings/new-identity-provider")
    typed = {
        "name": "Login by keys",
        "key": "by-keys",
        "issuer": "https://127.0.0.1:9",
        "client_id": "portal",
    }
    for name, value in {**typed, "client_secret": "s3cret"}.items():
        page.locator(f"main [name={name}]").fill(value)
    page.get_by_role("button", name="Add identity provider").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Login by keys")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_every_stop_is_reached_and_seen(opened: Opener, running_portal: RunningPortal, scripts: bool) -> None:
    page, _watch = opened(scripts=scripts)
    browsing.sign_in(page, running_portal.address, LOGIN)
    set_up(page)
    found = {}
    for path in PAGES:
        for key in ("Tab", "Shift+Tab"):
            page.goto(path)
            found[f"{path} {key}"] = troubles(page, key)
    assert {where: what for where, what in found.items() if what} == {}


def test_the_walk_sees_what_it_looks_for(opened: Opener, running_portal: RunningPortal) -> None:
    """A planted trap, and a stop without a ring: else a calm walk would prove nothing."""
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    page.goto(f"{ROOT}/settings/workbook")
    page.evaluate(
        """() => {
          const [held, pale] = document.querySelectorAll("main button, main a.btn");
          held.addEventListener("keydown", event => event.preventDefault());
          pale.style.setProperty("outline", "none", "important");
          pale.style.setProperty("box-shadow", "none", "important");
        }"""
    )
    found = "\n".join([*troubles(page, "Tab"), *troubles(page, "Shift+Tab")])
    assert all(sign in found for sign in ("not reached by Tab", "does not come round", "not seen with the"))


def test_a_mapping_is_made_by_keys_alone(opened: Opener, running_portal: RunningPortal) -> None:
    page, _watch = opened()
    browsing.sign_in(page, running_portal.address, LOGIN)
    set_up(page)
    page.locator(".page-actions summary").press("Enter")
    page.get_by_role("link", name="Add a mapper").press("Enter")
    page.wait_for_url(f"**{PROVIDER}/mappers/new")
    for name in ("kind", "when", "template"):
        for _ in range(60):
            if page.evaluate("() => document.activeElement.name") == name:
                break
            page.keyboard.press("Tab")
        if name == "template":
            page.keyboard.type("{given_name} by keys")
        else:
            page.keyboard.press("End" if name == "kind" else "Home")  # a name, at the first sign-in
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("{given_name} by keys")
    expect(page).to_have_url(f"{running_portal.address}{PROVIDER}")
