"""The revisions of an ACL: each content has its number, and each entry the number at which it last moved.

An entry's address is (owning tenant, resource type, resource id). Where a tenant has a resource of its own
beside a static one of the same address, the two move together. The entries are kept as they are sent. Who
reads them asks first whether they are what the facts say now (:func:`standing`): every change leaves its mark
in its own transaction, and what turns by plan is known beforehand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from accesscontrol.acl.content import build, served
from accesscontrol.acl.turning import turns
from accesscontrol.models import AclMark, AclRevision
from applications.events import emit
from applications.models import Application
from iam_portal.walls import cross_tenant

Entry = dict[str, Any]
Address = tuple[str, str, str]

# Clocks of two processes differ: the one that is behind must not take the ACL back across a boundary.
SKEW = timedelta(minutes=1)
SLICES = 500  # owners whose entries are in memory at once


@dataclass(frozen=True, slots=True)
class Standing:
    """The number of what an application would read now. ``since``: since when it is known to be so."""

    revision: int
    since: datetime
    kept_from: int


def standing(application: Application, *, at: datetime) -> Standing:
    """Brought up to date first where something moved. Where nothing did, one statement, and nobody waits."""
    return _untouched(application, at) or _risen(application, at)


def _untouched(application: Application, at: datetime) -> Standing | None:
    """In one statement: the entries belong to the facts that it sees exactly if it sees no mark."""
    marks = AclMark.objects.filter(application_id=OuterRef("application_id"))
    rows = AclRevision.objects.filter(~Exists(marks), Q(until=None) | Q(until__gt=at))
    row = rows.filter(application=application, built_at__lte=at + SKEW).first()
    return None if row is None else _standing(row)


def _standing(row: AclRevision) -> Standing:
    assert row.risen_at is not None
    return Standing(row.revision, row.risen_at, row.kept_from)


def _risen(application: Application, at: datetime) -> Standing:
    """The lock first, then the marks, then the facts: a change that comes later leaves a mark that stays."""
    # There before anything is built, also for others: marks of those who do not read are thrown away.
    AclRevision.objects.get_or_create(application=application)
    with transaction.atomic():
        row = AclRevision.objects.select_for_update().get(application=application)
        marked = _take_marks(application)
        if row.built_at is not None and at < row.built_at <= at + SKEW:
            at = row.built_at
        owners = _touched(row, marked, at)
        is_new = row.built_at is None
        if _brought_up(row, owners, at) or is_new:
            row.revision += 1
            row.risen_at = at
            if is_new:  # nothing is known of what was there before
                row.kept_from = row.revision
            emit(
                type="acl.changed",
                tenant_id=application.owner_id,
                application_id=application.id,
                subject=application.id,
                at=at,
                data={"applicationId": application.id, "revision": row.revision},
            )
        row.until = _until(row, owners, at)
        row.built_at = at
        row.save()
    return _standing(row)


def _until(row: AclRevision, owners: Sequence[UUID] | None, at: datetime) -> datetime | None:
    """When something turns next. For the others what was known of it stands, where it is still to come.

    It may have been cancelled meanwhile: then whoever reads at that moment looks once in vain.
    """
    if owners is None or (row.until is not None and row.until <= at):
        return turns(row.application_id, after=at, at=at).until
    moments = (row.until, turns(row.application_id, after=at, at=at, owners=owners).until)
    return min((moment for moment in moments if moment is not None), default=None)


def _take_marks(application: Application) -> set[UUID | None]:
    """The marks that this statement sees; whose they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accesscontrol_aclmark WHERE application_id = %s RETURNING tenant_id",
            [application.id],
        )
        return {tenant_id for (tenant_id,) in cursor.fetchall()}


def _touched(row: AclRevision, marked: set[UUID | None], at: datetime) -> list[UUID] | None:
    """Whose slices may have moved since they were built; None: everybody's."""
    if row.built_at is None or at < row.built_at:  # a clock that went back knows nothing
        return None
    if row.until is not None and row.until <= at:
        marked |= turns(row.application_id, after=row.built_at, at=at).passed
    return None if None in marked else sorted(owner for owner in marked if owner is not None)


