"""Grants and availability as set-based SQL: the same statement rebuilds a pair and compares everything.

Both tables follow from facts alone. ``applications`` and ``tenants`` narrow a statement to what a change
can have moved; ``None`` means all (the job, ``recompute_availability``).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

_GRANTS = """
expected AS (
    SELECT agreed.contract_id, agreed.role_id, piece.during
    FROM (
        SELECT t.contract_id, t.role_id, range_agg(t.during) AS during
        FROM applications_contractterm t
        JOIN applications_contract c ON c.id = t.contract_id AND c.state = 'accepted'
        WHERE NOT isempty(t.during) AND (%(contracts)s::uuid[] IS NULL OR t.contract_id = ANY(%(contracts)s))
        GROUP BY t.contract_id, t.role_id
    ) agreed
    LEFT JOIN (
        SELECT contract_id, range_agg(during) AS during FROM applications_contractpause
        WHERE NOT isempty(during) AND (%(contracts)s::uuid[] IS NULL OR contract_id = ANY(%(contracts)s))
        GROUP BY contract_id
    ) paused ON paused.contract_id = agreed.contract_id
    CROSS JOIN LATERAL unnest(agreed.during - coalesce(paused.during, '{}')) AS piece(during)
), actual AS (
    SELECT id, contract_id, role_id, during FROM applications_contractgrant
    WHERE %(contracts)s::uuid[] IS NULL OR contract_id = ANY(%(contracts)s)
)
"""

# An access grant counts while its provider holds the same role as owner, or by provision with onward access.
_AVAILABILITY = """
reach AS MATERIALIZED (
    -- The tenants asked about, and those from whom they have access: what these hold decides, too.
    SELECT ARRAY(
        SELECT unnest(%(tenants)s::uuid[]) UNION SELECT u.provider_id FROM applications_contract u
        WHERE u.type = 'access' AND u.state = 'accepted' AND u.consumer_id = ANY(%(tenants)s::uuid[])
    ) AS ids
), theirs AS MATERIALIZED (
    -- By contract: the planner would rather look through all grants of an application that thousands have.
    SELECT contract_id, role_id, during FROM applications_contractgrant
    WHERE contract_id = ANY(ARRAY(
        SELECT id FROM applications_contract
        WHERE state = 'accepted' AND consumer_id = ANY((SELECT ids FROM reach)::uuid[])))
), app AS MATERIALIZED (
    SELECT a.id, a.owner_id, tstzmultirange(a.during)
        - coalesce((SELECT range_agg(s.during) FROM applications_applicationsuspension s
                    WHERE s.application_id = a.id), '{}')
        - coalesce((SELECT range_agg(s.during) FROM tenants_tenantsuspension s
                    WHERE s.tenant_id = a.owner_id), '{}') AS alive
    FROM applications_application a
    WHERE a.id <> 'iam-portal' AND (%(applications)s::text[] IS NULL OR a.id = ANY(%(applications)s))
), stopped AS MATERIALIZED (
    SELECT tenant_id, range_agg(during) AS during FROM tenants_tenantsuspension
    WHERE %(tenants)s::uuid[] IS NULL OR tenant_id = ANY((SELECT ids FROM reach)::uuid[])
    GROUP BY tenant_id
), held AS MATERIALIZED (
    SELECT g.contract_id, c.type, c.provider_id, c.consumer_id, c.onward_access, r.application_id, r.key,
        range_agg(g.during * r.during) AS during
    FROM (
        SELECT * FROM theirs WHERE %(tenants)s::uuid[] IS NOT NULL
        UNION ALL
        SELECT contract_id, role_id, during FROM applications_contractgrant WHERE %(tenants)s::uuid[] IS NULL
    ) g
    JOIN applications_contract c ON c.id = g.contract_id
    JOIN applications_applicationrole r ON r.id = g.role_id
    JOIN app ON app.id = r.application_id
    GROUP BY g.contract_id, c.type, c.provider_id, c.consumer_id, c.onward_access, r.application_id, r.key
), onward AS MATERIALIZED (
    SELECT consumer_id, application_id, key, range_agg(during) AS during
    FROM held WHERE type = 'provision' AND onward_access GROUP BY consumer_id, application_id, key
), way AS (
    SELECT owner_id AS tenant_id, id AS application_id, 'owned' AS relation, NULL::uuid AS contract_id,
        owner_id AS scope_tenant_id, alive AS during
    FROM app
    UNION ALL
    SELECT consumer_id, application_id, 'provision', contract_id, consumer_id, range_agg(during)
    FROM held WHERE type = 'provision' GROUP BY consumer_id, application_id, contract_id
    UNION ALL
    SELECT h.consumer_id, h.application_id, 'access', h.contract_id, h.provider_id,
        range_agg(h.during * CASE WHEN app.owner_id = h.provider_id THEN '{(,)}'::tstzmultirange
            ELSE coalesce(o.during, '{}') END - coalesce(s.during, '{}'))
    FROM held h JOIN app ON app.id = h.application_id
    LEFT JOIN onward o
        ON o.consumer_id = h.provider_id AND o.application_id = h.application_id AND o.key = h.key
    LEFT JOIN stopped s ON s.tenant_id = h.provider_id
    WHERE h.type = 'access'
    GROUP BY h.consumer_id, h.application_id, h.contract_id, h.provider_id
), expected AS (
    SELECT w.tenant_id, w.application_id, w.relation, w.contract_id, w.scope_tenant_id, piece.during
    FROM way w JOIN app ON app.id = w.application_id
    LEFT JOIN stopped s ON s.tenant_id = w.tenant_id
    CROSS JOIN LATERAL unnest(w.during * app.alive - coalesce(s.during, '{}')) AS piece(during)
    WHERE %(tenants)s::uuid[] IS NULL OR w.tenant_id = ANY(%(tenants)s)
), actual AS (
    SELECT id, tenant_id, application_id, relation, contract_id, scope_tenant_id, during
    FROM applications_availability
    WHERE (%(applications)s::text[] IS NULL OR application_id = ANY(%(applications)s))
        AND (%(tenants)s::uuid[] IS NULL OR tenant_id = ANY(%(tenants)s))
)
"""


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    facts: str
    columns: tuple[str, ...]
    nullable: frozenset[str] = frozenset()

    def _same(self) -> str:
        # Plain equality wherever it can be: only that can be hashed, and 50,000 rows compared pair by pair
        # take minutes.
        return " AND ".join(
            f"a.{column} {'IS NOT DISTINCT FROM' if column in self.nullable else '='} e.{column}"
            for column in self.columns
        )

    def rebuild(self) -> str:
        """One statement: delete what should not be, insert what is missing; what is right stays."""
        columns = ", ".join(self.columns)
        chosen = ", ".join(f"e.{column}" for column in self.columns)
        return f"""WITH {self.facts}, gone AS (
            DELETE FROM {self.name} WHERE id IN (
                SELECT a.id FROM actual a WHERE NOT EXISTS (SELECT FROM expected e WHERE {self._same()}))
            RETURNING {columns}
        ), made AS (
            INSERT INTO {self.name} ({columns})
            SELECT {chosen} FROM expected e WHERE NOT EXISTS (SELECT FROM actual a WHERE {self._same()})
            RETURNING {columns}
        )
        SELECT 'surplus', gone.* FROM gone UNION ALL SELECT 'missing', made.* FROM made"""

    def compare(self) -> str:
        """The same differences, nothing written."""
        chosen = ", ".join(f"a.{column}" for column in self.columns)
        wanted = ", ".join(f"e.{column}" for column in self.columns)
        return f"""WITH {self.facts}
        SELECT 'surplus', {chosen} FROM actual a
        WHERE NOT EXISTS (SELECT FROM expected e WHERE {self._same()})
        UNION ALL
        SELECT 'missing', {wanted} FROM expected e
        WHERE NOT EXISTS (SELECT FROM actual a WHERE {self._same()})
        """


GRANTS = _Table("applications_contractgrant", _GRANTS, ("contract_id", "role_id", "during"))
AVAILABILITY = _Table(
    "applications_availability",
    _AVAILABILITY,
    ("tenant_id", "application_id", "relation", "contract_id", "scope_tenant_id", "during"),
    frozenset({"contract_id"}),
)
Row = tuple[Any, ...]


def rebuild_grants(contracts: Collection[UUID] | None) -> list[Row]:
    """Make the grants of these contracts what terms minus pauses say. The rows that differed."""
    values = {"contracts": None if contracts is None else list(contracts)}
    differing = _rows(GRANTS.compare(), values)
    # Deleted and inserted spans of one statement would collide in the exclusion constraint.
    for statement, kind in ((_TAKE_GRANTS, "surplus"), (_GIVE_GRANTS, "missing")):
        rows = [row[1:] for row in differing if row[0] == kind]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
    return differing


_TAKE_GRANTS = """
DELETE FROM applications_contractgrant g
USING unnest(%s::uuid[], %s::uuid[], %s::tstzrange[]) AS surplus(contract_id, role_id, during)
WHERE g.contract_id = surplus.contract_id AND g.role_id = surplus.role_id AND g.during = surplus.during
"""
_GIVE_GRANTS = """
INSERT INTO applications_contractgrant (contract_id, role_id, during)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::tstzrange[])
"""


def rebuild_availability(
    *, applications: Collection[str] | None, tenants: Collection[UUID] | None
) -> list[Row]:
    """Make the read model of these pairs what the facts say. The rows that differed."""
    return _rows(AVAILABILITY.rebuild(), _scope(applications, tenants))


def differences() -> dict[str, list[Row]]:
    """Everything in which grants and read model differ from the facts; nothing is written."""
    return {
        "grants": _rows(GRANTS.compare(), {"contracts": None}),
        "availability": _rows(AVAILABILITY.compare(), _scope(None, None)),
    }


def passed_turns(
    *,
    applications: Collection[str] | None,
    tenants: Collection[UUID] | None,
    after: datetime | None,
    until: datetime,
) -> list[tuple[UUID, str, datetime, bool]]:
    """Changes of availability at boundaries that passed and were not announced, in order.

    Each is (tenant, application, moment, available). ``after`` narrows the search to boundaries later
    than it (the job's watermark).
    """
    return _rows(_TURNS, {**_scope(applications, tenants), "after": after, "until": until})


_TURNS = """
WITH edge AS (
    SELECT tenant_id, application_id, edge.at
    FROM applications_availability v
    CROSS JOIN LATERAL (VALUES (lower(v.during)), (upper(v.during))) AS edge(at)
    WHERE edge.at <= %(until)s AND (%(after)s::timestamptz IS NULL OR edge.at > %(after)s)
        AND (%(after)s::timestamptz IS NULL
             OR lower(v.during) BETWEEN %(after)s AND %(until)s
             OR upper(v.during) BETWEEN %(after)s AND %(until)s)
        AND (%(applications)s::text[] IS NULL OR application_id = ANY(%(applications)s))
        AND (%(tenants)s::uuid[] IS NULL OR tenant_id = ANY(%(tenants)s))
    GROUP BY tenant_id, application_id, edge.at
), state AS (
    SELECT edge.*, coalesce(n.available, false) AS was, EXISTS (
        SELECT FROM applications_availability v WHERE v.tenant_id = edge.tenant_id
            AND v.application_id = edge.application_id AND v.during @> edge.at) AS available
    FROM edge LEFT JOIN applications_announced n
        ON n.tenant_id = edge.tenant_id AND n.application_id = edge.application_id
            AND (%(applications)s::text[] IS NULL OR n.application_id = ANY(%(applications)s))
    WHERE n.at IS NULL OR edge.at > n.at
), turn AS (
    SELECT *, lag(available, 1, was) OVER (PARTITION BY tenant_id, application_id ORDER BY at) AS former
    FROM state
)
SELECT tenant_id, application_id, at, available FROM turn WHERE available <> former
ORDER BY at, application_id
"""


def unannounced(
    *, applications: Collection[str], tenants: Collection[UUID] | None, at: datetime
) -> list[tuple[UUID, str, datetime, bool]]:
    """Pairs whose availability at the moment is not what was last told: (tenant, application, at, now)."""
    return _rows(_UNANNOUNCED, {**_scope(applications, tenants), "at": at})


_UNANNOUNCED = """
WITH pair AS (
    SELECT tenant_id, application_id FROM applications_availability
    WHERE application_id = ANY(%(applications)s)
        AND (%(tenants)s::uuid[] IS NULL OR tenant_id = ANY(%(tenants)s))
    UNION
    SELECT tenant_id, application_id FROM applications_announced
    WHERE application_id = ANY(%(applications)s)
        AND (%(tenants)s::uuid[] IS NULL OR tenant_id = ANY(%(tenants)s))
), state AS (
    SELECT pair.*, greatest(%(at)s::timestamptz, n.at) AS at, coalesce(n.available, false) AS was
    FROM pair LEFT JOIN applications_announced n
        ON n.tenant_id = pair.tenant_id AND n.application_id = pair.application_id
            AND n.application_id = ANY(%(applications)s)
), now AS (
    SELECT state.*, EXISTS (
        SELECT FROM applications_availability v WHERE v.tenant_id = state.tenant_id
            AND v.application_id = state.application_id AND v.during @> state.at) AS available
    FROM state
)
SELECT tenant_id, application_id, at, available FROM now WHERE available <> was
ORDER BY application_id, tenant_id
"""


def _scope(applications: Collection[str] | None, tenants: Collection[UUID] | None) -> dict[str, Any]:
    return {
        "applications": None if applications is None else list(applications),
        "tenants": None if tenants is None else list(tenants),
    }


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
