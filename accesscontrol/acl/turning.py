"""When an ACL that nobody touches becomes another: the bounds of the spans that it rests on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from iam_portal.walls import cross_tenant

# Whose slice a contract can move: who runs the application, or who lets another use its data.
_SIDE = "CASE c.type WHEN 'provision' THEN c.consumer_id ELSE c.provider_id END"
_OF_CONTRACTS = """{table} x JOIN applications_applicationrole r ON r.id = x.role_id
    JOIN applications_contract c ON c.id = x.contract_id"""
# Of a few owners by their contracts: by role, all of an index of a million grants is read.
_THEIRS = """(%(owners)s::uuid[] IS NULL OR x.contract_id = ANY(ARRAY(
    SELECT id FROM applications_contract WHERE consumer_id = ANY(%(owners)s::uuid[])
    UNION ALL SELECT id FROM applications_contract WHERE provider_id = ANY(%(owners)s::uuid[]))))"""
_ROLE = "applications_applicationrole r"
# Every table with spans that ``content`` reads: rows, the span, whose slice (null: everybody's), which rows.
_SPANS = (
    ("applications_availability x", "x.during", "x.tenant_id", "x.application_id", "x.relation <> 'access'"),
    (_ROLE, "r.during", "NULL::uuid", "r.application_id", "true"),
    (
        f"applications_rolepermission x JOIN {_ROLE} ON r.id = x.role_id",
        "x.during",
        "NULL::uuid",
        "r.application_id",
        "true",
    ),
    (
        _OF_CONTRACTS.format(table="applications_contractgrant"),
        "x.during",
        _SIDE,
        "r.application_id",
        _THEIRS,
    ),
    (
        _OF_CONTRACTS.format(table="applications_contractterm"),
        "x.during",
        "c.provider_id",
        "r.application_id",
        f"c.type = 'access' AND {_THEIRS}",
    ),
    ("applications_resource x", "x.during", "x.owner_tenant_id", "x.application_id", "true"),
    (
        "applications_resourceplace x JOIN applications_resource s ON s.id = x.resource_id",
        "x.during",
        "x.owner_tenant_id",
        "s.application_id",
        "true",
    ),
    (
        """accesscontrol_tenantrolepermission x JOIN accesscontrol_tenantrole o ON o.id = x.role_id
        JOIN applications_resource s ON s.id = x.resource_id""",
        "x.during * o.during",
        "x.tenant_id",
        "s.application_id",
        "true",
    ),
)
_BOUNDS = " UNION ALL ".join(
    f"""SELECT {owner} AS owner, {bound}({span}) AS at FROM {rows}
    WHERE {application} = %(application)s AND {chosen} AND {bound}({span}) > %(after)s"""
    for rows, span, owner, application, chosen in _SPANS
    for bound in ("lower", "upper")
)
_TURNS = f"""
SELECT owner, bool_or(at <= %(at)s), min(at) FILTER (WHERE at > %(at)s)
FROM ({_BOUNDS}) bound
WHERE %(owners)s::uuid[] IS NULL OR owner = ANY(%(owners)s) OR owner IS NULL
GROUP BY owner
"""


@dataclass(frozen=True, slots=True)
class Turns:
    """Whose slices turned (None among them: everybody's), and when the next one does."""

    passed: frozenset[UUID | None]
    until: datetime | None


def turns(
    application_id: str, *, after: datetime, at: datetime, owners: Collection[UUID] | None = None
) -> Turns:
    """What turned later than ``after`` up to the moment, and what is next. One statement."""
    asked: dict[str, Any] = {
        "application": application_id,
        "after": after,
        "at": at,
        "owners": None if owners is None else list(owners),
    }
    with cross_tenant(), connection.cursor() as cursor:  # spans of every tenant that is served
        cursor.execute(_TURNS, asked)
        rows = cursor.fetchall()
    return Turns(
        frozenset(owner for owner, passed, _ in rows if passed),
        min((until for *_, until in rows if until is not None), default=None),
    )
