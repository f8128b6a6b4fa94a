"""Writing what was counted, and forgetting what is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from applications.models import ContractUsage, UsageBatch
from applications.usage import Line
from iam_portal.walls import cross_tenant
from tenants.models.batches import first

KEPT = timedelta(days=396)  # 13 months
COMES_AGAIN = timedelta(days=7)  # longer than any broker keeps a message that nobody has confirmed

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


# A second one with this id waits until the first has committed, and then finds it.
_TAKE = """
INSERT INTO applications_usagebatch (id, taken_at) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""


def count(*, rows: Sequence[Line], batch: UUID | str, at: datetime) -> int:
    """Add the lines to the rows of their days, in one statement. How many rows there were.

    A worker that is killed after it and before it says so is sent the same batch again: it is taken once.
    """
    if not rows:
        return 0
    # One flush has the tokens of all tenants.
    with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [batch, at])
        if not cursor.rowcount:
            return 0
        cursor.execute(_COUNT, [list(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def forget(*, at: datetime, most: int = 1000) -> int:
    """Delete rows of days that are not kept, up to so many in one transaction. How many there were.

    Likewise batches that can no longer come again.
    """
    batches = UsageBatch.objects.filter(taken_at__lt=at - COMES_AGAIN)
    over = ContractUsage.objects.filter(day__lt=(at - KEPT).date())
    with cross_tenant():  # of all tenants
        taken = first(batches.order_by("taken_at"), most).delete()[0]
        return taken + first(over.order_by("day"), most).delete()[0]
