"""A headless Chromium for one module at a time: Playwright's event loop would be in Django's way."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support import browsing
from tests.support.absence import lacking
from tests.support.portal import RunningPortal
from tests.support.watching import AXE, Watch

Opener = Callable[..., tuple[Page, Watch]]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is; asked before a portal is started for it."""
    path = browsing.installed()
    if path is None:
        lacking("Chromium is not installed (Debian: chromium)")
    if not AXE.exists():
        lacking("axe-core is not installed (make assets)")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str, running_portal: RunningPortal) -> Iterator[Browser]:
    with browsing.chromium(chromium) as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, running_portal: RunningPortal) -> Iterator[Opener]:
    """Opens a window of its own, with its own cookies; afterwards no window may have had trouble."""
    windows = []

    def open_window(*, scripts: bool = True) -> tuple[Page, Watch]:
        context = browser.new_context(
            base_url=running_portal.address,
            timezone_id=browsing.ZONE,
            viewport={"width": 1280, "height": 800},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        watch = Watch(context)
        windows.append((context, watch))
        return context.new_page(), watch

    yield open_window
    for context, watch in windows:
        context.close()
        watch.assert_calm()
