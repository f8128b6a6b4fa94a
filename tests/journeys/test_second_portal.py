"""A second running installation of this portal, with a database and keys of its own, as identity provider."""

import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from iam_portal.walls import tenant_scope
from tenants.actions import identity_providers
from tenants.models import IdentityLink, Membership, User
from tests.accesscontrol.oauth.conftest import World, shared, story
from tests.accesscontrol.oauth.issuing import NAME, Host, certificate, host
from tests.support.browsing import Login
from tests.support.coming_from import make_mapper
from tests.support.console import CSRF, Console
from tests.support.factories import PASSWORD, SYSTEM, make_group, make_user
from tests.support.portal import RunningPortal
from tests.support.signing_in import Visitor
from tests.support.stage import made_of

__all__ = ["host", "shared", "story"]
pytestmark = pytest.mark.journey
HERE = "https://portal.example"
BACK, AFTER = f"{HERE}/t/globex/sign-in/by/there/back", f"{HERE}/t/globex/sign-in?here=yes"
KEYS = "/protocol/openid-connect/certs"
_BEGIN = """
from uuid import UUID
from django.utils import timezone
from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from iam_portal.walls import tenant_scope
from tenants.actions import users
from tenants.models import Tenant, User
from tests.support.factories import SYSTEM, make_user
at = timezone.now()
with tenant_scope(UUID("{tenant}")):
    tenant = Tenant.objects.get(pk="{tenant}")
"""
_MAKE = """
    kim = make_user(tenant, "kim", at=at)
    User.objects.filter(pk=kim.pk).update(email_proven_at=at)
    wanted = Wanted(role="viewer", application_id="{application}", user_id=kim.pk)
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)
"""
_DEACTIVATE = """
    kim = User.objects.get(username="kim")
    users.deactivate(tenant=tenant, user_id=kim.pk, by=SYSTEM, at=at)
"""


