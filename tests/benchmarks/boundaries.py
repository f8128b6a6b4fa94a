"""What the beat of a second costs with many contracts: ``python -m tests.benchmarks.boundaries``."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from tests import conftest  # noqa: F401  (sets the portal up)

from tests.support import database  # isort: skip

from django.db import connection, connections  # isort: skip

from applications import boundaries, readmodel  # isort: skip
from applications.actions import watch  # isort: skip
from applications.models import Watermark  # isort: skip
from tests.applications.sharing import make_pair  # isort: skip

CONTRACTS = 50_000

# Starts over the last year, ends over the next; each with a pause behind it; 500 end at one moment.
_FILL = """
INSERT INTO applications_contract (id, provider_id, consumer_id, type, note, onward_access, state, starts_at,
    ends_at, created_at, proposed_at, answered_at, ended_by, revision)
SELECT gen_random_uuid(), %(acme)s, %(beta)s, 'provision', '', false, 'accepted', at.start,
    CASE WHEN n <= 500 THEN %(at)s::timestamptz + interval '1 hour'
        ELSE %(at)s::timestamptz + interval '2 hours' + random() * interval '365 days' END,
    at.start, at.start, at.start - interval '1 day', '', 1
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (SELECT %(at)s::timestamptz - n * interval '10 minutes' AS start) at;
INSERT INTO applications_contractpause (contract_id, during, note, by_name)
SELECT id, tstzrange(starts_at + interval '1 minute', starts_at + interval '2 minutes'), '', 'x'
FROM applications_contract;
INSERT INTO applications_contractterm (contract_id, role_id, during, confirmed_at)
SELECT id, (SELECT id FROM applications_applicationrole WHERE application_id = 'acme.meter' LIMIT 1),
    tstzrange(starts_at, ends_at), starts_at FROM applications_contract;
INSERT INTO applications_application
    (id, owner_id, name, display_name, description, home_url, during, revision)
SELECT 'acme.app-' || n, %(acme)s, 'app-' || n, 'app-' || n, '', '',
    tstzrange(%(at)s - interval '2 years', NULL), 1
FROM generate_series(1, %(count)s) AS n;
INSERT INTO applications_availability
    (tenant_id, application_id, relation, contract_id, scope_tenant_id, during)
SELECT %(beta)s, 'acme.app-' || row_number() OVER (), 'provision', id, %(beta)s, tstzrange(starts_at, ends_at)
FROM applications_contract;
"""


def milliseconds(question: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        begin = time.perf_counter()
        question()
        spent.append((time.perf_counter() - begin) * 1000)
    return median(spent)


def main() -> None:
    with database.prepared():
        acme, beta = make_pair()
        at = datetime.now(UTC) + timedelta(minutes=2)
        with connection.cursor() as cursor:
            cursor.execute(_FILL, {"acme": acme.id, "beta": beta.id, "at": at, "count": CONTRACTS})
        with connections["owner"].cursor() as owner:  # only an owner's statistics are taken
            owner.execute("ANALYZE")
        Watermark.objects.update_or_create(name=boundaries.WATERMARK, defaults={"at": at})
        late = at + timedelta(hours=1)
        since = at - boundaries.OVERLAP
        asked: dict[str, tuple[Callable[[], object], int]] = {
            "is anything due": (lambda: boundaries.is_due(at=at), 200),
            "boundaries of contracts in 15 minutes": (
                lambda: boundaries.passed(contracts=None, after=since, until=at),
                20,
            ),
            "turns of availability in 15 minutes": (
                lambda: readmodel.passed_turns(applications=None, tenants=None, after=since, until=at),
                20,
            ),
            "reminders due": (
                lambda: boundaries.reminders_due(days=[30, 7, 1], at=at, most=1000),
                5,
            ),
        }
        print(f"{CONTRACTS} contracts, one pause each; median in ms")
        for name, (question, times) in asked.items():
            print(f"  {name}: {milliseconds(question, times):.2f}")
        begin = time.perf_counter()
        done = watch.tell(at=late)
        print(f"  {done.passed} boundaries told at once: {(time.perf_counter() - begin) * 1000:.0f}")


if __name__ == "__main__":
    main()
