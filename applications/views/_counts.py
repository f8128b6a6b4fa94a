"""How many contracts of a tenant stand where: each side from its index, pauses by the keys of contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from applications import policies
from applications.views._sides_sql import both
from applications.views._standing import agreed_then
from tenants.models import Tenant

_COUNTS = """
WITH mine(there, id) AS MATERIALIZED ({contracts})
SELECT there, count(*) FROM mine GROUP BY there
UNION ALL
SELECT 'paused', count(DISTINCT contract_id) FROM applications_contractpause
WHERE contract_id = ANY(ARRAY(SELECT id FROM mine WHERE there = 'in_force'))
    AND (during @> %(at)s::timestamptz) IS TRUE
"""


def counted_by_state(tenant: Tenant, types: Sequence[str], at: datetime) -> dict[str, int]:
    """Of the contracts of these types that the tenant may know of. One query."""
    values: dict[str, Any] = {"at": at}
    sides = (side.filter(type__in=types) for side in policies.sides_of(tenant.id))
    columns = [side.annotate(there=agreed_then(at)).values_list("there", "id") for side in sides]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(contracts=both(columns, values)), values)
        counts = dict(cursor.fetchall())
    # What is paused was counted as in force.
    return {**counts, "in_force": counts.get("in_force", 0) - counts["paused"]}
