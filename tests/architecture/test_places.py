"""Which entry of the navigation each page of the console stands below, by its address alone."""

from collections.abc import Iterator
from itertools import chain
from uuid import uuid4

import pytest
from django.test import RequestFactory
from django.urls import URLPattern, reverse

from accesscontrol.urls import pages as accesscontrol_pages
from applications.urls import pages as applications_pages
from tenants import navigation
from tenants.http.pages import TenantPage
from tenants.urls import pages as tenants_pages

PAGES = list(
    chain.from_iterable(
        ((module.app_name, pattern) for pattern in module.urlpatterns)
        for module in (tenants_pages, applications_pages, accesscontrol_pages)
    )
)
SAMPLES = {"UUIDConverter": uuid4(), "IntConverter": 7, "ReportKey": "administrators"}
# The first word of an address → the entry. Only what stands elsewhere than its own word says.
BESIDE = {"create-role": "roles", "register-application": "applications"}
PROVIDERS = "settings/identity-providers"
# One's own account, the search, and what is there without a sign-in: in no entry.
NOWHERE = {"account", "search", "sign-in", "sign-out", "set-password", "brand"}


def address(app: str, pattern: URLPattern) -> str:
    given = {
        name: SAMPLES.get(type(converter).__name__, "sample")
        for name, converter in pattern.pattern.converters.items()
    }
    return reverse(f"{app}:{pattern.name}", kwargs={"slug": "acme", **given})


def expected(path: str) -> str | None:
    """The entry that an address suggests to who reads it."""
    first, *rest = path.removeprefix("/t/acme/").split("/")
    if first in NOWHERE:
        return None
    if first == "settings":
        return PROVIDERS if rest and "identity-provider" in rest[0] else first
    return f"platform/{rest[0]}" if first == "platform" else BESIDE.get(first, first)


def marked(app: str, pattern: URLPattern) -> Iterator[str]:
    """What is marked for somebody who may see everything, in the organization that runs the platform."""
    path = address(app, pattern)
    page = pattern.callback.view_class(**pattern.callback.view_initkwargs)
    assert isinstance(page, TenantPage)
    page.setup(RequestFactory().get(path))
    page.slug = "acme"
    shown = navigation.shown(slug="acme", path=page.place(), may=lambda permission: True, platform=True)
    return (item["url"] for group in shown for item in group["items"] if item["active"])


@pytest.mark.parametrize(("app", "pattern"), [pytest.param(*page, id=str(page[1].name)) for page in PAGES])
def test_each_page_marks_the_entry_that_its_address_suggests(app: str, pattern: URLPattern) -> None:
    entry = expected(address(app, pattern))
    assert list(marked(app, pattern)) == ([] if entry is None else [f"/t/acme/{entry}"])


def test_each_entry_is_marked_by_its_own_page() -> None:
    """And so by what is below it: none is there that no page belongs to."""
    found = {url for page in PAGES for url in marked(*page)}
    whole = navigation.shown(slug="acme", path="/", may=lambda permission: True, platform=True)
    assert found == {item["url"] for group in whole for item in group["items"]}
