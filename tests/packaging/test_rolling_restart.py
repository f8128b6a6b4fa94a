"""Every process is replaced under load, one by one: no request fails, no task is lost or done twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from celery import Celery

from iam_portal.launchers.portal import LocalPortal, Servers
from iam_portal.launchers.processes import Supervisor
from iam_portal.launchers.valkey import free_port
from tests.support import rolling
from tests.support.machines import owner_of
from tests.support.portal import RunningPortal
from tests.support.rolling import Callers, Tokens, Web, gone
from tests.support.stage import Stage, made_of

pytestmark = pytest.mark.drill

THREADS = 3
TASKS = 400
SETTLES_WITHIN = 90.0  # seconds
Proxy = Callable[[list[Web], Path], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def webs(
    running_portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory, supervisor: Supervisor
) -> list[Web]:
    folder = tmp_path_factory.mktemp("webs")
    return [Web(running_portal, folder / str(number), supervisor) for number in range(2)]


@pytest.fixture
def stage(running_portal: RunningPortal) -> Stage:
    made = made_of(running_portal.story)
    made.share()
    return made


def callers(address: str, stage: Stage, slug: str) -> Callers:
    """A service that wants tokens, and somebody who looks at a page and at what keys there are."""
    where = f"{address}/iam/access-management/v1/tenants/{stage.consumer.tenant_id}/openid-connect/token"
    form = {"grant_type": "client_credentials", "scope": f"aud:{stage.target.client_id} openid"}
    auth = (stage.caller.client_id, stage.caller.secret)

    def token(session: requests.Session) -> requests.Response:
        return session.post(where, data=form, auth=auth, timeout=30)

    def page(session: requests.Session) -> requests.Response:
        return session.get(f"{address}/t/{slug}/sign-in", timeout=30)

    return Callers([token, token, page])


def counted(stage: Stage) -> int:
    """The tokens of its contract, as the worker has written them down."""
    found: int = stage.provider.act("GET", f"contracts/{stage.contract_id}/usage").body["tokens"]
    return found


def settled(stage: Stage, wanted: int) -> int:
    """What is counted at last, with some time for more than there should be."""
    end = time.monotonic() + SETTLES_WITHIN
    while counted(stage) < wanted and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(3)
    return counted(stage)


@pytest.fixture
def worker(running_portal: RunningPortal) -> Iterator[None]:
    running_portal.start_worker()
    yield
    running_portal.kill_worker()


@pytest.mark.parametrize(
    ("proxy", "drains"),
    [(rolling.haproxy, True), (rolling.nginx, False)],
    ids=["a balancer that asks /readyz", "nginx as documented"],
)
def test_no_request_and_no_token_is_lost(
    running_portal: RunningPortal,
    worker: None,
    webs: list[Web],
    stage: Stage,
    tmp_path: Path,
    proxy: Proxy,
    drains: bool,
) -> None:
    """Web servers are replaced in turns; each hands over its counts before it ends."""
    with proxy(webs, tmp_path / "proxy") as address:
        asked = callers(address, stage, running_portal.story["consumer"]["slug"])
        with asked.calling(THREADS):
            for web in webs:
                time.sleep(2)
                if drains:
                    web.drain()
                    time.sleep(5)
                web.go()
                web.start()
            time.sleep(1)

    assert asked.wrong == []
    assert min(asked.right.values()) > 5, asked.right
    issued = asked.right[0] + asked.right[1]
    assert settled(stage, issued) == issued
    running_portal.kill_worker()


def test_no_token_is_lost_where_a_token_service_is_replaced(
    running_portal: RunningPortal,
    worker: None,
    webs: list[Web],
    stage: Stage,
    tmp_path: Path,
    supervisor: Supervisor,
) -> None:
    """Two of them behind nginx as documented, which asks nothing twice that might change something."""
    services = [Tokens(running_portal, tmp_path / f"tokens{number}", supervisor) for number in range(2)]
    with rolling.nginx(webs, tmp_path / "proxy", tokens=services) as address:
        asked = callers(address, stage, running_portal.story["consumer"]["slug"])
        with asked.calling(THREADS):
            for service in services:
                time.sleep(2)
                service.go()
                service.start()
            time.sleep(1)
        said = (tmp_path / "proxy" / "access.log").read_text()
    assert asked.wrong == []
    assert min(asked.right.values()) > 5, asked.right
    for service in services:
        assert f'upstream "127.0.0.1:{service.port}" 200' in said
        service.go()
    issued = asked.right[0] + asked.right[1]
    assert settled(stage, issued) == issued


def test_no_task_is_lost_or_done_twice(
    running_portal: RunningPortal, stage: Stage, tmp_path: Path, supervisor: Supervisor
) -> None:
    """Two workers are replaced in turns while tasks run; each task adds one."""
    workers = [_Worker(running_portal, tmp_path / str(number), supervisor) for number in range(2)]
    day = datetime.now(UTC)
    uses = [stage.contract_id, stage.consumer.tenant_id, stage.caller.client_id, stage.target.client_id]
    line: list[Any] = [*uses, day.date().isoformat(), 1, day.isoformat()]
    sender = Celery(set_as_current=False)
    before = counted(stage)

    # By an address of its own: the environment of the tests names another broker, and goes before.
    with sender.connection(running_portal.environment["CELERY_BROKER_URL"]) as connection:
        for number in range(TASKS):
            sender.send_task("applications.count_usage", args=[[line]], connection=connection)
            if number in (TASKS // 4, TASKS // 2):
                workers[0 if number == TASKS // 4 else 1].replace()

    assert settled(stage, before + TASKS) == before + TASKS
    for worker in workers:
        gone(worker.child, supervisor)


class _Worker:
    """One that is replaced."""

    def __init__(self, portal: RunningPortal, folder: Path, supervisor: Supervisor) -> None:
        folder.mkdir()
        servers = Servers(
            portal.environment["DATABASE_URL"], owner_of(portal), portal.environment["CELERY_BROKER_URL"]
        )
        secrets = ("PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS", "SECRET_KEY", "PORTAL_BASE_URL")
        settings = {name: portal.environment[name] for name in secrets}
        self._local = LocalPortal(folder, free_port(), supervisor, servers=servers, settings=settings)
        self._supervisor = supervisor
        self._start()

    def _start(self) -> None:
        self.child = self._local.start_worker()
        self._local.wait_worker(self.child)

    def replace(self) -> None:
        gone(self.child, self._supervisor)
        self._start()
