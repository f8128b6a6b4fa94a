"""One headless Chromium for all tests here, gone before any other: its loop would be in Django's way."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import browsing
from tests.support.absence import lacking
from tests.support.portal import RunningPortal
from tests.support.watching import AXE, Watch

HERE = Path(__file__).parent
PATIENCE = 20_000  # milliseconds: three workers share two processors
expect.set_options(timeout=PATIENCE)
Opener = Callable[..., tuple[Page, Watch]]


class _Kept:
    """The browser, from the first test that asks until the last one here is over."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._browser: Browser | None = None

    def browser(self, path: str) -> Browser:
        if self._browser is None:
            self._browser = self._open.enter_context(browsing.chromium(path))
        return self._browser

    def close(self) -> None:
        self._browser = None
        self._open.close()


_kept = _Kept()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if nextitem is None or not nextitem.path.is_relative_to(HERE):
            _kept.close()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is; asked before a portal is started for it."""
    path = browsing.installed()
    if path is None:
        lacking("Chromium is not installed (Debian: chromium)")
    if not AXE.exists():
        lacking("axe-core is not installed (make assets)")
    return path


@pytest.fixture
def browser(chromium: str, running_portal: RunningPortal) -> Browser:
    return _kept.browser(chromium)


@pytest.fixture
def opened(browser: Browser, running_portal: RunningPortal) -> Iterator[Opener]:
    """Opens a window of its own, with its own cookies; afterwards no window may have had trouble."""
    windows = []

    def open_window(*, scripts: bool = True, base: str = "") -> tuple[Page, Watch]:
        """``base``: of another web server, whose people are sent to a host that nobody vouches for."""
        context = browser.new_context(
            base_url=base or running_portal.address,
            ignore_https_errors=bool(base),
            timezone_id=browsing.ZONE,
            viewport={"width": 1280, "height": 800},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        watch = Watch(context)
        windows.append((context, watch))
        return context.new_page(), watch

    yield open_window
    for context, watch in windows:
        context.close()
        watch.assert_calm()
