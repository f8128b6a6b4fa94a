"""Somebody at the console: goes, looks, presses and confirms, with scripts and without."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.support import browsing
from tests.support.browsing import Login
from tests.support.watching import Watch

_SAID = re.compile(r"\w")


class Person:
    """In a window of his own. Without scripts there is no axe: it runs where the same page has them."""

    def __init__(self, window: tuple[Page, Watch], slug: str, *, scripts: bool) -> None:
        self.page, self.watch = window
        self.slug, self.scripts = slug, scripts

    def sign_in(self, base: str, login: Login) -> None:
        browsing.sign_in(self.page, base, login)

    def go(self, path: str) -> None:
        self.page.goto(f"/t/{self.slug}/{path}")

    def follow(self, name: str) -> None:
        """By the navigation at the left."""
        self.page.locator(".shell-side").get_by_role("link", name=name).click()
        expect(self.page.locator(".shell-side [aria-current=page]")).to_contain_text(name)

    def look(self) -> None:
        """What is shown is also looked at by axe."""
        if self.scripts:
            self.watch.examine(self.page)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, fields: dict[str, str]) -> None:
        for label, text in fields.items():
            self.page.locator("main").get_by_label(label, exact=True).fill(text)

    def choose(self, name: str) -> None:
        """One of the page's acts, in the menu or beside it."""
        link = self.page.locator(".page-actions").get_by_role("link", name=name, exact=True)
        if not link.is_visible():
            self.page.locator(".page-actions summary").click()
        link.click()

    def asked(self) -> Locator:
        """The question before an act: a dialog, or without scripts a page."""
        asked = self.page.locator("dialog[open]" if self.scripts else "main #confirm")
        expect(asked.get_by_role("heading", level=2)).to_be_visible()
        return asked

    def act(self, name: str, *, by: str = "", comment: str = "") -> None:
        """Open the act's confirmation (``by`` its name in the menu), look at it, confirm it."""
        self.choose(by or name)
        asked = self.asked()
        self.look()
        if comment:
            asked.get_by_label("Comment").fill(comment)
        asked.get_by_role("button", name=name, exact=True).click()
        self.assert_told("")

    def assert_told(self, text: str) -> None:
        """The message at the top."""
        told = self.page.get_by_role("status").filter(has_text=text or _SAID)
        expect(told.first).to_be_visible()

    def assert_state(self, word: str, reason: str) -> None:
        """The badge beside the title, and the chain under it."""
        expect(self.page.locator(".page-name .state")).to_have_text(word)
        expect(self.page.locator(".why")).to_contain_text(reason)

    def assert_title(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)
