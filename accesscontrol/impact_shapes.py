"""People and services of an impact in their wire form: all are counted, one's own are named."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models

from accesscontrol.models import Authorization
from accesscontrol.models.tokens import idle_since
from applications.models import Application
from applications.usage import last_used
from iam_portal.decision import rfc3339
from iam_portal.spelled import Spelled
from iam_portal.walls import cross_tenant
from tenants.impact import Act
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, UserSession

Id = TypeVar("Id", UUID, str)
MOST_ITEMS = 500  # of one list; the counts are always whole


def _asked(column: str, asked: str) -> models.Func:
    """Whether a column is among what the whole statement is asked about, which is sent once."""
    template = f"%(expressions)s = ANY((SELECT {asked} FROM asked)::{_ASKED[asked]}[])"
    return models.Func(models.F(column), template=template, output_field=models.BooleanField())


def _count(rows: models.QuerySet[Any]) -> models.QuerySet[Any, Any]:
    count = models.Func(models.F("pk"), function="count", output_field=models.IntegerField())
    return rows.order_by().annotate(count=count).values_list("count")


def _their_sessions(*, tenant: UUID, at: datetime, seen: datetime) -> models.QuerySet[Any, Any]:
    return _count(_living(tenant, at, seen).filter(_asked("user_id", "people")))


def _their_grants(
    *, tenant: UUID, at: datetime, online: datetime, offline: datetime
) -> models.QuerySet[Any, Any]:
    those = (_asked("user_id", "people"), _asked("client__application_id", "applications"))
    rows = Authorization.objects.filter(*those)
    return _count(rows.used_since(tenant=tenant, at=at, online=online, offline=offline))


_NOT_COUNTED = ("NULL, NULL", ())
_ASKED = {"people": "uuid", "applications": "text"}
_SESSIONS = Spelled(_their_sessions, tenant=UUID, at=datetime, seen=datetime)
_GRANTS = Spelled(_their_grants, tenant=UUID, at=datetime, online=datetime, offline=datetime)
# People by their ids, and then the few that are named: joined, all sign-ins of the organization would be
# read. They are sent as one text, once. What is counted stands in the first row, and in every other.
_NAMED = """
WITH asked AS MATERIALIZED (SELECT ('{{' || %s || '}}')::uuid[] AS people, %s::text[] AS applications)
SELECT u.id::text, CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END, (
    SELECT max(used_at) FROM accesscontrol_authorization WHERE tenant_id = %s AND user_id = u.id AND client_id
        IN (SELECT id FROM applications_client WHERE application_id = ANY(asked.applications))
), counted.*
FROM asked
CROSS JOIN (SELECT {counts}) counted
LEFT JOIN LATERAL (
    SELECT id, display_name, username FROM tenants_user
    WHERE tenant_id = %s AND id = ANY((SELECT people FROM asked)::uuid[])
    ORDER BY display_name, id LIMIT %s
) u ON true ORDER BY u.display_name, u.id
"""


def people_part(
    act: Act,
    people: Mapping[tuple[str, Id], Collection[str]],
    *,
    applications: Collection[str],
    endings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``users``; of one's own their live ``sessions`` and their ``refreshTokens`` for these applications.

    The two last may be known already: ``endings``. One statement.

    Persons of other tenants are counted and never named: they are their tenant's own, and so is whether they
    are here. ``lastUsedAt`` is when a person's sign-in to one of these applications last gave a token, as far
    back as sign-ins are kept.
    """
    here, own = str(act.tenant.id), act.tenant.id
    mine = {str(user_id): urns for (tenant_id, user_id), urns in people.items() if tenant_id == here}
    counted: tuple[str, tuple[Any, ...]] = _NOT_COUNTED if endings is not None else _counts(act)
    asked = (",".join(mine), list(applications), own, *counted[1], own, act.named)
    with connection.cursor() as cursor:
        cursor.execute(_NAMED.format(counts=counted[0]), asked)
        rows = cursor.fetchall()
    items = [
        {"userId": user_id, "name": name, "roles": sorted(mine[user_id]), "lastUsedAt": rfc3339(used_at)}
        for user_id, name, used_at, *_ in rows
        if user_id is not None  # of nobody the counts are told all the same
    ]
    if endings is None:
        sessions, grants = rows[0][3:]
        endings = {"sessions": {"count": sessions}, "refreshTokens": {"count": grants}}
    return {"users": {"count": len(people), "items": items}, **endings}


