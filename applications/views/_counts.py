"""How many contracts of a tenant stand where: each side from its index, pauses by the keys of contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from applications.views import _sides_sql as sides
from tenants.models import Tenant

_COUNTS = f"""
WITH mine AS MATERIALIZED ({sides.contracts(since=False)})
SELECT there, count(*) FROM mine GROUP BY there
UNION ALL
SELECT 'paused', count(DISTINCT contract_id) FROM applications_contractpause
WHERE contract_id = ANY(ARRAY(SELECT id FROM mine WHERE there = 'in_force'))
    AND (during @> %(at)s::timestamptz) IS TRUE
"""


def counted_by_state(tenant: Tenant, types: Sequence[str], at: datetime) -> dict[str, int]:
    """Of the contracts of these types that the tenant may know of. One query."""
    values: dict[str, Any] = {"tenant": tenant.id, "types": list(types), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        counts = dict(cursor.fetchall())
    # What is paused was counted as in force.
    return {**counts, "in_force": counts.get("in_force", 0) - counts["paused"]}
