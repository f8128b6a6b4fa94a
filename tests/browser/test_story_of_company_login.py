"""A company connects its own login, tries it, and its people come in by it; and its directory is let in."""

import itertools
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.support import other_provider
from tests.support.acting import Person
from tests.support.browsing import Login
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GROUP = "Monitoring team"
_numbers = itertools.count(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_people_come_in_by_their_company(
    opened: Opener, running_portal: RunningPortal, tmp_path: Path, scripts: bool
) -> None:
    """npm's oidc-provider is the company's; every page on the way is looked at."""
    login = Login.of(running_portal.story["provider"])
    number = next(_numbers)
    key, who = f"company-{number}", f"anna-{number}"
    there = other_provider.beside(running_portal, tmp_path, slug=login.slug, key=key, who=who)
    with there as (base, issuer):
        administrator = Person(opened(scripts=scripts, base=base), login.slug, scripts=scripts)
        administrator.sign_in(base, login)
        connect(administrator, key, issuer)
        try_it(administrator, key, who)
        map_the_group(administrator, key)
        switch_on(administrator, key)
        anna = Person(opened(scripts=scripts, base=base), login.slug, scripts=scripts)
        come_in(anna, key, who)
        administrator.page.reload()
        expect(administrator.page.locator("main")).to_contain_text(f"{who}-there")
        administrator.look()
        take_away(administrator, key)
        anna.page.reload()
        anna.assert_title("Sign in")


def connect(administrator: Person, key: str, issuer: str) -> None:
    administrator.follow("Identity providers")
    administrator.choose("Add an identity provider")
    administrator.look()
    about = {"Name": key, "Key": key, "Issuer": issuer, "Client id": other_provider.CLIENT}
    administrator.fill(about | {"Client secret": other_provider.SECRET})
    administrator.press("Add identity provider")
    administrator.assert_told(f"{key} is there. Try a sign-in with it.")
    administrator.look()


def try_it(administrator: Person, key: str, who: str) -> None:
    administrator.choose("Try a sign-in")
    main = administrator.page.locator("main")
    told = ("Nobody was signed in by this.", f"{who}@corp.example", "Nobody is linked to this account")
    for said in told:
        expect(main).to_contain_text(said)
    administrator.look()
    main.get_by_role("link", name="Back to the provider").click()
    administrator.assert_title(key)


def map_the_group(administrator: Person, key: str) -> None:
    administrator.choose("Add a mapper")
    main = administrator.page.locator("main")
    main.get_by_label("What it sets").select_option("group")
    main.get_by_label("Group", exact=True).select_option(label=GROUP)
    administrator.fill({"Claim": "groups", "Value": "g-1"})
    administrator.look()
    administrator.press("Save")
    administrator.assert_told("The mapper is there.")
    expect(main).to_contain_text("groups = g-1")
    administrator.look()


def switch_on(administrator: Person, key: str) -> None:
    administrator.choose("Change")
    main = administrator.page.locator("main")
    main.get_by_label("On", exact=True).check()
    main.get_by_label("Makes new people").check()
    administrator.look()
    administrator.press("Save")
    expect(administrator.page.locator(".page-name .state")).to_have_text("On")


def come_in(anna: Person, key: str, who: str) -> None:
    """By the button of the sign-in page; she is new, confirms it, and is in the mapped group."""
    anna.go("sign-in?here=yes")
    anna.look()
    anna.page.get_by_role("link", name=f"Sign in with {key}").click()
    anna.assert_title("You are new here")
    anna.look()
    anna.fill({"User name": who})
    anna.press("This is me: make my account")
    anna.page.wait_for_url(re.compile(f"/t/{anna.slug}/$"))
    expect(anna.page.locator("main")).to_contain_text(GROUP)


def take_away(administrator: Person, key: str) -> None:
    """Who came in by it is out with it."""
    administrator.act("Delete identity provider", by="Delete")
    administrator.assert_told("The identity provider is deleted.")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_directory_is_let_in_and_out(opened: Opener, running_portal: RunningPortal, scripts: bool) -> None:
    """Its token is shown once, and revoked from the list."""
    login = Login.of(running_portal.story["provider"])
    administrator = Person(opened(scripts=scripts), login.slug, scripts=scripts)
    administrator.sign_in(running_portal.address, login)
    administrator.follow("Directory (SCIM)")
    administrator.page.locator("main").get_by_role("link", name="New token").click()
    name = f"Directory {next(_numbers)}"
    administrator.fill({"Directory": name})
    administrator.press("Make token")
    expect(administrator.page.locator("#secret-value")).to_contain_text("iamscim_")
    administrator.look()
    administrator.page.get_by_role("link", name="I have stored it").click()
    row = administrator.page.get_by_role("row").filter(has_text=name)
    administrator.look()
    row.get_by_role("link", name="Revoke").click()
    asked = administrator.asked()
    administrator.look()
    asked.get_by_role("button", name="Revoke token").click()
    administrator.assert_told("Revoked.")
    expect(row).to_have_count(0)
