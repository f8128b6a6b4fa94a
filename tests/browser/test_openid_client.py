"""npm's openid-client signs a person in with a real browser, by each way in which a client proves itself."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Page

from iam_portal.launchers.portal import ROOT
from tests.browser.conftest import Opener
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.nodejs import node
from tests.support.portal import RunningPortal

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = ROOT / "tests" / "journeys" / "clients" / "person.mjs"
SCOPE = "openid profile email"


class _Application(BaseHTTPRequestHandler):
    """Where the browser comes back to; the address says everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><title>Application</title><h1>Application</h1>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def application() -> Iterator[str]:
    """The address of a page of the application's own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def relying(
    portal: RunningPortal, algorithm: str, method: str, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """The application's side of a sign-in, in its own process."""
    story = portal.story
    client_id = story["target"]["applicationId"] + ("-frontend" if method == "none" else "")
    environment = {
        "ISSUER": f"{portal.address}/iam/auth/realms/{story['consumer']['tenantId']}",
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": story["target"]["clientSecret"],
        "SCOPE": SCOPE,
        **more,
    }
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*node(), str(SCRIPT), algorithm, method]
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    said: dict[str, Any] = json.loads(line)
    return said


def tell(process: subprocess.Popen[str], url: str) -> None:
    assert process.stdin is not None
    process.stdin.write(url + "\n")
    process.stdin.flush()


def fill(page: Page, login: Login) -> None:
    page.get_by_label("User name").fill(login.username)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Sign in").click()


def arrives(page: Page, address: str) -> str:
    """Where the browser comes back to, with everything in the address."""
    page.wait_for_url(f"{address}?*")
    return page.url


@pytest.fixture
def private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    way = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*way).decode()


def prepared(portal: RunningPortal, method: str, key: ec.EllipticCurvePrivateKey, at: str) -> None:
    """The client as its owner registers it."""
    owner = Console.of(portal, "provider")
    application_id = portal.story["target"]["applicationId"]
    addresses = {"redirectUris": [f"{at}/in"], "postLogoutRedirectUris": [f"{at}/out"]}
    if method == "none":
        known = owner.call("GET", f"applications/{application_id}/clients")["items"]
        if not any(client["kind"] == "public" for client in known):
            made = {"kind": "public", "redirectUris": [f"{at}/in"]}
            owner.call("POST", f"applications/{application_id}/clients", made)
        owner.change_client(f"{application_id}-frontend", **addresses)
        return
    if method == "private_key_jwt":
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        where = f"applications/{application_id}/clients/{application_id}/keys"
        owner.call("POST", where, {"pem": public.decode()})
    owner.change_client(application_id, **addresses, authenticationMethod=method)


def assert_what_it_found(portal: RunningPortal, found: dict[str, Any], method: str) -> None:
    login, target = Login.of(portal.story["consumer"]), portal.story["target"]["applicationId"]
    assert found["idToken"]["preferred_username"] == login.username
    assert found["userinfo"]["sub"] == found["idToken"]["sub"]
    assert found["userinfo"]["email"].startswith(login.username)
    assert found["scope"] == f"aud:{target} {SCOPE}"
    if method != "none":
        caller = found["introspected"]["caller"]
        assert (caller["kind"], caller["userId"]) == ("user", found["idToken"]["sub"])
        assert found["introspectedRefresh"]["active"] is True
    assert found["rotated"]
    assert found["userinfoAfterRefresh"]
    assert found["revoked"]["status"] == 401
    for refused in ("reused", "familyEnded", "codeTwice"):
        assert found[refused] == {"status": 400, "error": "invalid_grant"}


@pytest.mark.parametrize(
    ("algorithm", "method"),
    [
        ("oidc", "client_secret_basic"),
        ("oauth2", "client_secret_post"),
        ("oidc", "private_key_jwt"),
        ("oidc", "none"),
    ],
)
def test_a_person_signs_in_and_out(
    opened: Opener,
    running_portal: RunningPortal,
    private_key: ec.EllipticCurvePrivateKey,
    application: str,
    algorithm: str,
    method: str,
) -> None:
    prepared(running_portal, method, private_key, application)
    page, watch = opened()
    own = {"PRIVATE_KEY": pem(private_key), "REDIRECT": f"{application}/in", "AFTER": f"{application}/out"}
    login = Login.of(running_portal.story["consumer"])
    try:
        with relying(running_portal, algorithm, method, **own) as process:
            page.goto(heard(process)["go"])
            watch.examine(page)
            fill(page, login)
            back = arrives(page, f"{application}/in")
            tell(process, back)
            said = heard(process)
    finally:
        if method not in ("client_secret_basic", "none"):  # others share this portal
            Console.of(running_portal, "provider").change_client(
                running_portal.story["target"]["applicationId"], authenticationMethod="client_secret_basic"
            )
    assert_what_it_found(running_portal, said["found"], method)
    tenant = running_portal.story["consumer"]["tenantId"]
    assert parse_qs(urlsplit(back).query)["iss"] == [f"{running_portal.address}/iam/auth/realms/{tenant}"]

    page.goto(said["leave"])
    after = arrives(page, f"{application}/out")
    assert parse_qs(urlsplit(after).query) == {"state": [said["state"]]}
    page.goto(f"/t/{login.slug}/contracts")
    assert "/sign-in" in page.url
