"""Writing what was counted, and forgetting what is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from applications.models import ContractUsage
from applications.usage import Line
from iam_portal.walls import cross_tenant
from tenants.models.batches import first

KEPT = timedelta(days=396)  # 13 months

# Sorted, so that two flushes of the same callers do not lock their rows in two orders. A line whose contract
# or application is gone is left out: it must not keep the others.
_COUNT = """
INSERT INTO applications_contractusage AS known
    (contract_id, tenant_id, caller_id, target_id, day, tokens, last_used_at)
SELECT u.contract, t.id, x.id, a.id, u.day, sum(u.tokens), max(u.last)
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::date[], %s::bigint[], %s::timestamptz[])
    AS u(contract, tenant, caller, target, day, tokens, last)
JOIN tenants_tenant t ON t.id = u.tenant
JOIN applications_application x ON x.id = u.caller
JOIN applications_application a ON a.id = u.target
WHERE u.contract IS NULL OR EXISTS (SELECT FROM applications_contract c WHERE c.id = u.contract)
GROUP BY u.contract, t.id, x.id, a.id, u.day
ORDER BY u.contract, t.id, x.id, a.id, u.day
ON CONFLICT (contract_id, tenant_id, caller_id, target_id, day) DO UPDATE
    SET tokens = known.tokens + excluded.tokens,
        last_used_at = greatest(known.last_used_at, excluded.last_used_at)
"""


def count(*, rows: Sequence[Line]) -> int:
    """Add the lines to the rows of their days, in one statement. How many rows there were.

    A worker that is killed after it and before it says so counts them twice: last uses stay true.
    """
    if not rows:
        return 0
    # One flush has the tokens of all tenants.
    with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def forget(*, at: datetime, most: int = 1000) -> int:
    """Delete rows of days that are not kept, up to so many in one transaction. How many there were."""
    over = ContractUsage.objects.filter(day__lt=(at - KEPT).date())
    with cross_tenant():  # of all tenants
        return first(over.order_by("day"), most).delete()[0]
