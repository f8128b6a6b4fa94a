"""Apache and nginx with our documented configurations: each token is introspected, no answer is kept."""

import base64
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from iam_portal.launchers.children import Child, tail
from iam_portal.launchers.valkey import free_port
from tests.support import certified, gateways
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.gateways import Application, Gateway
from tests.support.portal import RunningPortal
from tests.support.signing_in import Relying, Visitor
from tests.support.stage import BACK

pytestmark = pytest.mark.journey
GATEWAYS = ["apache", "nginx"]
REFUSED_BLINDLY = {"apache": 401, "nginx": 500}  # while the portal cannot be asked


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    with gateways.application() as server:
        yield server


@pytest.fixture(scope="module", params=GATEWAYS)
def started(
    request: pytest.FixtureRequest, running_portal: RunningPortal, application: Application
) -> Iterator[Gateway]:
    """Each of them for the story's target, in the tenant of its consumer."""
    values = gateways.values_of(running_portal, application)
    with started_as(request.param, running_portal, values) as (port, child):
        yield Gateway(port, application.heard, child)


def started_as(
    kind: str, portal: RunningPortal, values: dict[str, Any]
) -> AbstractContextManager[tuple[int, Child]]:
    target = portal.story["target"]
    client_id, secret = target["applicationId"], target["clientSecret"]
    if kind == "apache":
        documented, command = "apache-bearer.conf", gateways.apache("mod_oauth2")
        credentials = f"Define PORTAL_CLIENT_ID {client_id}\nDefine PORTAL_CLIENT_SECRET {secret}\n"
    else:
        documented, command = "nginx.conf", gateways.nginx("ngx_http_lua_module")
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        credentials = f'proxy_set_header Authorization "Basic {basic}";\n'
    return gateways.running(documented, command, values, secret=credentials)


@pytest.fixture
def gateway(started: Gateway) -> Gateway:
    started.passed.clear()
    return started


def token(portal: RunningPortal, scope: str = "") -> str:
    """Of the story's caller, in the tenant of the consumer."""
    story = portal.story
    reply = requests.post(
        f"{portal.address}/iam/auth/realms/{story['consumer']['tenantId']}/protocol/openid-connect/token",
        {"grant_type": "client_credentials", "scope": scope or f"aud:{story['target']['applicationId']}"},
        auth=(story["caller"]["applicationId"], story["caller"]["clientSecret"]),
        timeout=20,
    )
    assert reply.status_code == 200, reply.text
    value: str = reply.json()["access_token"]
    return value


@pytest.fixture(scope="module")
def person(running_portal: RunningPortal) -> Iterator[dict[str, str]]:
    """All that somebody's sign-in to the target gives."""
    story = running_portal.story
    target = story["target"]
    owner = Console.of(running_portal, "provider")
    realm = (
        f"{running_portal.address}/iam/auth/realms/{story['consumer']['tenantId']}/protocol/openid-connect"
    )
    owner.change_client(target["applicationId"], redirectUris=[BACK])
    relying = Relying(realm, (target["applicationId"], target["clientSecret"]), BACK)
    yield relying.signed_in(Visitor(Login.of(story["consumer"])))
    owner.change_client(target["applicationId"], redirectUris=[])


def test_who_has_no_token_stays_outside(gateway: Gateway) -> None:
    for reply in (gateway.get(), gateway.get("nonsense"), gateway.get(Authorization="Basic bm9ib2R5Ong=")):
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
    assert gateway.passed == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_good_token_comes_through_and_says_who_calls(
    gateway: Gateway, running_portal: RunningPortal, method: str
) -> None:
    story, good = running_portal.story, token(running_portal)

    forged = dict.fromkeys(("X-Iam-Tenant", "X-Iam-Client", "X_Iam_Tenant", "X_IAM_CLIENT"), "forged")
    reply = gateway.ask(method, good, **forged)

    assert reply.status_code == 200, (reply.text, tail(gateway.process.log))
    (heard,) = gateway.passed
    assert heard["x-iam-client"] == story["caller"]["applicationId"]
    assert heard["x-iam-tenant"] == story["consumer"]["tenantId"]
    assert heard["authorization"] == f"Bearer {good}"
    assert "forged" not in heard.values()


