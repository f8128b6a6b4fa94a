"""What a tenant's own roles can be made of at a moment: permissions of roles that are granted here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from accesscontrol.offered import granted_roles
from applications.models.applications import PORTAL_ID
from tenants.models import Tenant

_NAMES = "SELECT id, display_name FROM applications_application WHERE id = ANY(%s)"


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
    """Of every application that runs here; ``also`` are named too (a role may hold what is away now).

    For a page, in two queries.
    """
    granted = granted_roles(tenant.pk, at=at, by_page=True)
    running = frozenset({PORTAL_ID, *(application_id for application_id, _role in granted)})
    held = {role: application_id for application_id, role in granted if role is not None}
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [sorted(running.union(also))])
        names = dict(cursor.fetchall())
    ordered = sorted(names, key=lambda pk: (pk == PORTAL_ID, names[pk].lower(), pk))
    return Material({pk: names[pk] for pk in ordered}, running, held)
