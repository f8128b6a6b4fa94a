"""What the second wall costs a page, a list and a token. ``python -m tests.benchmarks.wall``

In a small portal of its own, the same requests in turns with the wall and without: no policy is asked, and
nothing is said to it. Milliseconds on the processor, of this process and of its database's; medians.
Tokens go the framework's way, which asks the database for everything; the short way reads nothing behind the
wall. Exit 1 where the wall costs more than ``--most`` percent of a request.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from unittest import mock

import django

os.environ["PORTAL_ENVIRONMENT"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.db import connections  # noqa: E402
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
PEOPLE = 60
ROLES = ("access-manager", "provision-contract-manager", "module-manager", "activity-log-reader")
_WALLED = "SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'tenant_rows'"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=12)
    asked.add_argument("--most", type=float, default=10)
    options = asked.parse_args()
    setup_test_environment()
    with database.prepared():
        requests = _requests()
        walled, bare = Figures(), Figures()
        for _ in range(options.rounds):
            _take(requests, walled)
            with _no_wall():
                _take(requests, bare)
    return int(_print(requests, bare, walled) > options.most)


def _print(requests: Mapping[str, Asked], bare: Figures, walled: Figures) -> float:
    print("| what | without: ms | with: ms | more |\n|---|--:|--:|--:|")
    worst = 0.0
    for what in requests:
        before, after = bare.milliseconds(what), walled.milliseconds(what)
        more = 100 * (after / before - 1)
        worst = max(worst, more)
        print(f"| {what} | {before:.2f} | {after:.2f} | {more:+.0f} % |")
    return worst


def _take(requests: Mapping[str, Asked], figures: Figures) -> None:
    """The first of each warms up what a new state of the tables made stale."""
    for what, ask in requests.items():
        assert ask().status_code == 200, what
        for _ in range(4):
            figures.take(what, ask)


@contextmanager
def _no_wall() -> Iterator[None]:
    _alter("NO FORCE ROW LEVEL SECURITY, DISABLE")
    with mock.patch.object(walls, "_set", lambda *_: None):
        yield
    _alter("FORCE ROW LEVEL SECURITY, ENABLE")


def _alter(how: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(_WALLED)
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY")


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
