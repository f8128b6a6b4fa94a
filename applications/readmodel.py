"""Grants and availability as set-based SQL: the same statement rebuilds a pair and compares everything.

Both tables follow from facts alone (:mod:`applications.derivation`). ``applications`` and ``tenants`` narrow
a statement to what a change can have moved; ``None`` means all (the job, ``recompute_availability``).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications import derivation


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
        """The same differences, nothing written. Each side is read once: a million rows are, each minute."""
        columns = ", ".join(f"coalesce(a.{column}, e.{column})" for column in self.columns)
        first = self.columns[0]
        return f"""WITH {self.facts}
        SELECT CASE WHEN e.{first} IS NULL THEN 'surplus' ELSE 'missing' END, {columns}
        FROM actual a FULL JOIN expected e ON {" AND ".join(map(self._equal, self.columns))}
        WHERE a.{first} IS NULL OR e.{first} IS NULL
        LIMIT %(most)s
        """

    def _equal(self, column: str) -> str:
        """As an equality: nothing else can be joined so."""
        if column in self.nullable:
            return f"coalesce(a.{column}, {_NONE}) = coalesce(e.{column}, {_NONE})"
        return f"a.{column} = e.{column}"


_NONE = "'00000000-0000-0000-0000-000000000000'::uuid"  # no contract has this id
GRANTS = _Table("applications_contractgrant", derivation.GRANTS, ("contract_id", "role_id", "during"))
AVAILABILITY = _Table(
    "applications_availability",
    derivation.AVAILABILITY,
    ("tenant_id", "application_id", "relation", "contract_id", "scope_tenant_id", "during"),
    frozenset({"contract_id"}),
)
Row = tuple[Any, ...]


def rebuild_grants(contracts: Collection[UUID] | None) -> list[Row]:
    """Make the grants of these contracts what terms minus pauses say. The rows that differed."""
    values = {"contracts": None if contracts is None else list(contracts), "most": None}
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


def differences(*, most: int | None = None) -> dict[str, list[Row]]:
    """Everything in which grants and read model differ from the facts, up to so many rows of each.

    Nothing is written, nothing locked, and each statement sees one moment.
    """
    return {
        "grants": _rows(GRANTS.compare(), {"contracts": None, "most": most}),
        "availability": _rows(AVAILABILITY.compare(), {**_scope(None, None), "most": most}),
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
