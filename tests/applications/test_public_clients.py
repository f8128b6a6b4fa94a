"""The public client of an application: its codes go where its owner said, and nowhere that looks like it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from applications.actions import clients
from applications.models import Application, Client
from applications.signals import principal_becoming
from iam_portal.errors import Forbidden, Invalid
from tests.applications.sharing import register
from tests.support.factories import SYSTEM, listening, make_tenant

HOME = "https://app.example.org/cb"


@pytest.fixture
def tool(db: None) -> Application:
    return register(make_tenant("acme"), "tool", datetime.now(UTC))


def add(application: Application, *redirect_uris: str, origins: tuple[str, ...] = ()) -> Client:
    return clients.add_public(
        tenant=application.owner,
        application_id=application.id,
        redirect_uris=list(redirect_uris),
        web_origins=list(origins),
        by=SYSTEM,
        at=datetime.now(UTC),
    )


REFUSED = [
    "https://user:pw@app.example.org/cb",
    "https://user@app.example.org/cb",
    "https://app.example.org:x@evil.example/cb",
    "https://app.example.org\\@evil.example/cb",
    "https://@evil.example/cb",
    f"{HOME}#here",
    f"{HOME}#",
    "http://app.example.org/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "javascript:alert(1)",
    "com.example.app://cb",
    "com.example.app:cb",
    "com.example.app:/cb#here",
    "com..app:/cb",
    "app:/cb",
    "java.script+x:/cb",
    "https://*.example.org/cb",
    "https://app%2eexample.org/cb",
    'https://app.example.org/"cb',
    "//app.example.org/cb",
    "https:///cb",
    "https://app.example.org:port/cb",
    "https://app.example.org:99999/cb",
    "https://[app.example.org/cb",
    f"{HOME} https://evil.example/cb",
    f"{HOME}\nhttps://evil.example/cb",
    "https://äpp.example.org/cb",
    "",
]


@pytest.mark.parametrize("address", REFUSED)
def test_what_leads_elsewhere_or_can_be_read_is_refused(tool: Application, address: str) -> None:
    for given in ({"redirect_uris": (HOME, address)}, {"redirect_uris": (HOME,), "origins": ("", address)}):
        with pytest.raises(Invalid) as refused:
            add(tool, *given["redirect_uris"], origins=given.get("origins", ()))
        pointer = "/webOrigins/1" if "origins" in given else "/redirectUris/1"
        assert pointer in [error["pointer"] for error in refused.value.errors]
    assert not tool.clients.filter(client_type=Client.CLIENT_PUBLIC).exists()


@pytest.mark.parametrize("address", [HOME, "https://app.example.org:8443/cb?a=b", "https://[2001:db8::1]/cb"])
def test_https_is_taken(tool: Application, address: str) -> None:
    assert add(tool, address, origins=("https://app.example.org",)).redirect_uris == address


def test_an_app_may_use_the_domain_of_its_maker_reversed(tool: Application) -> None:
    made = add(tool, "com.example.app:/cb")
    assert made.redirect_uris == "com.example.app:/cb"
    assert made.get_allowed_schemes() == ["com.example.app", "https"]
    with pytest.raises(Invalid):
        add(tool, HOME, origins=("com.example.app:/cb",))


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org/",
        f"{HOME}",
        "https://app.example.org:443",
        "https://APP.example.org",
        "https://a?b",
    ],
)
def test_an_origin_is_what_browsers_send(tool: Application, origin: str) -> None:
    with pytest.raises(Invalid) as refused:
        add(tool, HOME, origins=(origin,))
    assert [error["pointer"] for error in refused.value.errors] == ["/webOrigins/0"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:4711/cb", "http://localhost/cb", "http://[::1]:80/cb"])
def test_plain_http_to_this_machine_is_for_demo_and_tests(
    tool: Application, settings: Settings, address: str
) -> None:
    settings.PRODUCTION = True
    with pytest.raises(Invalid):
        add(tool, address)
    settings.PRODUCTION = False
    assert add(tool, address)


@pytest.mark.parametrize(
    "address", ["https://[::1]1", "https://[::1]x.example/cb", "https://[::1]443:443/cb"]
)
def test_nothing_stands_between_brackets_and_port(tool: Application, address: str) -> None:
    """Some libraries read another host there, others none."""
    with pytest.raises(Invalid):
        add(tool, address)
    assert add(tool, "https://[2001:db8::1]:8443/cb")


def test_who_may_not_become_the_application_cannot_make_its_client(tool: Application) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("no")

    with listening(principal_becoming, refuse) as asked, pytest.raises(Forbidden):
        add(tool, HOME)
    assert [(told["application"], told["actor"]) for told in asked] == [(tool, SYSTEM)]
    assert not tool.clients.filter(client_type=Client.CLIENT_PUBLIC).exists()
