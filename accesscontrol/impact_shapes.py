"""People and services of an impact in their wire form: all are counted, one's own are named."""

from collections.abc import Collection, Mapping
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
from tenants.models.lookups import one_of

Id = TypeVar("Id", UUID, str)
MOST_ITEMS = 500  # of one list; the counts are always whole

# Each by his id, and then the few that are named: joined, all sign-ins of the organization would be read.
_NAMED = """
SELECT u.id::text, CASE WHEN u.display_name > '' THEN u.display_name ELSE u.username END, (
    SELECT max(used_at) FROM accesscontrol_authorization WHERE tenant_id = %(tenant)s AND user_id = u.id
        AND client_id IN (SELECT id FROM applications_client WHERE application_id = ANY(%(applications)s))
)
FROM (
    SELECT id, display_name, username FROM tenants_user
    WHERE tenant_id = %(tenant)s AND id = ANY(('{' || %(people)s || '}')::uuid[])
    ORDER BY display_name, id LIMIT %(most)s
) u ORDER BY u.display_name, u.id
"""


def people_part(
    act: Act,
    people: Mapping[tuple[str, Id], Collection[str]],
    *,
    applications: Collection[str],
    endings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """``users``; of one's own their live ``sessions`` and their ``refreshTokens`` for these applications.

    The two last may be known already: ``endings``.

    Persons of other tenants are counted and never named: they are their tenant's own, and so is whether they
    are here. ``lastUsedAt`` is when a person's sign-in to one of these applications last gave a token, as far
    back as sign-ins are kept.
    """
    here = str(act.tenant.id)
    mine = {str(user_id): urns for (tenant_id, user_id), urns in people.items() if tenant_id == here}
    grants = Authorization.objects.filter(tenant=act.tenant, client__application_id__in=list(applications))
    values: dict[str, Any] = {
        "tenant": act.tenant.id,
        "people": ",".join(mine),
        "applications": list(applications),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {**values, "most": act.named})
        rows = cursor.fetchall()
    items = [
        {"userId": user_id, "name": name, "roles": sorted(mine[user_id]), "lastUsedAt": rfc3339(used_at)}
        for user_id, name, used_at in rows
    ]
    if endings is None:
        living = grants.filter(one_of("user_id", mine)).living(tenant=act.tenant, at=act.at)
        sessions = {"count": _sessions(act, mine).count()}
        endings = {"sessions": sessions, "refreshTokens": {"count": living.count()}}
    return {"users": {"count": len(people), "items": items}, **endings}


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


def _sessions(act: Act, user_ids: Collection[UUID | str]) -> models.QuerySet[UserSession]:
    seen = act.at - lifetime(act.tenant, Lifetime.SESSION_IDLE)
    return _living(act.tenant.id, act.at, seen).filter(one_of("user_id", user_ids))


def _living(tenant: UUID, at: datetime, seen: datetime) -> models.QuerySet[UserSession]:
    return UserSession.objects.filter(tenant=tenant, ended_at=None, expires_at__gt=at, seen_at__gt=seen)


def services_part(act: Act, services: Mapping[tuple[str, str, str], datetime]) -> dict[str, Any]:
    """``services``: named where they call in one's own tenant, or are one's own."""
    if not services:
        return {"services": {"count": 0, "items": []}}
    own = set(act.tenant.applications.values_list("id", flat=True))
    named = [call for call in sorted(services) if call[2] == str(act.tenant.id) or call[0] in own][
        :MOST_ITEMS
    ]
    names = dict(
        Application.objects.filter(id__in={part for call in named for part in call[:2]}).values_list(
            "id", "display_name"
        )
    )
    with cross_tenant():  # one's own applications call in other tenants, too
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
