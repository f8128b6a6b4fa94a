"""People and services of an impact in their wire form: all are counted, one's own are named."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from accesscontrol.models import Authorization
from applications.models import Application
from applications.usage import last_used
from iam_portal.decision import rfc3339
from iam_portal.walls import cross_tenant
from tenants.impact import Act
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import User, UserSession

MOST_ITEMS = 500  # of one list; the counts are always whole


def people_part(
    act: Act, people: Mapping[tuple[str, UUID], Collection[str]], *, applications: Collection[str]
) -> dict[str, Any]:
    """``users``; of one's own their live ``sessions`` and their ``refreshTokens`` for these applications.

    Persons of other tenants are counted and never named: they are their tenant's own, and so is whether they
    are here. When a person last used an application is not known: ``lastUsedAt`` waits for people's tokens.
    """
    mine = {user_id: urns for (tenant_id, user_id), urns in people.items() if tenant_id == str(act.tenant.id)}
    rows = User.objects.filter(tenant=act.tenant, id__in=list(mine)).order_by("display_name", "id")
    items = [
        {"userId": str(row.id), "name": str(row), "roles": sorted(mine[row.id]), "lastUsedAt": None}
        for row in rows[:MOST_ITEMS]
    ]
    sessions = UserSession.objects.filter(
        tenant=act.tenant,
        user_id__in=list(mine),
        ended_at=None,
        expires_at__gt=act.at,
        seen_at__gt=act.at - lifetime(act.tenant, Lifetime.SESSION_IDLE),
    )
    tokens = Authorization.objects.filter(
        tenant=act.tenant,
        user_id__in=list(mine),
        ended_at=None,
        client__application_id__in=list(applications),
    )
    return {
        "users": {"count": len(people), "items": items},
        "sessions": {"count": sessions.count()},
        "refreshTokens": {"count": tokens.count()},
    }


def services_part(act: Act, services: Mapping[tuple[str, str, str], datetime]) -> dict[str, Any]:
    """``services``: named where they call in one's own tenant, or are one's own."""
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
