"""The example application behind the whole portal: doors that open and close with a contract."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from iam_portal.launchers import example
from iam_portal.launchers.valkey import free_port
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of

pytestmark = pytest.mark.journey
SOON = 30.0  # seconds; the example looks each two, and remembers an answer for ten


@pytest.fixture(scope="module")
def stage(running_portal: RunningPortal) -> Stage:
    return made_of(running_portal.story)


@pytest.fixture(scope="module")
def base(
    stage: Stage, running_portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    where, port = tmp_path_factory.mktemp("example"), free_port()
    child = example.start(running_portal.address, stage.target, port=port, state=where, logs=where)
    try:
        example.wait(child, port=port)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def asked(base: str, token: str, path: str = "/") -> requests.Response:
    return requests.get(base + path, headers={"Authorization": f"Bearer {token}"}, timeout=20)


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON
    while not holds() and time.monotonic() < end:
        time.sleep(0.3)
    return holds()


def opened(base: str, token: str) -> Any:
    reply = asked(base, token)
    return reply.json().get("may") if reply.ok else reply.status_code


def test_who_calls_may_what_the_contract_says(stage: Stage, base: str) -> None:
    assert requests.get(base, timeout=20).status_code == 401
    stage.share()
    token = stage.token()
    entry = {"owningTenantId": stage.consumer.tenant_id, "resourceType": "urn:acme:thing"}
    may = [{**entry, "resourceId": "things", "privileges": ["read"]}]
    assert until(lambda: opened(base, token) == may), "the ACL came with the contract"
    said = asked(base, token).json()
    assert (said["kind"], said["clientId"]) == ("service", stage.caller.client_id)
    assert asked(base, token, "/machines").status_code == 403, "a resource that the application has not"
    stage.do(stage.provider, "pause")
    assert until(lambda: opened(base, token) == 401)
    stage.do(stage.provider, "resume")
    fresh = stage.token()
    assert until(lambda: opened(base, fresh) == may)


def test_a_token_for_another_application_opens_nothing(stage: Stage, base: str) -> None:
    robot = stage.consumer.new_token()
    assert asked(base, robot).status_code == 401
    assert asked(base, robot[:-4] + "AAAA").status_code == 401
