"""What a tenant's own roles can be made of at a moment: permissions of roles that are granted here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accesscontrol.offered import granted_roles
from applications.models import Application
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
    granted = granted_roles(tenant.pk, at=at)
    running = frozenset({PORTAL_ID, *(application_id for application_id, _role in granted)})
    held = {role: application_id for application_id, role in granted if role is not None}
    names = dict(Application.objects.filter(pk__in=running | set(also)).values_list("pk", "display_name"))
    ordered = sorted(names, key=lambda pk: (pk == PORTAL_ID, names[pk].lower(), pk))
    return Material({pk: names[pk] for pk in ordered}, running, held)
