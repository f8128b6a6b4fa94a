"""The pictures of the README and of the guides: who is signed in, where he goes, what he opens there."""

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from tests.support import browsing
from tests.support.browsing import Login

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
_SIZE = {"width": 1280, "height": 800}
_FIRST = "td.table-name a"
_MENU = ".page-actions .menu > summary"
_COMPANY = "settings/identity-providers/company"
OUTSIDE = "outside"  # nobody is signed in


class Picture(NamedTuple):
    """``path`` below the organization; ``clicks`` one after the other; ``last`` the lowest thing shown."""

    name: str
    who: str
    path: str
    clicks: tuple[str, ...] = ()
    last: str = ""


_README = (Picture("contract", "provider", "contracts?state=paused&side=provided", (_FIRST,), ".split"),)
_ADMINISTRATOR = (
    Picture("administrator-invite", "provider", "users/invite", last=".page-body"),
    Picture(
        "administrator-role", "provider", "create-role?application=acme.condition-monitoring", last="#matrix"
    ),
    Picture("administrator-assign", "provider", "assignments/add", ("main a:has-text('Sam Porter')",)),
    Picture(
        "administrator-access",
        "provider",
        "access?application=acme.condition-monitoring",
        (".held > li:first-child .more:last-of-type > summary",),
        "#list",
    ),
    Picture("administrator-provider", "provider", _COMPANY, last=".split"),
    Picture("administrator-provider-try", "provider", f"{_COMPANY}/try", last=".gate-card"),
    Picture("administrator-directory", "provider", "scim-tokens", last=".page-body"),
    Picture("administrator-activity", "provider", "activity?group=contracts", ("#list .more > summary",)),
)
_CONTRACT_MANAGER = (
    Picture("contracts-overview", "consumer", "", last=".page-body > .card"),
    Picture("contracts-proposal", "consumer", "contracts?state=proposed", (_FIRST,), ".split"),
    Picture(
        "contracts-pause",
        "provider",
        "contracts?state=in_force&side=provided",
        (_FIRST, _MENU, ".page-actions a[href$='/pause']"),
    ),
    Picture("contracts-network", "consumer", "network"),
)
_OPERATOR = (
    Picture("operator-organizations", "operator", "platform/organizations", last="#list"),
    Picture(
        "operator-suspend",
        "operator",
        "platform/organizations?state=active",
        (_FIRST, _MENU, ".page-actions a[href$='/suspend']"),
    ),
    Picture("operator-jobs", "operator", "platform/jobs"),
    Picture("operator-keys", "operator", "platform/keys"),
)
_USER = (
    Picture("user-company-login", OUTSIDE, "sign-in?here=yes", last=".gate-card"),
    Picture("user-overview", "plain", "", (".held .more > summary",)),
    Picture("user-account", "plain", "account", last=".page-body"),
    Picture("user-factors", "plain", "account/factors", last=".page-body"),
)
ALL = (*_README, *_ADMINISTRATOR, *_CONTRACT_MANAGER, *_OPERATOR, *_USER)


def draw(browser: Browser, base: str, logins: dict[str, Login]) -> int:
    """All of them anew, light; returns how many there are."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for who in dict.fromkeys(picture.who for picture in ALL):
        context = browser.new_context(
            viewport=_SIZE,  # type: ignore[arg-type]  # a TypedDict
            color_scheme="light",
            timezone_id=browsing.ZONE,
            ignore_https_errors=True,  # the company's provider is its own authority
            reduced_motion="reduce",
        )
        page = context.new_page()
        login = logins["provider" if who == OUTSIDE else who]
        if who != OUTSIDE:
            browsing.sign_in(page, base, login)
        for picture in ALL:
            if picture.who == who:
                page.goto(f"{base}/t/{login.slug}/{picture.path}")
                _take(page, picture)
        context.close()
    return len(ALL)


def _take(page: Page, picture: Picture) -> None:
    for selector in picture.clicks:
        link = page.locator(selector).first
        asks = link.get_attribute("data-dialog") is not None
        link.click()
        page.wait_for_timeout(300)  # a page is loaded
        if asks:
            page.locator("dialog[open] h2").wait_for()
    page.set_viewport_size({"width": _SIZE["width"], "height": _height(page, picture.last)})
    page.screenshot(path=PICTURES / f"{picture.name}.png")
    page.set_viewport_size(_SIZE)  # type: ignore[arg-type]  # a TypedDict


def _height(page: Page, last: str) -> int:
    """Down to the end of an element, and a little air."""
    if not last:
        return _SIZE["height"]
    box = page.locator(last).first.bounding_box()
    assert box is not None
    return round(box["y"] + box["height"] + 12)
