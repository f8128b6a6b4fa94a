"""Which tenants an application serves at a moment: one statement over the read model."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications.availability import STRENGTH
from applications.models import Availability
from iam_portal.decision import rfc3339

_SERVED = """
SELECT v.tenant_id, t.name, array_agg(DISTINCT v.relation) FILTER (WHERE v.during @> %(at)s),
    (SELECT span FROM unnest(range_agg(v.during)) AS span WHERE span @> %(at)s)
FROM applications_availability v JOIN tenants_tenant t ON t.id = v.tenant_id
WHERE v.application_id = %(application)s
GROUP BY v.tenant_id, t.name
HAVING bool_or(v.during @> %(at)s)
ORDER BY v.tenant_id
"""


def served_tenants(application_id: str, *, at: datetime) -> list[dict[str, Any]]:
    """In their wire form, ordered by tenant id: owner, provision and access consumers."""
    with connection.cursor() as cursor:
        cursor.execute(_SERVED, {"application": application_id, "at": at})
        rows = cursor.fetchall()
    return [_row(*row) for row in rows]


def serves(application_id: str, *, tenant_id: UUID, at: datetime) -> bool:
    """Whether it runs for the tenant itself, and so keeps data of the tenant's own: owned or by provision."""
    rows = Availability.objects.at(at).filter(application_id=application_id, tenant_id=tenant_id)
    return rows.filter(relation__in=("owned", "provision")).exists()


def _row(tenant_id: Any, name: str, relations: list[str], span: Any) -> dict[str, Any]:
    held = sorted(relations, key=lambda relation: STRENGTH[relation])
    return {
        "tenantId": str(tenant_id),
        "name": name,
        "relation": held[0],
        "relations": held,
        "availableFrom": rfc3339(span.lower) if span else None,
        "availableUntil": rfc3339(span.upper) if span else None,
    }
