"""What questions cost in a company of 10,000 people. ``python -m tests.benchmarks.people``

Runs on a PostgreSQL of its own, as the tests do, and prints the table of ``docs/scale.md``.
"""

import tempfile

from tests import conftest  # noqa: F401  (sets the portal up)

from unittest import mock  # isort: skip

from django.conf import settings  # isort: skip
from django.test.utils import setup_test_environment  # isort: skip
from django.utils import timezone  # isort: skip

from accesscontrol.actions import keys, portal  # isort: skip
from tests.accesscontrol.oauth.conftest import Clock  # isort: skip
from tests.benchmarks.company import large  # isort: skip
from tests.benchmarks.company_questions import Questions  # isort: skip
from tests.benchmarks.measuring import Figures, table  # isort: skip
from tests.support import database  # isort: skip
from tests.support.factories import make_tenant  # isort: skip

ROUNDS = 5


def main() -> None:
    """A fiftieth of it, and the whole, in one database."""
    setup_test_environment()
    settings.ALLOWED_HOSTS.append("testserver")
    settings.STATIC_ROOT = tempfile.mkdtemp(prefix="iam-static-")
    clock = Clock()
    with database.prepared(), mock.patch.object(timezone, "now", lambda: clock.at):
        portal.install(at=clock.start)
        keys.jwks(at=clock.at)  # as a process that has served before
        small, big = _measured("small", 50, clock), _measured("big", 1, clock)
    print(table(small, big))


def _measured(slug: str, times: int, clock: Clock) -> Figures:
    company = large(make_tenant(slug, at=clock.start), at=clock.start, times=times)
    company.build()
    figures, questions = Figures(), Questions(company, clock).prepare()
    for _ in range(ROUNDS):
        for what, ask in questions.all():
            reply = figures.take(what, ask)
            assert reply.status_code in (200, 304), (what, reply, reply.content[:500])
    return figures


if __name__ == "__main__":
    main()
