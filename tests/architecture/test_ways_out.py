"""Where the portal goes by itself to an address that others name: each place is listed, none leads inside."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from applications.delivery import addresses
from applications.delivery.addresses import AddressRefused, Reach, receiver, resolve
from applications.delivery.fetching import Unfetched, document
from iam_portal.launchers.portal import ROOT

OURS = ("iam_portal", "tenants", "applications", "accesscontrol")
# Whatever can open a connection. Database and broker, whose addresses are settings, go by their own drivers.
ABLE = {
    *(
        "socket",
        "ssl",
        "http.client",
        "http.server",
        "urllib.request",
        "urllib3",
        "requests",
        "httpx",
        "httpcore",
        "aiohttp",
    ),
    *("smtplib", "ftplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "websockets", "pycurl", "asyncio"),
    *("django.core.mail", "subprocess"),
}
# What opens one, and to where.
MAY_CONNECT = {
    "applications/delivery/addresses.py": "looks names up, and checks what they lead to",
    "applications/delivery/connecting.py": "connects to an address that was checked, and to no other",
    "applications/delivery/fetching.py": "reads an answer of connecting",
    "applications/delivery/posting.py": "sends by connecting",
    "tenants/emails.py": "mail, to the one server of the settings",
    "applications/emails.py": "the same",
    "applications/actions/reminders.py": "the same",
    "accesscontrol/installation/doctor/reached.py": "the servers of the settings, for who runs it",
    "accesscontrol/installation/doctor/findings.py": "knows a mail server's refusal from silence",
    "accesscontrol/oauth/short/gathered.py": "opens none: waits on a loop for the database's lines",
    "iam_portal/apart.py": "opens none: waits on a loop for threads",
    "iam_portal/working.py": "opens none: answers probes of the worker",
}
# Local processes of an installation: servers on loopback, and programs of the operator.
LOCAL = ("iam_portal/launchers/", "iam_portal/live/", "iam_portal/token_service/", "iam_portal/management/")
# Who asks for a foreign document, or sends to a foreign address: all by the above.
MAY_ASK = {
    "accesscontrol/oauth/clients/foreign.py": "jwks_uri of clients; discovery and keys of issuers they trust",
    "accesscontrol/oauth/providers/metadata.py": "discovery of identity providers, by the reach of keys",
    "accesscontrol/oauth/providers/redeeming.py": "their token and userinfo endpoints, likewise",
    "applications/delivery/posting.py": "webhooks",
}
INSIDE = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("168.63.129.16", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"),
)


def modules() -> Iterator[tuple[str, ast.AST]]:
    for app in OURS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "/migrations/" not in name:
                yield name, ast.parse(path.read_text())


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def is_able(name: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in ABLE)


def test_nothing_else_opens_a_connection() -> None:
    found = {name for name, tree in modules() if any(map(is_able, imported(tree)))}
    assert {name for name in found if not name.startswith(LOCAL)} == set(MAY_CONNECT)


def test_only_these_ask_for_what_is_elsewhere() -> None:
    asking = {f"applications.delivery.{name}" for name in ("fetching.document", "connecting.asked")}
    found = {name for name, tree in modules() if imported(tree) & asking}
    assert found - {"applications/delivery/fetching.py"} == set(MAY_ASK)


def test_no_field_of_a_form_is_fetched() -> None:
    """A logo is uploaded, never fetched; homes and redirects are only shown or sent to a browser."""
    for name, tree in modules():
        if not name.startswith("applications/delivery/"):
            called = {
                node.func.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            assert not called & {"urlopen", "urlretrieve"}, name


@pytest.fixture(params=["webhooks", "keys"])
def reach(request: pytest.FixtureRequest, settings: Settings) -> Reach:
    settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS = settings.PORTAL_FOREIGN_NETWORKS = []
    return addresses.of_webhooks() if request.param == "webhooks" else addresses.of_keys()


@pytest.mark.parametrize("inside", INSIDE)
def test_no_way_inside(inside: str, reach: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither written as it is, nor behind a name, also beside a public address."""
    with pytest.raises(AddressRefused):
        receiver(f"https://[{inside}]/keys" if ":" in inside else f"https://{inside}/keys", reach)
    named = receiver("https://keys.example.com/keys", reach)

    def answers(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, 443)) for address in ("93.184.215.14", inside)]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", answers)
    with pytest.raises(AddressRefused):
        resolve(named)


def test_a_document_behind_a_name_that_leads_inside_is_none(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = addresses.socket.getaddrinfo

    def answers(host: str, *given: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "keys.example.com" else host, *given, **named)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", answers)
    with pytest.raises(Unfetched) as refused:
        document("https://keys.example.com/keys", reach=reach)
    assert refused.value.word == "address_refused"


def test_the_lists_name_what_there_is() -> None:
    assert all((ROOT / Path(name)).is_file() for name in {**MAY_CONNECT, **MAY_ASK})
