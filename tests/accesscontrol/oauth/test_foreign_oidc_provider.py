"""npm's oidc-provider, which knows nothing of us, as the identity provider of an organization."""

import os
import re
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.valkey import free_port
from iam_portal.walls import tenant_scope
from tenants.actions import identity_providers
from tenants.models import IdentityLink, Membership, User
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.issuing import NAME, Host, certificate, host
from tests.support.absence import lacking
from tests.support.coming_from import make_mapper
from tests.support.factories import SYSTEM, make_group, make_user
from tests.support.nodejs import node

__all__ = ["host"]
SCRIPT = Path(__file__).parent / "clients" / "provider.mjs"
BACK, AFTER = "http://testserver/t/globex/sign-in/by/corp/back", "http://testserver/t/globex/sign-in?here=yes"
SECRET = "of-this-test-alone"


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Tour:
    """One browser, at the portal and at the provider."""

    portal: Browser = field(default_factory=Browser)
    opener: Any = None

    def at_the_provider(self, address: str) -> str:
        """Follows it until it leads away: the address of the portal. Or the page that it stays on."""
        for _ in range(10):
            if not address.startswith(f"https://{NAME}"):
                return address
            try:
                return str(self.opener.open(address).read().decode())
            except HTTPError as moved:
                assert moved.code in (302, 303), moved.read()
                origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
                address = moved.headers["Location"]
                address = origin + address if address.startswith("/") else address
        raise AssertionError(address)

    def signs_in(self, **query: str) -> Any:
        there = self.portal.get("/t/globex/sign-in/by/corp", query)
        assert there.status_code == 302, there.content
        back = self.at_the_provider(there["Location"])
        assert back.startswith(f"{BACK}?"), back
        return self.portal.get(back.removeprefix("http://testserver"))


@pytest.fixture
def tour(shared: World, host: Host, settings: Settings, tmp_path: Path) -> Iterator[Tour]:
    """Globex trusts it, its new people are made, and its group ``g-1`` are the dispatchers."""
    settings.ROOT_URLCONF = "iam_portal.urls"
    shared.clock.at = max(shared.clock.start, datetime.now(UTC))  # the provider has a clock of its own
    pem = tmp_path / "there.pem"
    pem.write_bytes(certificate())
    context = ssl.create_default_context(cafile=str(pem))
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    handlers = (urllib.request.HTTPSHandler(context=context), cookies, _Stays())
    with serving(pem) as issuer, tenant_scope(shared.globex.id):
        chosen = {"name": "Corp", "client_id": "portal", "scopes": ["email", "profile"], "enabled": True}
        given = {"tenant": shared.globex, "by": SYSTEM, "at": shared.clock.at}
        row = identity_providers.create(
            **given, key="corp", issuer=issuer, secret=SECRET, chosen={**chosen, "makes_people": True}
        )
        group = make_group(shared.globex, "Dispatch", at=shared.clock.at)
        maker = make_user(shared.globex, "max", at=shared.clock.at)
        wanted = {"kind": "group", "group": group, "claim": "groups", "value": "g-1", "template": ""}
        make_mapper(row, maker, at=shared.clock.at, **wanted)
        yield Tour(opener=urllib.request.build_opener(*handlers))


class serving:
    """The provider as a process of its own, until the end of the test."""

    def __init__(self, pem: Path) -> None:
        own_place = os.environ.get("NODE_PEERS", "")
        places = [ROOT, ROOT / ".bench" / "node", *([Path(own_place)] if own_place else [])]
        found = [place for place in places if (place / "node_modules" / "oidc-provider").is_dir()]
        if not found:
            lacking("npm's oidc-provider is not installed: run 'make assets'.")
        port = free_port()
        self.issuer = f"https://{NAME}:{port}"
        own = {"PORT": str(port), "ISSUER": self.issuer, "PEM": str(pem), "MODULES": str(found[0])}
        own |= {"BACK": BACK, "AFTER": AFTER, "SECRET": SECRET, "PATH": os.environ["PATH"]}
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*node(), str(SCRIPT)]
        self.process = subprocess.Popen(command, env=own, start_new_session=True, **both)

    def __enter__(self) -> str:
        assert self.process.stdout is not None and self.process.stderr is not None
        said = self.process.stdout.readline()
        assert said == "ready\n", self.process.stderr.read()
        return self.issuer

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # the wheel's node is a child of Python's
        self.process.communicate()


def test_there_and_back_in_again_and_out_there(tour: Tour, shared: World) -> None:
    """New by his own confirmation, known afterwards, in the group by a claim of userinfo, and out."""
    assert tour.signs_in()["Location"] == "/t/globex/sign-in/arrival"
    page = tour.portal.get("/t/globex/sign-in/arrival").content.decode()
    assert "anna@corp.example" in page and 'value="Anna There"' in page
    tour.portal.post("/t/globex/sign-in/arrival", {"username": "anna", "display_name": "Anna"})
    with tenant_scope(shared.globex.id):
        anna = User.objects.get(username="anna")
        assert IdentityLink.objects.get(user=anna).subject == "anna-there"
        assert Membership.objects.get(user=anna).group.name == "Dispatch"
    tour.portal.cookies.clear()
    assert tour.signs_in(next="/t/globex/account")["Location"] == "/t/globex/account"
    assert tour.portal.get("/t/globex/account").status_code == 200
    assert tour.signs_in(again="yes").status_code == 302, "asked anew, it asks anew"
    left = tour.portal.post("/t/globex/sign-out").content.decode()
    [address] = re.findall(r'href="(https://[^"]+)"', left)
    assert "logout" in tour.at_the_provider(unescape(address)), "it takes hint, client and address"
    assert tour.portal.get("/t/globex/account").status_code == 302
