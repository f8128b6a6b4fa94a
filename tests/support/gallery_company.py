"""The gallery's company: its identity provider, directory and receiver of signals, and their pages."""

import re
from typing import Any

import requests
from playwright.sync_api import Page

from iam_portal.launchers.story_check import Credentials
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.gallery_pages import Shot
from tests.support.other_provider import CLIENT, SECRET

KEY = "company"
PROVIDERS = "settings/identity-providers"
_PROVIDER = f"{PROVIDERS}/{KEY}"
# At the sign-in page of the company, where nobody is signed in.
OUTSIDE = (
    ("sign-in", "sign-in?here=yes"),
    ("new-here", f"sign-in/by/{KEY}"),
    ("refused-there", f"sign-in/by/{KEY}/back?error=access_denied"),
)
_PAGES = (
    ("providers", PROVIDERS),
    ("provider-new", "settings/new-identity-provider"),
    ("provider", _PROVIDER),
    ("provider-change", f"{_PROVIDER}/change"),
    ("provider-delete", f"{_PROVIDER}/delete"),
    ("provider-try", f"{_PROVIDER}/try"),
    ("mapper-new", f"{_PROVIDER}/mappers/new"),
    ("person-link", f"{_PROVIDER}/people/add"),
    ("directory", "scim-tokens"),
    ("directory-new", "scim-tokens/new"),
    ("webhooks", "webhooks"),
    ("copy-own", "account/copy"),
)


def furnish(story: dict[str, Any], base: str, issuer: str) -> None:
    """What the pages show, made by the console's own forms; the stream by its application."""
    side = story["provider"]
    console = Console(base, side["tenantId"], Login.of(side))
    connect(console, issuer)
    group = re.search(r'<option value="([0-9a-f-]{36})">', console.page(f"{_PROVIDER}/mappers/new"))
    assert group is not None, "there is a group"
    rule = {"claim": "groups", "value": "g-1", "group": group[1], "template": "", "when": "every"}
    console.fill(f"{_PROVIDER}/mappers/new", kind="group", **rule)
    named = {**rule, "claim": "", "value": "", "group": "", "template": "{name}", "when": "first"}
    console.fill(f"{_PROVIDER}/mappers/new", kind="display_name", **named)
    console.fill(f"{_PROVIDER}/people/add", user="sam.porter", subject="sam-there")
    console.fill("scim-tokens/new", note="Company directory", welcome="none", days="365")
    target = Credentials.of(story["target"])
    signals = f"{base}/iam/access-management/v1/application/tenants/{side['tenantId']}/signals/stream"
    made = requests.post(signals, json={}, auth=(target.client_id, target.secret), timeout=20)
    assert made.status_code == 201, made.text


def connect(console: Console, issuer: str) -> None:
    """The provider, switched on, for everybody whom it knows."""
    about = {
        "name": "Company login",
        "key": KEY,
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    console.fill("settings/new-identity-provider", "enabled", "makes_people", **about)


def pages(page: Page, base: str, slug: str) -> list[Shot]:
    """For whoever looks after all of it."""
    root = f"/t/{slug}/"
    shots = [Shot(name, root + path) for name, path in _PAGES]
    found = {
        "mapper": (_PROVIDER, "a[href*='/mappers/']:not([href$='/new'])"),
        "person-unlink": (_PROVIDER, "a[href*='/people/'][href$='/remove']"),
        "directory-revoke": ("scim-tokens", "a[href$='/revoke']"),
        "stream": ("webhooks", "td.table-name a"),
        "copy": ("users", "td.table-name a"),
    }
    for name, (path, selector) in found.items():
        page.goto(base + root + path)
        where = page.locator(selector).first.get_attribute("href")
        shots.append(Shot(name, f"{where}/copy" if name == "copy" else str(where)))
        if name == "mapper":
            shots.append(Shot("mapper-delete", f"{where}/delete"))
    return shots
