"""Somebody who asks for German reads German on every page; programs read English, whatever they ask for."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

from applications.models import Application, ApplicationRole, Resource
from iam_portal.launchers.seed.engine import seed
from iam_portal.launchers.seed.people import password_of
from iam_portal.launchers.seed.world import WORLD
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.http import cookie_name
from tenants.models import Group, Tenant, User
from tests.support import once
from tests.support.factories import sign_in
from tests.support.german import English, Texts

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.1"}
READERS = (("acme", "jane.roe"), ("platform", "tom.okafor"))
EACH = 2  # pages of one kind
OUTSIDE = ("/", "/asked", "/join", "/t/acme/sign-in", "/t/acme/sign-in?ended=yes", "/nothing-here")


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[set[str]]:
    """The companies of the demo; the names in it that nobody translates."""
    with once.made_once(django_db_blocker):
        seed(WORLD, at=timezone.now())
        with cross_tenant():
            names = {
                "Platform",  # its organization, before the demo gave it a name
                *Application.objects.values_list("display_name", flat=True),
                *ApplicationRole.objects.values_list("name", flat=True),
                *ApplicationRole.objects.values_list("key", flat=True),
                *Resource.objects.values_list("name", flat=True),
                *Group.objects.values_list("name", flat=True),
            }
        yield names


@pytest.fixture(autouse=True)
def apart(demo: set[str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with once.savepoint(django_db_blocker):
        yield


def browser_of(slug: str, username: str) -> Client:
    tenant = Tenant.objects.get(slug=slug)
    with tenant_scope(tenant.id):
        user = User.objects.get(username=username)
        value = sign_in(user, password=password_of(slug), at=timezone.now())
    browser = Client(headers=GERMAN)
    browser.cookies[cookie_name(tenant.id)] = value
    return browser


def pages_of(slug: str, username: str) -> Iterator[tuple[str, Texts]]:
    """Follows every link inside of the organization, a few of each kind."""
    browser = browser_of(slug, username)
    waiting, known, kinds = [f"/t/{slug}/"], set[str](), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        path = urlsplit(address).path
        try:
            kind = resolve(path).view_name
        except Resolver404:
            continue
        if kinds[kind] >= EACH:
            continue
        kinds[kind] += 1
        reply = browser.get(address)
        if not reply.headers.get("Content-Type", "").startswith("text/html"):
            continue
        page = Texts(b"".join(reply).decode())
        yield address, page
        inside = (urljoin(address, link.partition("#")[0]) for link in page.links)
        for link in inside:
            if link.startswith(f"/t/{slug}/") and link not in known:
                known.add(link)
                waiting.append(link)


def test_pages_are_german(demo: set[str]) -> None:
    english, found, kinds = English(), set[tuple[str, str]](), 0
    for reader in READERS:
        for address, page in pages_of(*reader):
            kinds += 1
            assert page.language == "de", address
            found |= {(text, address) for text in english.among(page.found) if text not in demo}
    for address in OUTSIDE:
        page = Texts(Client(headers=GERMAN).get(address).content.decode())
        assert page.language == "de", address
        found |= {(text, address) for text in english.among(page.found)}
    assert found == set()
    assert kinds > 100


def test_dates_and_numbers_are_german() -> None:
    page = browser_of("acme", "jane.roe").get("/t/acme/contracts").content.decode()
    assert " (vor " in page or " (in " in page or ". " in page
    shown = [text for text in Texts(page).found if "UTC" in text and "," in text and text[0].isdigit()]
    assert [text for text in shown if ". " not in text] == []


def test_reasons_are_german_where_a_page_shows_them() -> None:
    page = browser_of("acme", "jane.roe").get("/t/acme/").content.decode()
    assert "ist in Kraft" in page or "pausiert" in page or "gesperrt" in page
    assert "was paused by" not in page


def test_the_answer_depends_on_what_chose_its_language() -> None:
    reply = Client(headers=GERMAN).get("/")
    assert {"accept-language", "cookie"} <= {name.strip().lower() for name in reply["Vary"].split(",")}
    assert reply["Content-Language"] == "de"
    assert Client().get("/")["Content-Language"] == "en"


@pytest.mark.parametrize("address", ["/", "/asked", "/nothing-here", "/t/acme/sign-in", "/iam/nothing-here"])
def test_whoever_the_thread_answers_next_does_not_get_this_readers_language(address: str) -> None:
    """Also what is refused before anybody's language is known."""
    for before in ("en", "de"):
        with translation.override(before):
            assert Client(headers=GERMAN).get(address).status_code in (200, 404)
            assert translation.get_language() == before


