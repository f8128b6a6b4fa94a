"""Twenty at once over HTTP, of a refresh token, a code, an assertion: at most one of them gets anything."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support import proving
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.signing_in import Relying, Visitor
from tests.support.stage import BACK, Stage

pytestmark = pytest.mark.journey
TIMES = 20
REFUSED = (400, "invalid_grant")


@pytest.fixture
def relying(running_portal: RunningPortal, stage: Stage) -> Relying:
    return Relying(realm_of(running_portal, stage), (stage.target.client_id, stage.target.secret), BACK)


@pytest.fixture(scope="module")
def visitor(running_portal: RunningPortal) -> Iterator[Visitor]:
    return Visitor(Login.of(running_portal.story["consumer"]))


def realm_of(portal: RunningPortal, stage: Stage) -> str:
    return f"{portal.address}/iam/auth/realms/{stage.consumer.tenant_id}/protocol/openid-connect"


def at_once(act: Callable[[], requests.Response]) -> list[requests.Response]:
    """The replies to requests that were sent together."""
    start = threading.Barrier(TIMES)

    def run(_: int) -> requests.Response:
        start.wait(10)
        return act()

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(run, range(TIMES)))


def refusals(replies: list[requests.Response]) -> Counter[tuple[int, str]]:
    return Counter((reply.status_code, reply.json()["error"]) for reply in replies if not reply.ok)


def assert_dead(relying: Relying, given: dict[str, str]) -> None:
    """Nothing that came of this sign-in opens anything any more."""
    refused = relying.refresh(given["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == REFUSED
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert requests.get(f"{relying.realm}/userinfo", headers=bearer, timeout=20).status_code == 401
    form = {"token": given["access_token"]}
    seen = requests.post(f"{relying.realm}/token/introspect", form, auth=relying.client, timeout=20)
    assert seen.json() == {"active": False}


def test_a_refresh_token_is_exchanged_once_and_then_the_family_is_over(
    relying: Relying, visitor: Visitor
) -> None:
    given = relying.signed_in(visitor)

    replies = at_once(lambda: relying.refresh(given["refresh_token"]))

    (won,) = [reply.json() for reply in replies if reply.ok]
    assert refusals(replies) == {REFUSED: TIMES - 1}
    assert_dead(relying, won)
    assert_dead(relying, given)


def test_a_code_gives_tokens_once_and_what_it_gave_is_dead(relying: Relying, visitor: Visitor) -> None:
    code = relying.code(visitor)

    replies = at_once(lambda: relying.exchange(code))

    won = [reply.json() for reply in replies if reply.ok]
    assert len(won) <= 1
    assert refusals(replies) == {REFUSED: TIMES - len(won)}
    for given in won:
        assert_dead(relying, given)
    assert relying.exchange(code).json()["error"] == "invalid_grant"
    assert relying.signed_in(visitor)["access_token"], "the person may sign in again"


def test_an_assertion_is_taken_once(running_portal: RunningPortal, stage: Stage) -> None:
    client_id, key = stage.target.client_id, proving.ec_key("at once")
    owner = Console.of(running_portal, "provider")
    where = f"applications/{client_id}/clients/{client_id}/keys"
    owner.call("POST", where, {"pem": proving.public_pem(key)})
    owner.change_client(client_id, authenticationMethod="private_key_jwt")
    now, realm = int(time.time()), realm_of(running_portal, stage)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": realm.removesuffix("/protocol/openid-connect"),
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
    }
    form = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(proving.private_pem(key))),
        "token": "x",
    }

    replies = at_once(lambda: requests.post(f"{realm}/token/introspect", form, timeout=20))

    owner.change_client(client_id, authenticationMethod="client_secret_basic")
    assert [reply.json() for reply in replies if reply.ok] == [{"active": False}]
    assert refusals(replies) == {(401, "invalid_client"): TIMES - 1}
