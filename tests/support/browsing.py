"""A headless Chromium for the browser tests and the gallery: where it is, how it starts, who signs in."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ZONE = "Europe/Berlin"
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(frozen=True)
class Login:
    """Somebody of one organization."""

    slug: str
    username: str
    password: str

    @classmethod
    def of(cls, side: dict[str, Any]) -> "Login":
        """Of one side of the demo's story."""
        return cls(side["slug"], side["username"], side["password"])


def installed() -> str | None:
    """Where Chromium is, if it is."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A browser of one's own, stopped afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, base: str, login: Login) -> None:
    """By organization, user name and password, as people do."""
    page.goto(f"{base}/t/{login.slug}/sign-in")
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Sign in", exact=True).click()  # not the one of passkeys
    page.wait_for_url(f"{base}/t/{login.slug}/")


def add_device(page: Page) -> tuple[CDPSession, str]:
    """A device with passkeys, which Chromium plays: the debugger's session, and its name there.

    Chromium takes it away when another session of the debugger ends: no page is examined with it.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    return session, made["authenticatorId"]
