"""How many contracts of a tenant stand where: each side from its index, pauses by the keys of contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from applications.views import _sides_sql as sides
from tenants.models import Tenant

# Counted as they are read: kept for the pauses are only the ids of what is in force.
_COUNTS = f"""
WITH stood AS MATERIALIZED (
    SELECT there, count(*) AS number, array_agg(id) FILTER (WHERE there = 'in_force') AS running
    FROM ({sides.contracts(since=False)}) mine GROUP BY there
)
SELECT there, number FROM stood
UNION ALL
SELECT 'paused', count(DISTINCT contract_id) FROM applications_contractpause
WHERE contract_id = ANY((SELECT running FROM stood WHERE there = 'in_force')::uuid[])
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