def test_a_browser_chooses_and_keeps_it() -> None:
    browser = Client(headers=GERMAN)
    assert ">English<" in browser.get("/").content.decode()
    reply = browser.post("/language", {"language": "en", "next": "/join?x=1"})
    assert (reply.status_code, reply["Location"]) == (302, "/join?x=1")
    assert reply.cookies["django_language"]["httponly"]
    assert Texts(browser.get("/").content.decode()).language == "en"
    assert ">Deutsch<" in browser.get("/").content.decode()


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/", "evil", "", "/\\evil.example"])
def test_it_leads_nowhere_else(away: str) -> None:
    reply = Client().post("/language", {"language": "de", "next": away})
    assert (reply.status_code, reply["Location"]) == (302, "/")


@pytest.mark.parametrize("code", ["fr", "", "de\r\nX: y", "../de"])
def test_what_is_not_offered_is_not_kept(code: str) -> None:
    assert "django_language" not in Client().post("/language", {"language": code}).cookies


def test_it_takes_a_token_of_ours() -> None:
    assert Client(enforce_csrf_checks=True).post("/language", {"language": "de"}).status_code == 403


def test_what_a_person_has_chosen_counts_before() -> None:
    browser = browser_of("acme", "jane.roe")
    tenant = Tenant.objects.get(slug="acme")
    with tenant_scope(tenant.id):
        User.objects.filter(username="jane.roe").update(language="en")
    assert Texts(browser.get("/t/acme/").content.decode()).language == "en"
    # What the browser had counts again for whoever comes next.
    assert Texts(Client(headers=GERMAN).get("/").content.decode()).language == "de"


REST = "/iam/application-management/v1/tenants/{id}"
ACCESS = "/iam/access-management/v1/tenants/{id}"
MACHINES = (
    f"{REST}/contracts",
    f"{REST}/availability",
    f"{REST}/history?limit=5",
    f"{REST}/events?limit=5",
    f"{REST}/contracts/00000000-0000-4000-8000-000000000000",
    f"{REST}/contracts?limit=none",
    f"{ACCESS}/roles",
    f"{ACCESS}/reports/administrators?at=2026-11-26T00:00:00Z",
    "/iam/auth/realms/acme/.well-known/openid-configuration",
    "/auth/realms/acme/protocol/openid-connect/certs",
    "/iam/auth/realms/acme/protocol/openid-connect/userinfo",
    "/auth/realms/none/.well-known/openid-configuration",
    "/iam/nothing-here",
    "/t/acme/reports/administrators/download?format=csv&at=2026-11-26T00:00",
)


@pytest.mark.parametrize("address", MACHINES)
def test_programs_read_english(address: str) -> None:
    """The same request, with and without a wish for German, with the session of a person who chose it."""
    browser = browser_of("acme", "jane.roe")
    tenant = Tenant.objects.get(slug="acme")
    with tenant_scope(tenant.id):
        User.objects.filter(username="jane.roe").update(language="")
    address = address.format(id=tenant.id)
    replies = []
    for wish in ("en", "de"):
        reply = browser.get(address, headers={"accept-language": wish, "x-request-id": "same-for-both"})
        replies.append((reply.status_code, b"".join(reply), reply.get("Content-Language")))
    assert replies[0] == replies[1]
    assert replies[0][0] < 500
