"""What an operator of the platform does: an organization from its first administrator to its suspension."""

import itertools
import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.support.acting import Person
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OPERATOR = Login("platform", "ines.calder", "correct-horse-platform")
PASSWORD = "a river under seven bridges"
_numbers = itertools.count(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_organization_comes_and_is_suspended(
    opened: Opener, running_portal: RunningPortal, scripts: bool
) -> None:
    operator = Person(opened(scripts=scripts), OPERATOR.slug, scripts=scripts)
    operator.sign_in(running_portal.address, OPERATOR)
    slug = f"oestlund-{next(_numbers)}"
    lena = Login(slug, f"lena@{slug}.example.org", PASSWORD)
    found(operator, lena)
    suspend_by_plan_and_let_off(operator)

    administrator = Person(opened(scripts=scripts), slug, scripts=scripts)
    come_in(administrator, running_portal, lena)
    suspend(operator, lena)
    find_the_door_shut(administrator, lena)

    operator.act("Resume organization", by="Resume")
    operator.assert_title(f"Östlund & Söhne {slug}")
    expect(operator.page.locator(".page-name .state")).to_have_text("Active")
    watch_the_machinery(operator)


def found(operator: Person, lena: Login) -> None:
    operator.follow("Organizations")
    operator.choose("New organization")
    operator.fill({"Name": f"Östlund & Söhne {lena.slug}", "Short name": lena.slug})
    operator.fill({"First administrator": "Lena Östlund 🚀", "E-mail address": lena.username})
    operator.press("Create organization")
    operator.assert_told("The invitation is on its way to")
    expect(operator.page.locator(".page-name .state")).to_have_text("Waiting for its administrator")


def suspend_by_plan_and_let_off(operator: Person) -> None:
    """Other dates are another impact, which is shown before anything is done."""
    state = operator.page.locator(".page-name .state")
    operator.choose("Suspend")
    asked = operator.asked()
    asked.get_by_label("Reason").fill("Unpaid")
    start = datetime.now() + timedelta(days=3)
    asked.get_by_label("From").fill(f"{start:%Y-%m-%dT%H:%M}")
    operator.press("Suspend organization")
    expect(operator.page.locator("main #confirm")).to_contain_text("Takes effect")
    operator.press("Suspend organization")
    expect(state).to_have_text("Suspension planned")
    operator.act("Cancel suspension", by="Cancel the planned suspension")
    expect(state).to_have_text("Waiting for its administrator")


def come_in(administrator: Person, portal: RunningPortal, lena: Login) -> None:
    """By the link in the mail: once, and with a password that is hers alone."""
    page = administrator.page
    [link] = re.findall(r"http\S+/set-password\?token=\S+", portal.mail_to(lena.username))
    page.goto(link)
    administrator.look()
    administrator.fill({"New password": PASSWORD, "New password once more": PASSWORD})
    administrator.press("Set password")
    administrator.sign_in(portal.address, lena)
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    administrator.look()


def suspend(operator: Person, lena: Login) -> None:
    """Now: who and what loses something is counted first."""
    page = operator.page
    page.reload()
    expect(page.locator(".page-name .state")).to_have_text("Active")
    operator.choose("Suspend")
    expect(operator.asked().locator(".confirm-counts")).to_contain_text("Person")
    operator.press("Suspend organization")
    expect(page.locator(".page-name .state")).to_have_text("Suspended")
    operator.look()


def find_the_door_shut(administrator: Person, lena: Login) -> None:
    """Her session is over, and the right password opens nothing."""
    administrator.go("users")
    administrator.page.get_by_label("User name").fill(lena.username)
    administrator.page.get_by_label("Password").fill(lena.password)
    administrator.press("Sign in")
    expect(administrator.page.get_by_role("alert")).to_be_visible()
    administrator.look()


def watch_the_machinery(operator: Person) -> None:
    for name, shown in (
        ("Jobs", "Availability compared with contracts"),
        ("Keys", "ES256"),
        ("System", "Wall"),
    ):
        operator.follow(name)
        expect(operator.page.locator("main")).to_contain_text(shown)
