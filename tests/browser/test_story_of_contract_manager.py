"""What contract managers do, on both sides: with scripts, where acts are confirmed in a dialog, and without,
where each has a page of its own. They share an application of their own; the demo's story stays."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.support.acting import Person
from tests.support.browsing import Login
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANAGERS = {"provider": "carlos.vega", "consumer": "uwe.brandt"}


@pytest.fixture
def stage(running_portal: RunningPortal) -> Stage:
    return made_of(running_portal.story)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_offered_accepted_paused_resumed_ended(
    opened: Opener, running_portal: RunningPortal, stage: Stage, scripts: bool
) -> None:
    provider = manager(opened, running_portal, "provider", scripts=scripts)
    consumer = manager(opened, running_portal, "consumer", scripts=scripts)
    names = {one: one.page.locator(".shell-organization").inner_text() for one in (provider, consumer)}
    shared = stage.target.client_id
    name = write_draft(provider, shared, partner=names[consumer])
    provider.assert_state("Draft", "only your organization can see it")
    provider.act("Propose contract")
    provider.assert_state("Proposed", f"{names[consumer]} has not answered yet")
    contract = provider.page.url

    read_and_accept(consumer, name, names[provider])
    consumer.assert_state("In force", f"contract with {names[provider]} is in force")
    consumer.go(f"applications/{shared}")
    consumer.assert_state("Available", f"contract with {names[provider]} is in force")

    provider.page.goto(contract)
    provider.assert_state("In force", f"contract with {names[consumer]} is in force")
    provider.act("Pause contract", comment="Stocktaking")
    provider.assert_state("Paused", f"contract with {names[consumer]} was paused by Carlos Vega")
    expect(provider.page.locator(".history")).to_contain_text("“Stocktaking”")
    consumer.go(f"applications/{shared}")
    consumer.assert_state("Paused", f"contract with {names[provider]} was paused by")
    consumer.page.locator(".why-chain a").first.click()
    consumer.assert_state("Paused", "your organization holds nothing by this contract until it is resumed")

    provider.press("Undo")
    provider.assert_state("In force", "holds the roles")
    see_before_and_after(provider, names[consumer])
    provider.page.goto(contract)
    provider.act("End contract")
    provider.assert_state("Ended", f"contract with {names[consumer]} was ended by")
    consumer.go(f"applications/{shared}")
    consumer.assert_state("Ended", f"contract with {names[provider]} was ended by")


def manager(opened: Opener, portal: RunningPortal, side: str, *, scripts: bool) -> Person:
    login = Login.of(portal.story[side])
    person = Person(opened(scripts=scripts), login.slug, scripts=scripts)
    person.sign_in(portal.address, Login(login.slug, MANAGERS[side], login.password))
    return person


def write_draft(provider: Person, application_id: str, *, partner: str) -> str:
    """Through the wizard, going back once; returns the application's name."""
    page = provider.page
    provider.follow("Contracts")
    provider.choose("New contract")
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
    provider.assert_title(f"{name} for {partner}")
    return str(name)


def read_and_accept(consumer: Person, name: str, partner: str) -> None:
    """The overview says that somebody waits; the proposal, what it brings and what it opens."""
    consumer.go("")
    waiting = consumer.page.get_by_role("listitem").filter(has_text=f"{name} from {partner}")
    waiting.get_by_role("link", name="Answer").click()
    offer = consumer.page.locator(".card").filter(has=consumer.page.get_by_text("If you accept", exact=True))
    expect(offer.locator(".offer-name").first).to_have_text(name)
    expect(offer.locator(".offer li").first).to_contain_text("things: read")
    consumer.look()
    consumer.act("Accept contract")


def see_before_and_after(provider: Person, partner: str) -> None:
    """The network as it is, and as it was before anything was shared."""
    provider.follow("Network")
    shown = provider.page.locator("#network")
    expect(shown).to_contain_text(partner)
    shown.get_by_label(re.compile("^At")).fill("2020-01-01T00:00")
    shown.get_by_role("button", name="Show").click()
    expect(shown).not_to_contain_text(partner)
    provider.look()
    shown.get_by_role("link", name="Back to now").click()
    expect(shown).to_contain_text(partner)
