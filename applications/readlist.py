"""Read applications: one statement over the read model answers a page, one row or a count."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications.availability import STRENGTH
from iam_portal.decision import rfc3339

_PAGE = """
WITH pair AS (
    SELECT v.application_id, range_agg(v.during) AS spans,
        array_agg(DISTINCT v.relation) FILTER (WHERE v.during @> %(at)s) AS relations,
        jsonb_agg(DISTINCT jsonb_build_object('contractId', v.contract_id, 'type', v.relation,
            'scopeTenantId', v.scope_tenant_id))
            FILTER (WHERE v.during @> %(at)s AND v.contract_id IS NOT NULL) AS contracts
    FROM applications_availability v
    WHERE v.tenant_id = %(tenant)s
        AND (%(after)s::text IS NULL OR v.application_id > %(after)s)
        AND (%(application)s::text IS NULL OR v.application_id = %(application)s)
    GROUP BY v.application_id
)
SELECT a.id, a.name, a.display_name, a.description, a.home_url, a.revision, a.owner_id, o.name,
    pair.relations, coalesce(pair.contracts, '[]'::jsonb),
    (SELECT span FROM unnest(pair.spans) AS span WHERE span @> %(at)s),
    ARRAY(SELECT c.client_id FROM applications_client c WHERE c.application_id = a.id ORDER BY c.client_id)
FROM pair
JOIN applications_application a ON a.id = pair.application_id
JOIN tenants_tenant o ON o.id = a.owner_id
WHERE (%(any)s OR pair.relations IS NOT NULL)
    AND (%(wanted)s::text[] IS NULL OR pair.relations::text[] && %(wanted)s)
    AND (%(search)s::text IS NULL OR a.id ILIKE %(search)s OR a.name ILIKE %(search)s
         OR a.display_name ILIKE %(search)s)
ORDER BY a.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. ``include_unavailable`` shows what is not available at the moment, too."""

    tenant_id: UUID
    at: datetime
    application_id: str | None = None
    relations: list[str] | None = None
    search: str = ""
    include_unavailable: bool = False
    after: str | None = None
    limit: int | None = None


def read(question: Question) -> list[dict[str, Any]]:
    """The rows in their wire form, ordered by application id."""
    escaped = question.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    values: dict[str, Any] = {
        "tenant": question.tenant_id,
        "at": question.at,
        "after": question.after,
        "application": question.application_id,
        "any": question.include_unavailable,
        "wanted": question.relations,
        "search": f"%{escaped}%" if escaped else None,
        "limit": question.limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, values)
        return [_row(row) for row in cursor.fetchall()]


def _row(row: tuple[Any, ...]) -> dict[str, Any]:
    (pk, name, display, description, home, revision, owner_id, owner, relations, contracts, span, clients) = (
        row
    )
    held = sorted(relations or [], key=lambda relation: STRENGTH[relation])
    return {
        "applicationId": pk,
        "name": name,
        "displayName": display,
        "description": description,
        "owningTenantId": str(owner_id),
        "owningTenantName": owner,
        "relation": held[0] if held else None,
        "relations": held,
        "available": bool(held),
        "availableFrom": rfc3339(span.lower) if span else None,
        "availableUntil": rfc3339(span.upper) if span else None,
        "contracts": json.loads(contracts),  # Django leaves JSON of raw SQL as text
        "homeUrl": home or None,
        "clientIds": list(clients),
        "revision": f"r-{revision}",
    }
