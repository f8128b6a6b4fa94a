"""What the second wall costs a page, a list and a token. ``python -m tests.benchmarks.wall``

In a small portal and its copy that has no wall, the same requests one by one in turns: there no policy is
asked, and nothing is said to it. Milliseconds on the processor, of this process and of its database's;
medians. *more* is the median of the rounds, each of which has new connections: one may happen to be a tenth
slower than another. Tokens go the framework's way, which asks the database for everything; the short way
reads nothing behind the wall. Exit 1 where the wall costs more than ``--most`` percent of a request.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import truediv
from statistics import median
from unittest import mock

import django
import psycopg

os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.db import connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from iam_portal import walls  # noqa: E402
from tenants.http import cookie_name  # noqa: E402
from tests.accesscontrol.oauth.conftest import Clock, World  # noqa: E402
from tests.benchmarks.measuring import Figures  # noqa: E402
from tests.support import database  # noqa: E402
from tests.support.factories import make_group, make_partners, make_tenant, make_user  # noqa: E402
from tests.support.knocking import person, service  # noqa: E402

Asked = Callable[[], HttpResponse]
Round = Mapping[str, Figures]  # by world
PEOPLE = 60
ROLES = ("access-manager", "provision-contract-manager", "module-manager", "activity-log-reader")
_WALLED = "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'tenant_rows'"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=40)
    asked.add_argument("--most", type=float, default=10)
    options = asked.parse_args()
    setup_test_environment()
    with database.prepared():
        requests = _requests()
        with _copy() as copy:
            worlds = {"bare": copy, "walled": connections["default"]}
            rounds = [_round(requests, worlds) for _ in range(options.rounds)]
    return int(_print(requests, rounds) > options.most)


def _print(requests: Mapping[str, Asked], rounds: Sequence[Round]) -> float:
    print("| what | without: ms | with: ms | more |\n|---|--:|--:|--:|")
    worst = 0.0
    for what in requests:
        bare, walled = ([one[world].milliseconds(what) for one in rounds] for world in ("bare", "walled"))
        more = 100 * (median(map(truediv, walled, bare)) - 1)
        worst = max(worst, more)
        print(f"| {what} | {median(bare):.2f} | {median(walled):.2f} | {more:+.1f} % |")
    return worst


def _round(requests: Mapping[str, Asked], worlds: Mapping[str, BaseDatabaseWrapper]) -> Round:
    """The first of each warm up a new connection."""
    figures = {world: Figures() for world in worlds}
    for connection in worlds.values():
        connection.close()
    for turn in range(2 + 8):
        for what, ask in requests.items():
            for world in sorted(worlds, reverse=bool(turn % 2)):
                with _in(world, worlds[world]):
                    answer = figures[world].take(what, ask) if turn >= 2 else ask()
                    assert answer.status_code == 200, what
    return figures


@contextmanager
def _in(world: str, connection: BaseDatabaseWrapper) -> Iterator[None]:
    connections["default"] = connection
    say = walls._set if world == "walled" else lambda *_: None
    with mock.patch.object(walls, "_set", say):
        yield


@contextmanager
def _copy() -> Iterator[BaseDatabaseWrapper]:
    """The same rows, of which the planner knows as much, in another database without a wall."""
    walled = connections["default"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    source = walled.settings_dict["NAME"]
    name = f"{source}_bare"
    connections.close_all()
    with database.copied(name, source) as servers:
        with psycopg.connect(servers.owner, autocommit=True) as owner:
            for (table,) in owner.execute(_WALLED).fetchall():
                owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
        copy = connections.create_connection("default")
        copy.settings_dict = {**copy.settings_dict, "NAME": name}
        try:
            yield copy
        finally:
            copy.close()
            connections["default"] = walled


def _requests() -> dict[str, Asked]:
    """An organization with some people, and an application that calls another's."""
    clock = Clock()
    acme, globex = make_tenant("acme"), make_tenant("globex")
    world = World(clock, acme, globex, acme)
    make_partners(acme, globex)
    users = [make_user(globex, f"user{number}") for number in range(PEOPLE)]
    for number in range(5):
        make_group(globex, f"Group {number}", members=tuple(users[number * 10 : number * 10 + 10]))
    world.application(acme, "monitoring")
    world.application(globex, "planner")
    world.share(acme, globex, ("acme.monitoring", "viewer"))
    clock.at = clock.start
    world.assign(globex, "globex.planner", "acme.monitoring")
    time.sleep(3)  # that world begins on a full second to come
    _, session = person(globex, "jane", *ROLES)
    browser = Browser()
    browser.cookies[cookie_name(globex.id)] = session
    headers = service(globex, "reader", *ROLES).headers
    return {
        "token": lambda: world.token("globex.planner", globex, "aud:acme.monitoring openid"),
        "page Users": lambda: browser.get("/t/globex/users"),
        "page Groups": lambda: browser.get("/t/globex/groups"),
        "page Contracts": lambda: browser.get("/t/globex/contracts"),
        "page Activity": lambda: browser.get("/t/globex/activity"),
        "list of users by REST": lambda: browser.get(
            f"/iam/access-management/v1/tenants/{globex.id}/users?limit=50", headers=headers
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
