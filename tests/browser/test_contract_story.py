"""The contract story in the browser, on both sides: with scripts, where acts are confirmed in a dialog, and
without, where each has a page of its own. It shares an application of its own; the demo's story stays."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of
from tests.support.watching import Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Person:
    """An administrator of one side, in a window of his own."""

    def __init__(self, page: Page, watch: Watch, base: str, login: Login, *, scripts: bool) -> None:
        self.page, self.watch, self.login, self.scripts = page, watch, login, scripts
        browsing.sign_in(page, base, login)

    def go(self, path: str) -> None:
        self.page.goto(f"/t/{self.login.slug}/{path}")
        self.look()

    def look(self) -> None:
        """Whatever is shown is also looked at by axe."""
        if self.scripts:
            self.watch.examine(self.page)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def act(self, name: str, *, comment: str = "") -> None:
        """Open the act's confirmation, look at it, confirm it."""
        link = self.page.locator(".page-actions").get_by_role("link", name=name, exact=True)
        if not link.is_visible():
            self.page.locator(".page-actions summary").click()
        link.click()
        asked = self._asked()
        expect(asked.get_by_role("heading", level=2)).to_be_visible()
        self.look()
        if comment:
            asked.get_by_label("Comment").fill(comment)
        asked.get_by_role("button", name=name, exact=True).click()
        expect(self.page.get_by_role("status").filter(has_text=re.compile(r"\w"))).to_be_visible()

    def _asked(self) -> Locator:
        if not self.scripts:
            return self.page.locator("main #confirm")
        dialog = self.page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        return dialog

    def assert_state(self, word: str, reason: str) -> None:
        """The badge beside the title, and the chain under it."""
        expect(self.page.locator(".page-name .state")).to_have_text(word)
        expect(self.page.locator(".why")).to_contain_text(reason)


@pytest.fixture
def stage(running_portal: RunningPortal) -> Stage:
    return made_of(running_portal.story)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_share_pause_resume_end(
    opened: Opener, running_portal: RunningPortal, stage: Stage, scripts: bool
) -> None:
    provider = person(opened, running_portal, "provider", scripts=scripts)
    consumer = person(opened, running_portal, "consumer", scripts=scripts)
    names = {one: one.page.locator(".shell-organization").inner_text() for one in (provider, consumer)}
    title = stage.target.client_id
    name = write_draft(provider, title, partner=names[consumer])
    provider.assert_state("Draft", "only your organization can see it")
    provider.act("Propose contract")
    provider.assert_state("Proposed", f"{names[consumer]} has not answered yet")
    contract = provider.page.url

    consumer.go("")
    waiting = consumer.page.get_by_role("listitem").filter(has_text=f"{name} from {names[provider]}")
    waiting.get_by_role("link", name="Answer").click()
    consumer.look()
    consumer.act("Accept contract")
    consumer.assert_state("In force", f"contract with {names[provider]} is in force")
    consumer.go(f"applications/{stage.target.client_id}")
    consumer.assert_state("Available", f"contract with {names[provider]} is in force")

    provider.page.goto(contract)
    provider.assert_state("In force", f"contract with {names[consumer]} is in force")
    provider.act("Pause contract", comment="Stocktaking")
    provider.assert_state("Paused", f"contract with {names[consumer]} was paused by")
    expect(provider.page.locator(".history")).to_contain_text("“Stocktaking”")
    consumer.go(f"applications/{stage.target.client_id}")
    consumer.assert_state("Paused", f"contract with {names[provider]} was paused by")
    consumer.page.locator(".why-chain a").first.click()
    consumer.assert_state("Paused", "your organization holds nothing by this contract until it is resumed")

    provider.act("Resume contract")
    provider.assert_state("In force", "holds the roles")
    provider.act("End contract")
    provider.assert_state("Ended", f"contract with {names[consumer]} was ended by")
    consumer.go(f"applications/{stage.target.client_id}")
    consumer.assert_state("Ended", f"contract with {names[provider]} was ended by")


def person(opened: Opener, portal: RunningPortal, side: str, *, scripts: bool) -> Person:
    page, watch = opened(scripts=scripts)
    return Person(page, watch, portal.address, Login.of(portal.story[side]), scripts=scripts)


def write_draft(provider: Person, application_id: str, *, partner: str) -> str:
    """Through the wizard, going back once; returns the application's name."""
    page = provider.page
    provider.go("contracts/new")
    page.get_by_label("Partner", exact=True).select_option(label=partner)
    page.get_by_label(re.compile("^Provision")).check()
    provider.press("Next")
    offered = page.locator("fieldset").filter(has=page.locator("code", has_text=application_id))
    name = offered.locator("legend").evaluate("legend => legend.firstChild.textContent.trim()")
    offered.get_by_label("viewer", exact=False).check()
    provider.look()
    provider.press("Next")
    page.get_by_label(re.compile("^Note")).fill("From the browser")
    provider.press("Back")
    expect(offered.get_by_label("viewer", exact=False)).to_be_checked()
    provider.press("Next")
    expect(page.get_by_label(re.compile("^Note"))).to_have_value("From the browser")
    provider.look()
    provider.press("Next")
    expect(page.locator("main form")).to_contain_text(str(name))
    provider.look()
    provider.press("Save draft")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{name} for {partner}")
    return str(name)
