"""A service with nothing but a certificate, through nginx in front of the portal, over TLS (RFC 8705)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import certified, proving
from tests.support.console import Console
from tests.support.portal import RunningPortal

pytestmark = pytest.mark.journey
Ask = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def client_id(running_portal: RunningPortal) -> str:
    return certified.service(running_portal)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ask(running_portal: RunningPortal, client_id: str, files: Path) -> Iterator[Ask]:
    """A token request through the proxy, without any secret."""
    story = running_portal.story
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": f"aud:{story['target']['applicationId']}",
    }
    with certified.proxy(running_portal, files) as (base, trusted):

        def post(path: str = "/oauth2/token", **sent: Any) -> requests.Response:
            return requests.post(f"{base}{path}", **{"data": form, "timeout": 20, "verify": trusted, **sent})

        yield post


def test_the_certificate_is_enough(
    ask: Ask, files: Path, running_portal: RunningPortal, client_id: str
) -> None:
    story = running_portal.story
    reply = ask(cert=certified.kept(files))

    assert reply.status_code == 200, reply.text
    target = (story["target"]["applicationId"], story["target"]["clientSecret"])
    path = f"/auth/realms/{story['consumer']['tenantId']}/protocol/openid-connect/token/introspect"
    seen = ask(path, data={"token": reply.json()["access_token"]}, auth=target).json()
    assert seen["active"] is True
    assert seen["client_id"] == client_id
    assert set(seen["cnf"]) == {"x5t#S256"}


def test_figures_stay_inside(ask: Ask) -> None:
    assert ask("/metrics").status_code == 404


def test_nothing_else_is(ask: Ask, files: Path, running_portal: RunningPortal, client_id: str) -> None:
    forged = certified.vouched(running_portal)
    straight = f"{running_portal.address}/oauth2/token"
    form = {"grant_type": "client_credentials", "client_id": client_id}
    only_header = {name: value for name, value in forged.items() if "Secret" not in name}
    replies = {
        "no certificate": ask(),
        "another certificate": ask(cert=certified.kept(files, "somebody")),
        "its headers, written by the caller": ask(headers=forged),
        "its headers, beside another certificate": ask(
            headers=forged, cert=certified.kept(files, "somebody")
        ),
        "past the proxy": requests.post(straight, form, headers=only_header, timeout=20),
    }

    assert {what: reply.status_code for what, reply in replies.items()} == dict.fromkeys(replies, 401)
    assert len({reply.text for reply in replies.values()}) == 1


def test_a_revoked_certificate_opens_nothing(
    ask: Ask, files: Path, running_portal: RunningPortal, client_id: str
) -> None:
    """Last: it ends what the others use."""
    console = Console.of(running_portal, "consumer")
    where = f"applications/{client_id}/clients/{client_id}/certificates"
    (row,) = console.call("GET", where)["items"]
    console.call("DELETE", f"{where}/{row['certificateId']}")

    assert ask(cert=certified.kept(files)).status_code == 401
    assert console.call("POST", where, {"pem": proving.pem(proving.certified(certified.NAME))})
    assert ask(cert=certified.kept(files)).status_code == 200