def _counts(act: Act) -> tuple[str, tuple[Any, ...]]:
    """Of the people who are asked about, as two columns, with their values."""
    named: dict[str, Any] = {"tenant": act.tenant.id, "at": act.at}
    sessions = _SESSIONS(seen=act.at - lifetime(act.tenant, Lifetime.SESSION_IDLE), **named)
    online, offline = idle_since(act.tenant, act.at)
    grants = _GRANTS(online=online, offline=offline, **named)
    return f"({sessions.sql}), ({grants.sql})", (*sessions.values, *grants.values)


def ours(act: Act, people: Collection[tuple[str, Id]]) -> int:
    """How many of them are of the acting organization."""
    here = str(act.tenant.id)
    return sum(tenant_id == here for tenant_id, _user in people)


def all_of_person(act: Act, user_id: UUID) -> dict[str, Any]:
    """All ``sessions`` and ``refreshTokens`` of one's own person, for whatever application."""
    online, offline = idle_since(act.tenant, act.at)
    seen = act.at - lifetime(act.tenant, Lifetime.SESSION_IDLE)
    since = {"at": act.at, "seen": seen, "online": online, "offline": offline}
    ((sessions, grants),) = _OF_PERSON.rows(tenant=act.tenant.id, user=user_id, **since)
    return {"sessions": {"count": sessions}, "refreshTokens": {"count": grants}}


def _of_person(
    *, tenant: UUID, user: UUID, at: datetime, seen: datetime, online: datetime, offline: datetime
) -> models.QuerySet[Tenant, Any]:
    sessions = _living(tenant, at, seen).filter(user=user)
    grants = Authorization.objects.used_since(tenant=tenant, at=at, online=online, offline=offline)
    return Tenant.objects.filter(pk=tenant).values_list(
        _counted(sessions), _counted(grants.filter(user=user))
    )


def _counted(rows: models.QuerySet[Any]) -> models.Func:
    ids = ArraySubquery(rows.order_by().values("pk"))
    return models.Func(ids, function="cardinality", output_field=models.IntegerField())


_OF_PERSON = Spelled(
    _of_person, tenant=UUID, user=UUID, at=datetime, seen=datetime, online=datetime, offline=datetime
)


def named_applications(application_ids: Collection[str]) -> dict[str, Any]:
    """Counted, and named in the order of their names."""
    rows = Application.objects.filter(id__in=application_ids).order_by("display_name", "id")
    items = [{"applicationId": row.id, "name": row.display_name} for row in rows[:MOST_ITEMS]]
    return {"count": len(application_ids), "items": items}


def _living(tenant: UUID, at: datetime, seen: datetime) -> models.QuerySet[UserSession]:
    return UserSession.objects.filter(tenant=tenant, ended_at=None, expires_at__gt=at, seen_at__gt=seen)


def services_part(act: Act, services: Mapping[tuple[str, str, str], datetime]) -> dict[str, Any]:
    """``services``: named where they call in one's own tenant, or are one's own."""
    if not services:
        return {"services": {"count": 0, "items": []}}
    here = str(act.tenant.id)
    known = _named({part for call in services for part in call[:2]})
    names = {application_id: name for application_id, name, _owner in known}
    own = {application_id for application_id, _name, owner in known if owner == here}
    named = [call for call in sorted(services) if call[2] == here or call[0] in own][:MOST_ITEMS]
    # One's own applications call in other tenants, too.
    abroad = any(tenant_id != here for _caller, _target, tenant_id in named)
    with cross_tenant() if abroad else nullcontext():
        used = last_used([(UUID(tenant_id), caller, target) for caller, target, tenant_id in named])
    items = [
        {
            "applicationId": caller,
            "name": names[caller],
            "tenantId": tenant_id,
            "calls": target,
            "callsName": names[target],
            "at": rfc3339(services[caller, target, tenant_id]),
            "lastUsedAt": rfc3339(used.get((UUID(tenant_id), caller, target))),
        }
        for caller, target, tenant_id in named
    ]
    return {"services": {"count": len(services), "items": items}}


def _named(application_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """Id, name and owner of each."""
    statement = "SELECT id, display_name, owner_id::text FROM applications_application WHERE id = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(statement, [sorted(application_ids)])
        return cursor.fetchall()
