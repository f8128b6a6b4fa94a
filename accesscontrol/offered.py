"""Of what a tenant can make roles: resources of what it owns or has by provision, and its own.

Set-based: a page reads the rows that it shows, however much is declared beside them. It must agree with
``Ground.granted`` at every moment; a test compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications import facts as sharing_facts
from applications.availability import available
from applications.models.applications import PORTAL_ID

# What is there as owned or by provision, each with the roles that are granted so: looked up for each, or the
# roles of all applications of the installation are read. The portal itself stands in no read model: its roles
# are everybody's.
_GRANTED = """
SELECT v.application_id, r.id FROM applications_availability v
LEFT JOIN LATERAL (
    SELECT r.id FROM applications_applicationrole r
    WHERE r.application_id = v.application_id AND r.during @> %(at)s
        AND (v.relation = 'owned' OR EXISTS (
            SELECT FROM applications_contractgrant g
            WHERE g.contract_id = v.contract_id AND g.role_id = r.id AND g.during @> %(at)s)) OFFSET 0
) r ON true
WHERE v.tenant_id = %(tenant)s AND v.relation <> 'access' AND v.during @> %(at)s
    AND (%(application)s::text IS NULL OR v.application_id = %(application)s)
UNION
SELECT r.application_id, r.id FROM applications_applicationrole r
WHERE r.application_id = ANY(%(builtin)s) AND r.during @> %(at)s
    AND (%(application)s::text IS NULL OR r.application_id = %(application)s)
"""

# In the order of the index of addresses, so that it ends when the page is full. What is asked of a row stands
# inside the join: outside, the planner expects that next to nothing passes, and reads all there is first. As
# an array, a resource is not looked up in the constraint's own index, which reads a thousand pages for each.
_HOLDING = """FROM applications_rolepermission q
    WHERE q.resource_id = ANY(ARRAY[{row}.id]) AND (q.during @> %(at)s) IS TRUE
        AND q.role_id = ANY(%(roles)s::uuid[])"""
_PAGE = f"""
WITH page AS MATERIALIZED (
    SELECT s.application_id, s.type, s.key, s.id, s.name, s.description,
        s.owner_tenant_id IS NOT NULL AS dynamic, place.privileges
    FROM applications_resource s
    CROSS JOIN LATERAL (
        SELECT p.privileges FROM applications_resourceplace p
        WHERE p.resource_id = s.id AND (p.during * s.during) @> %(at)s AND (
            s.owner_tenant_id = %(tenant)s
            OR s.owner_tenant_id IS NULL AND EXISTS (SELECT {_HOLDING.format(row="s")})) OFFSET 0) place
    WHERE s.application_id = ANY(%(applications)s)
        AND (%(text)s = '' OR upper(s.key) LIKE upper(%(like)s) OR upper(s.name) LIKE upper(%(like)s))
        AND (%(after)s::text[] IS NULL OR (s.application_id, s.type, s.key) >= (
                (%(after)s::text[])[1], (%(after)s::text[])[2], (%(after)s::text[])[3])
            AND ((s.application_id, s.type, s.key) > (
                    (%(after)s::text[])[1], (%(after)s::text[])[2], (%(after)s::text[])[3])
                OR s.id > %(last)s::uuid))
    ORDER BY s.application_id, s.type, s.key, s.id LIMIT %(most)s
)
SELECT page.*, ARRAY(SELECT DISTINCT q.privilege {_HOLDING.format(row="page")} AND NOT page.dynamic)
FROM page ORDER BY application_id, type, key, id
"""


@dataclass(frozen=True, slots=True)
class Offered:
    """A resource, and the privileges on it that a role of the tenant's can hold."""

    application_id: str
    type: str
    key: str
    id: UUID
    name: str
    description: str
    dynamic: bool
    privileges: frozenset[str]


@dataclass(frozen=True, slots=True)
class After:
    """The place of the last one of the page before. Of the same address there may be two."""

    application_id: str
    type: str
    key: str
    id: UUID


def offered(
    tenant_id: UUID,
    *,
    at: datetime,
    most: int,
    application_id: str | None = None,
    text: str = "",
    after: After | None = None,
) -> list[Offered]:
    """At most so many, by application, type and key. Runs in the tenant's scope; four queries."""
    granted = granted_roles(tenant_id, at=at, application_id=application_id)
    asked: dict[str, Any] = {
        "tenant": tenant_id,
        "at": at,
        "applications": sorted({found for found, _ in granted}),
        "roles": [role for _, role in granted if role is not None],
        "text": text,
        "like": f"%{_literal(text)}%",
        "after": [after.application_id, after.type, after.key] if after is not None else None,
        "last": after.id if after is not None else None,
        "most": most,
    }
    return [_offered(row) for row in _rows(_PAGE, asked)]


def granted_roles(
    tenant_id: UUID, *, at: datetime, application_id: str | None = None, by_page: bool = False
) -> list[tuple[str, UUID | None]]:
    """Of what is there as owned or by provision, each with its roles that are granted so; with none, once.

    ``by_page``: whoever asks was let in at this moment by what he holds of the portal here, so it is there.
    Runs in the tenant's scope; three queries, for a page one.
    """
    builtin = [PORTAL_ID] if by_page or _has_portal(tenant_id, at) else []
    return _rows(_GRANTED, {"tenant": tenant_id, "at": at, "application": application_id, "builtin": builtin})


def _has_portal(tenant_id: UUID, at: datetime) -> bool:
    portal = sharing_facts.of_application(PORTAL_ID, tenant_id=tenant_id)
    return portal is not None and bool(available(portal, tenant_id=str(tenant_id), at=at))


def _offered(row: Sequence[Any]) -> Offered:
    application_id, kind, key, pk, name, description, dynamic, offers, held = row
    privileges = frozenset(offers) if dynamic else frozenset(offers) & frozenset(held)
    return Offered(application_id, kind, key, pk, name, description, dynamic, privileges)


def _literal(text: str) -> str:
    """As LIKE takes it for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