def test_of_two_tokens_the_application_hears_none_that_was_not_looked_at(
    gateway: Gateway, running_portal: RunningPortal
) -> None:
    good = token(running_portal)
    for shown in ([good, "forged"], ["forged", good]):
        gateway.passed.clear()
        connection = HTTPConnection(gateways.LOOPBACK, gateway.port, timeout=10)
        connection.putrequest("GET", "/machines")
        for value in shown:
            connection.putheader("Authorization", f"Bearer {value}")
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        assert [heard["authorization"] for heard in gateway.passed] == [f"Bearer {good}"] * (status == 200)
        assert status in (200, 400, 401)


def test_a_forged_token_stays_outside(gateway: Gateway, running_portal: RunningPortal) -> None:
    header, claims, signature = token(running_portal).split(".")
    other = "B" if signature[0] != "B" else "C"
    forged = [f"{header}.{claims}.{other}{signature[1:]}", f"{header}.{claims}.", f"{header}.{claims}"]

    assert {gateway.get(value).status_code for value in forged} == {401}
    assert gateway.passed == []


def test_a_token_for_another_application_stays_outside(
    gateway: Gateway, running_portal: RunningPortal
) -> None:
    automation = running_portal.story["consumer"]["automation"]
    reply = requests.post(
        f"{running_portal.address}/oauth2/token",
        {"grant_type": "client_credentials", "scope": "aud:iam-portal"},
        auth=(automation["clientId"], automation["clientSecret"]),
        timeout=20,
    )
    assert reply.status_code == 200, reply.text

    assert gateway.get(reply.json()["access_token"]).status_code == 401
    assert gateway.passed == []


def test_of_a_person_only_the_access_token_comes_through(gateway: Gateway, person: dict[str, str]) -> None:
    """An ID token is for its client to read; a refresh token is active at its own client: the gateway's."""
    answers = {
        kind: gateway.get(person[kind]).status_code for kind in ("access_token", "id_token", "refresh_token")
    }

    assert answers == {"access_token": 200, "id_token": 401, "refresh_token": 401}
    assert len(gateway.passed) == 1


def test_a_paused_contract_is_seen_with_the_next_request(
    gateway: Gateway, running_portal: RunningPortal
) -> None:
    good = token(running_portal)
    assert gateway.get(good).status_code == 200
    assert gateway.get(good).status_code == 200
    with gateways.paused(running_portal):
        assert gateway.get(good).status_code == 401
        assert len(gateway.passed) == 2
    assert gateway.get(good).status_code == 200


def test_a_token_bound_to_a_certificate_stays_outside(
    gateway: Gateway, running_portal: RunningPortal
) -> None:
    """RFC 8705 §3: these gateways see no certificate, so one that was stolen would do."""
    form = {"grant_type": "client_credentials", "client_id": certified.service(running_portal)}
    vouched = certified.vouched(running_portal)
    reply = requests.post(f"{running_portal.address}/oauth2/token", form, headers=vouched, timeout=20)
    assert reply.status_code == 200, reply.text

    assert gateway.get(reply.json()["access_token"]).status_code == 401
    assert gateway.passed == []


@pytest.mark.parametrize("kind", GATEWAYS)
def test_without_the_portal_nobody_comes_through(
    running_portal: RunningPortal, application: Application, kind: str
) -> None:
    good, dead = token(running_portal), free_port()
    values = {
        **gateways.values_of(running_portal, application),
        "PORTAL_PORT": dead,
        "ISSUER": f"http://{gateways.LOOPBACK}:{dead}",
    }
    application.heard.clear()
    with started_as(kind, running_portal, values) as (port, child):
        reply = Gateway(port, application.heard, child).get(good)
    assert reply.status_code == REFUSED_BLINDLY[kind]
    assert application.heard == []