class Front:
    """TLS in front of it, as a proxy that knows nothing."""

    def __init__(self, pem: Path) -> None:
        self.inner, front = "", self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                inside = HTTPConnection(front.inner, timeout=20)
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    inside.request(self.command, self.path, sent, dict(self.headers))
                    reply = inside.getresponse()
                    body = reply.read()
                finally:
                    inside.close()
                self.send_response_only(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # Each connection greets in its own thread: one that hesitates keeps nobody.
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.address = f"https://{NAME}:{self.server.server_address[1]}"

    def __enter__(self) -> "Front":
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@dataclass
class Tour:
    """Kim's browser: at the portal here, and at the one there."""

    world: World
    there: Visitor
    issuer: str
    console: Console
    portal: RunningPortal
    here: Browser = field(default_factory=Browser)

    def in_time(self) -> None:
        """There is a clock of its own: nothing there is later than here."""
        self.world.clock.at = max(self.world.clock.at, datetime.now(UTC) + timedelta(seconds=20))

    def begins(self) -> str:
        """The address there to which the portal here sends."""
        self.in_time()
        reply = self.here.get("/t/globex/sign-in/by/there")
        assert reply.status_code == 302, reply.content
        return str(reply["Location"])

    def signs_in(self) -> str:
        """Where he is in the end, here."""
        arrived = self.there.arrives(self.begins(), BACK)
        self.in_time()
        return str(self.here.get(arrived.removeprefix(HERE))["Location"])

    def asks(self) -> requests.Response:
        """The page there that wants to know who he is."""
        page = self.there.http.get(self.begins(), timeout=20)
        assert 'name="password"' in page.text, page.url
        return page

    def do(self, script: str, application: str = "") -> None:
        """By a command of the installation there."""
        words = {"tenant": self.console.tenant_id, "application": application}
        self.portal.manage("shell", "-c", (_BEGIN + script).format(**words))

    def keys(self) -> set[str]:
        shown = self.there.http.get(f"{self.issuer}{KEYS}", timeout=20).json()
        return {key["kid"] for key in shown["keys"]}


@pytest.fixture
def tour(
    shared: World, host: Host, settings: Settings, running_portal: RunningPortal, tmp_path: Path
) -> Iterator[Tour]:
    """Globex trusts an organization of the other installation; whoever views there dispatches here."""
    settings.ROOT_URLCONF, settings.PORTAL_BASE_URL = "iam_portal.urls", HERE
    settings.FOREIGN_CONNECT_SECONDS, settings.FOREIGN_WHOLE_SECONDS = 10.0, 20.0  # on a busy machine
    shared.clock.at = max(shared.clock.start, datetime.now(UTC))
    pem = tmp_path / "there.pem"
    pem.write_bytes(certificate())
    console, stage = Console.of(running_portal, "provider"), made_of(running_portal.story)
    client = stage.target
    console.change_client(client.client_id, redirectUris=[BACK], postLogoutRedirectUris=[AFTER])
    visitor = Visitor(Login(console.login.slug, "kim", PASSWORD))
    visitor.http.trust_env, visitor.http.verify = False, str(pem)
    # Who asks whether it is ready comes without TLS.
    own = {"ALLOWED_HOSTS": f"127.0.0.1,{NAME}", "PORTAL_SSL_REDIRECT": "false"}
    with Front(pem) as front, running_portal.another_web(PORTAL_BASE_URL=front.address, **own) as (inner, _):
        front.inner = inner.removeprefix("http://")
        issuer = f"{front.address}/iam/auth/realms/{console.tenant_id}"
        made = Tour(shared, visitor, issuer, console, running_portal)
        made.do(_MAKE, client.client_id)
        role = f"urn:iam:application-role:{console.tenant_id}:{client.client_id}:viewer"
        _trust(shared, issuer, client, role)
        yield made


def _trust(world: World, issuer: str, client: Any, role: str) -> None:
    at, globex = world.clock.at, world.globex
    chosen = {"name": "There", "client_id": client.client_id, "scopes": ["email", "profile"]}
    chosen |= {"enabled": True, "makes_people": True}
    with tenant_scope(globex.id):
        row = identity_providers.create(
            tenant=globex, key="there", issuer=issuer, secret=client.secret, chosen=chosen, by=SYSTEM, at=at
        )
        group, maker = make_group(globex, "Dispatch", at=at), make_user(globex, "max", at=at)
        mapped = {"kind": "group", "group": group, "claim": "roles", "value": role, "template": ""}
        make_mapper(row, maker, at=at, **mapped)


def test_in_by_it_again_with_another_key_out_there_and_no_more(tour: Tour, shared: World, host: Host) -> None:
    """New, known, after its key was withdrawn, signed out at both, and put out there."""
    assert tour.signs_in() == "/t/globex/sign-in/arrival"
    assert "kim@example.org" in tour.here.get("/t/globex/sign-in/arrival").content.decode()
    tour.here.post("/t/globex/sign-in/arrival", {"username": "kim", "display_name": "Kim"})
    with tenant_scope(shared.globex.id):
        kim = User.objects.get(username="kim", tenant=shared.globex)
        assert str(kim.pk) != IdentityLink.objects.get(user=kim).subject, "each has names of its own"
        assert Membership.objects.get(user=kim).group.name == "Dispatch"
    former = tour.keys()
    tour.portal.manage("rotate_signing_keys", "--compromised", *former)
    end = time.monotonic() + 60
    while tour.keys() & former:
        assert time.monotonic() < end, "the withdrawn keys are shown no more"
        time.sleep(0.2)
    tour.here.cookies.clear()
    host.forward(3600)  # so that keys that nobody knew are asked for
    assert tour.signs_in().startswith("/t/globex/")
    assert tour.here.get("/t/globex/account").status_code == 200
    left = tour.here.post("/t/globex/sign-out").content.decode()
    [address] = re.findall(r'href="(https://[^"]+)"', left)
    assert tour.there.arrives(unescape(address), AFTER).startswith(AFTER)
    assert tour.asks().status_code == 200, "it asks anew who he is"
    assert tour.signs_in().startswith("/t/globex/")
    tour.do(_DEACTIVATE)
    tour.here.cookies.clear()
    page = tour.asks()
    sent = {"csrfmiddlewaretoken": unescape(re.findall(CSRF, page.text)[0])}
    sent |= {"username": "kim", "password": PASSWORD}
    refused = tour.there.http.post(page.url, sent, allow_redirects=False, timeout=20)
    assert "Location" not in refused.headers and 'name="password"' in refused.text
    assert tour.here.get("/t/globex/account").status_code == 302
