"""What questions cost in a company of 10,000 people. ``python -m tests.benchmarks.people``

Runs on a PostgreSQL of its own, as the tests do, and prints the table of ``docs/scale.md``.
"""

import tempfile

from tests import conftest  # noqa: F401  (sets the portal up)

from unittest import mock  # isort: skip

from django.conf import settings  # isort: skip
from django.db import connections  # isort: skip
from django.test.utils import setup_test_environment  # isort: skip
from django.utils import timezone  # isort: skip

from accesscontrol.actions import keys, portal  # isort: skip
from tests.accesscontrol.oauth.conftest import Clock  # isort: skip
from iam_portal.launchers.load.company import Company, large  # isort: skip
from tests.benchmarks.company_questions import Questions  # isort: skip
from tests.benchmarks.measuring import Figures, table  # isort: skip
from tests.support import database  # isort: skip
from tests.support.factories import make_tenant  # isort: skip

ROUNDS = 3


def main() -> None:
    """A fiftieth of it, and the whole, in one database."""
    setup_test_environment()
    settings.ALLOWED_HOSTS.append("testserver")
    settings.STATIC_ROOT = tempfile.mkdtemp(prefix="iam-static-")
    clock = Clock()
    with database.prepared(), mock.patch.object(timezone, "now", lambda: clock.at):
        portal.install(at=clock.start)
        keys.jwks(at=clock.at)  # as a process that has served before
        worlds = [_built(slug, times, clock) for slug, times in (("small", 50), ("big", 1))]
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE")  # in service autovacuum does it
        small, big = (_measured(company, clock) for company in worlds)
    print(table(small, big))


def _built(slug: str, times: int, clock: Clock) -> Company:
    company = large(make_tenant(slug, at=clock.start), at=clock.start, times=times)
    company.build()
    return company


def _measured(company: Company, clock: Clock) -> Figures:
    figures, questions = Figures(), Questions(company, clock).prepare()
    for _ in range(ROUNDS):
        for what, ask in questions.all():
            reply = figures.take(what, ask)
            assert reply.status_code in (200, 304), (what, reply, reply.content[:500])
    return figures


if __name__ == "__main__":
    main()
