"""Organizations as their operator sees them: how many of what, never who or which."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from accesscontrol import holders
from iam_portal.gate import Privilege
from iam_portal.walls import cross_tenant
from tenants.models import Tenant, TenantSuspension

# Whoever has a password, or came in without one, has joined; who was deleted counts as one who had, as in
# tenants.actions.founding, which sends no invitation there any more.
_JOINED = """EXISTS (SELECT FROM tenants_user u WHERE u.tenant_id = t.id
    AND (u.deleted_at IS NOT NULL OR u.last_login IS NOT NULL OR NOT starts_with(u.password, %(none)s)))"""

_FIGURES = f"""
SELECT t.id, {_JOINED},
    (SELECT count(*) FROM tenants_user u WHERE u.tenant_id = t.id AND u.deleted_at IS NULL),
    (SELECT count(*) FROM applications_application a WHERE a.owner_id = t.id AND a.during @> %(at)s),
    (SELECT count(*) FROM applications_contract c
     WHERE t.id IN (c.provider_id, c.consumer_id) AND c.state = 'accepted'
        AND c.starts_at <= %(at)s AND (c.ends_at IS NULL OR c.ends_at > %(at)s))
FROM tenants_tenant t WHERE t.id = ANY(%(tenants)s)
"""

_WAITING = f"SELECT t.id FROM tenants_tenant t WHERE NOT t.is_platform AND NOT {_JOINED}"

_SIGN_OF_LIFE = """
SELECT greatest(
    (SELECT max(u.last_login) FROM tenants_user u WHERE u.tenant_id = %(tenant)s),
    (SELECT max(c.last_used_at) FROM applications_contractusage c WHERE c.tenant_id = %(tenant)s)
)::date
"""

_INVITATION = """
SELECT l.created_at, l.expires_at FROM tenants_userlink l
WHERE l.tenant_id = %(tenant)s AND l.purpose = 'invitation' ORDER BY l.created_at DESC LIMIT 1
"""

# Pairs of others that are available now, or will be by plan.
_REACH = """
SELECT count(DISTINCT a.application_id), count(DISTINCT a.tenant_id)
FROM applications_availability a JOIN applications_application p ON p.id = a.application_id
WHERE p.owner_id = %(tenant)s AND a.tenant_id <> %(tenant)s
    AND (a.during @> %(at)s OR lower(a.during) > %(at)s)
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one organization. ``joined``: anybody has ever come in."""

    joined: bool
    users: int
    applications: int
    contracts: int


@dataclass(frozen=True, slots=True)
class Closer:
    """What only the page of one organization asks. A sign of life is a day: the hour is nobody's affair."""

    administrators: int
    sign_of_life: date | None
    invited_at: datetime | None
    invited_until: datetime | None


@dataclass(frozen=True, slots=True)
class Reach:
    """What others lose with it: so many of its applications, in so many organizations."""

    elsewhere: int
    organizations: int


def with_state(at: datetime) -> QuerySet[Any]:
    """All of them, with ``suspended`` and ``planned`` (a suspension that lies ahead)."""
    rows = TenantSuspension.objects.filter(tenant=OuterRef("pk"))
    ahead = rows.not_over(at).filter(during__startswith__gt=at)
    return Tenant.objects.annotate(suspended=Exists(rows.at(at)), planned=Exists(ahead))


def state_of(row: Any, figures: Figures) -> str:
    """One word for a row of :func:`with_state`: ``suspended``, ``scheduled``, ``invited`` or ``active``."""
    if row.suspended:
        return "suspended"
    if row.planned:
        return "scheduled"
    return "active" if figures.joined or row.is_platform else "invited"


def figures(tenant_ids: Collection[UUID], *, at: datetime) -> dict[UUID, Figures]:
    """Of each, by one statement."""
    values = {"tenants": list(tenant_ids), "at": at, "none": UNUSABLE_PASSWORD_PREFIX}
    return {row[0]: Figures(*row[1:]) for row in _rows(_FIGURES, values)}


def waiting() -> list[UUID]:
    """Those that nobody has joined yet."""
    return [row[0] for row in _rows(_WAITING, {"none": UNUSABLE_PASSWORD_PREFIX})]


def closer(tenant_id: UUID, *, at: datetime) -> Closer:
    """What the page of one of them tells besides."""
    found = holders.people(tenant_ids=[tenant_id], resources=["Roles"], privilege=Privilege.MODIFY, at=at)
    [(day,)] = _rows(_SIGN_OF_LIFE, {"tenant": tenant_id})
    [(invited_at, until)] = _rows(_INVITATION, {"tenant": tenant_id}) or [(None, None)]
    return Closer(len({address for *_, address, _ in found}), day, invited_at, until)


def reach(tenant_id: UUID, *, at: datetime) -> Reach:
    """What a suspension would make unavailable, now or as it is planned."""
    [counts] = _rows(_REACH, {"tenant": tenant_id, "at": at})
    return Reach(*counts)


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
