"""What a tenant's own roles can be made of at a moment: permissions of roles that are granted here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accesscontrol.decide.ground import own_way
from applications import facts as sharing_facts
from applications.availability import granted
from applications.models import Application, ApplicationRole, Availability
from applications.models.applications import PORTAL_ID
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Material:
    """``names``: application id → name, in the order in which they are shown; the portal comes last.

    ``running``: those whose roles and own resources count here now, as owned or by provision; ``roles``: the
    granted ones of them, each with its application.
    """

    names: dict[str, str]
    running: frozenset[str]
    roles: dict[UUID, str]


def material(*, tenant: Tenant, at: datetime, also: Iterable[str] = ()) -> Material:
    """Of every application that runs here; ``also`` are named too (a role may hold what is away now)."""
    here = Availability.objects.at(at).filter(tenant=tenant).exclude(relation="access")
    running = frozenset({PORTAL_ID, *here.values_list("application_id", flat=True)})
    sharing = sharing_facts.sharing(running, tenant_ids=[tenant.pk])
    roles = ApplicationRole.objects.at(at).filter(application_id__in=running)
    held = {
        pk: application_id
        for pk, application_id, key in roles.values_list("id", "application_id", "key")
        if application_id in sharing
        and own_way(granted(sharing[application_id], role=key, tenant_id=str(tenant.pk), at=at))
    }
    names = dict(Application.objects.filter(pk__in=running | set(also)).values_list("pk", "display_name"))
    ordered = sorted(names, key=lambda pk: (pk == PORTAL_ID, names[pk].lower(), pk))
    return Material({pk: names[pk] for pk in ordered}, running, held)