def _brought_up(row: AclRevision, owners: Sequence[UUID] | None, at: datetime) -> bool:
    """Make the entries of these owners what the facts say; whether any moved, or is gone."""
    moved = False
    if owners is None:
        owners = served(row.application, at=at)
        moved = _written(_DEPARTED, row, at, {"owners": owners})
    for first in range(0, len(owners), SLICES):
        some = owners[first : first + SLICES]
        entries = _by_address(build(row.application, at=at, owners=some))
        values = {
            "owners": some,
            "bodies": _BETWEEN.join("\n".join(map(_line, found)) for found in entries.values()),
            **{
                name: list(column) for name, column in zip(_COLUMNS, zip(*entries, strict=True), strict=False)
            },
        }
        moved = _written(_NOTED, row, at, {name: [] for name in _COLUMNS} | values) or moved
    return moved


_COLUMNS = ("tenants", "types", "keys")
# Sent as one text: as an array, each quotation mark of each entry would be escaped by the driver, one by one.
_BETWEEN = "\x1e"  # stands in no JSON
_IS_GONE = """SET body = json_build_object(
        'owningTenantId', tenant_id, 'resourceType', type, 'resourceId', key)::text,
    revision = %(revision)s, removed_at = %(at)s
WHERE application_id = %(application)s AND removed_at IS NULL"""
_DEPARTED = f"""
WITH gone AS (
    UPDATE accesscontrol_aclentry {_IS_GONE} AND NOT tenant_id = ANY(%(owners)s::uuid[]) RETURNING id)
SELECT EXISTS (SELECT FROM gone)
"""
# Equal to the letter is equal: they are written from the same facts by the same code. What is right stays.
_NOTED = f"""
WITH fresh AS MATERIALIZED (
    SELECT * FROM unnest(%(tenants)s::uuid[], %(types)s::text[], %(keys)s::text[],
        string_to_array(%(bodies)s, E'\\x1e')) AS fresh(tenant_id, type, key, body)
), kept AS MATERIALIZED (
    SELECT tenant_id, type, key, body FROM accesscontrol_aclentry
    WHERE application_id = %(application)s AND tenant_id = ANY(%(owners)s::uuid[]) AND removed_at IS NULL
), gone AS (
    UPDATE accesscontrol_aclentry {_IS_GONE} AND (tenant_id, type, key) IN (
        SELECT tenant_id, type, key FROM kept EXCEPT SELECT tenant_id, type, key FROM fresh)
    RETURNING id
), moved AS (
    INSERT INTO accesscontrol_aclentry (application_id, tenant_id, type, key, body, revision)
    SELECT %(application)s, tenant_id, type, key, body, %(revision)s
    FROM (SELECT * FROM fresh EXCEPT SELECT * FROM kept) other
    ON CONFLICT (application_id, tenant_id, type, key)
        DO UPDATE SET body = excluded.body, revision = excluded.revision, removed_at = NULL
    RETURNING id
)
SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM moved)
"""


def _written(statement: str, row: AclRevision, at: datetime, values: dict[str, Any]) -> bool:
    """Whether anything was: it carries the revision that comes next."""
    asked = {"application": row.application_id, "revision": row.revision + 1, "at": at, **values}
    with cross_tenant(), connection.cursor() as cursor:  # entries of every tenant that is served
        cursor.execute(statement, asked)
        return bool(cursor.fetchone()[0])


def _by_address(entries: list[Entry]) -> dict[Address, list[Entry]]:
    found: dict[Address, list[Entry]] = {}
    for entry in entries:
        found.setdefault(address_of(entry), []).append(entry)
    return found


def address_of(entry: Entry) -> Address:
    """What names an entry in a delta."""
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]


_line = json.JSONEncoder(separators=(",", ":")).encode  # one for all of them
