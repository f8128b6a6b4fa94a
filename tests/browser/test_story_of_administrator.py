"""What an administrator does on the day somebody joins: from the invitation to the activity log."""

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

GROUP = "Monitoring team"
_numbers = itertools.count(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_somebody_joins(opened: Opener, running_portal: RunningPortal, scripts: bool) -> None:
    login = Login.of(running_portal.story["provider"])
    administrator = Person(opened(scripts=scripts), login.slug, scripts=scripts)
    administrator.sign_in(running_portal.address, login)
    number = next(_numbers)
    name, username, role = f"Iris Falk {number}", f"iris.falk.{number}", f"Watch {number}"

    invite(administrator, name, username)
    put_into_group(administrator, username)
    make_role(administrator, role)
    give_role(administrator, name, role)
    see_what_he_may(administrator, name, role)
    change_a_setting(administrator, 2 + number % 10)


def invite(administrator: Person, name: str, username: str) -> None:
    administrator.follow("Users")
    administrator.choose("Invite a person")
    email = f"{username}@example.org"
    administrator.fill({"Name": name, "E-mail address": email, "User name": username})
    administrator.press("Send invitation")
    administrator.assert_told(email)


def put_into_group(administrator: Person, username: str) -> None:
    administrator.follow("Groups")
    page = administrator.page
    page.locator("main").get_by_role("link", name=GROUP, exact=True).click()
    page.locator(".adding input[list]").fill(username)
    administrator.press("Add")
    expect(page.locator("#list")).to_contain_text(username)
    administrator.look()


def make_role(administrator: Person, role: str) -> None:
    administrator.follow("Roles")
    administrator.choose("Make a role")
    administrator.fill({"Name": role})
    administrator.page.get_by_label("read on Alarms").check()
    administrator.press("Make role")
    administrator.assert_told(f"The role {role} is there.")
    administrator.look()


def give_role(administrator: Person, name: str, role: str) -> None:
    """From the person's page, for a month."""
    administrator.follow("Users")
    page = administrator.page
    page.locator("main").get_by_role("link", name=name, exact=True).click()
    page.locator("main").get_by_role("link", name="Assign a role").click()
    page.get_by_role("radio", name=re.compile(f"^{role}")).check()
    end = datetime.now() + timedelta(days=30)
    page.get_by_label(re.compile("^Until|^To|^Ends")).fill(f"{end:%Y-%m-%dT00:00}")
    administrator.look()
    administrator.press("Assign role")
    held = page.locator(".held li").filter(has_text=role)
    expect(held.locator(".state")).to_have_text("In force")
    expect(held).to_contain_text(f"until {end.day} {end:%b %Y}")
    administrator.look()


def see_what_he_may(administrator: Person, name: str, role: str) -> None:
    """In the access explorer, with the chain that decides."""
    administrator.follow("Access")
    page = administrator.page
    page.locator("main").get_by_role("link", name="Condition Monitoring").click()
    page.locator(".filters-search input[type=search]").fill(name)
    page.keyboard.press("Enter")
    rows = page.locator("#list .held > li")
    expect(rows.filter(has_not_text=name)).to_have_count(0)
    key = role.lower().replace(" ", "-")
    row = rows.filter(has_text=key)
    row.get_by_text("Why", exact=True).click()
    expect(row.locator(".why")).to_contain_text(f"The role {key} was assigned by Jane Roe")
    administrator.look()


def change_a_setting(administrator: Person, hours: int) -> None:
    """And it stands in the record."""
    administrator.follow("Settings")
    page = administrator.page
    title = page.get_by_role("heading", name="Lifetimes", exact=True)
    card = page.locator(".card").filter(has=title)
    card.get_by_role("link", name="Change").click()
    page.get_by_label(re.compile("^A sign-in to an application")).fill(f"{hours} h")
    administrator.press("Save")
    administrator.assert_title("Settings")
    expect(card).to_contain_text(f"{hours} hours")
    administrator.follow("Activity")
    page.get_by_role("link", name="Organization", exact=True).click()
    line = page.locator("#list .history > li").first
    expect(line).to_contain_text("Jane Roe changed lifetimes")
    line.get_by_text("Details", exact=True).click()
    expect(line.locator(".changes")).to_contain_text(f"{hours} hours")
    administrator.look()
