"""10,000 people, 1,000 groups 8 deep, 100,000 assignments, 20,000 resources: as many statements as few.

CI builds all of it; elsewhere a tenth is built.
"""

import os
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from accesscontrol.actions import keys, portal
from iam_portal.launchers.load.company import Company, large
from tests.accesscontrol.oauth.conftest import Clock
from tests.benchmarks.company_questions import Questions
from tests.benchmarks.measuring import counting
from tests.support.factories import make_tenant

pytestmark = pytest.mark.exhaustive(3)

# Of a page of 50 and of 500 people, and the like, a question's own number; nothing sends more than this.
MOST = 80
# Of few it reads all who have something; of many it counts to a thousand, and then looks for the nearest.
ONE_MORE = ("access review of an application, a page",)
TIMES = 1 if os.environ.get("CI") else 10


@pytest.mark.slow
def test_every_question_sends_as_many_statements_in_a_large_company(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.at)
    portal.install(at=clock.start)
    keys.forget()
    keys.jwks(at=clock.at)  # as a process that has served before, and does not look again meanwhile
    monkeypatch.setattr(keys, "LOOK_AGAIN", float("inf"))
    few, many = (_built(slug, times, clock) for slug, times in (("few", 50), ("many", TIMES)))
    assert (many.users, many.groups, many.resources) == (10_000 // TIMES, 1_000 // TIMES, 20_000 // TIMES)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    counts = [_statements(company, clock) for company in (few, many)]
    # A page may leave out in the large company what would be too long there; it never asks more.
    few_ask = {what: count + (what in ONE_MORE) for what, count in counts[0].items()}
    more = {what: (count, few_ask[what]) for what, count in counts[1].items() if count > few_ask[what]}
    assert more == {}
    assert max(counts[1].values()) <= MOST
    keys.forget()


def _built(slug: str, times: int, clock: Clock) -> Company:
    company = large(make_tenant(slug, at=clock.start), at=clock.start, times=times)
    company.build()
    return company


def _statements(company: Company, clock: Clock) -> dict[str, int]:
    found = {}
    for what, ask in Questions(company, clock).prepare().all():
        with counting() as sent:
            reply = ask()
        assert reply.status_code in (200, 304), (what, reply.content[:500])
        found[what] = len(sent)
    return found
