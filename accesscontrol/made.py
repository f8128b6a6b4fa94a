"""What roles of a tenant's own making touch, and what decides whether they come to anything there.

Not all that they hold: thousands of permissions, where one of each kind decides.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from accesscontrol.decide import PermissionFact, RoleBook
from iam_portal.spans import Span

# A row for each application that a role touches, whether it holds something of the tenant's own in it now;
# and one for each of the application's roles that holds now what it holds of that. Roles and resources are
# found by their ids: joined, the planner reads all of them.
_TOUCHED = """
WITH named AS MATERIALIZED (
    SELECT p.role_id, s.application_id, p.resource_id, p.privilege, p.during @> %(at)s::timestamptz AS lives,
        s.owner_tenant_id IS NOT NULL AS own
    FROM unnest(%(roles)s::uuid[]) AS made(role_id)
    CROSS JOIN LATERAL (
        SELECT role_id, resource_id, privilege, during FROM accesscontrol_tenantrolepermission
        WHERE role_id = made.role_id AND NOT isempty(during) OFFSET 0
    ) p
    CROSS JOIN LATERAL (
        SELECT application_id, owner_tenant_id FROM applications_resource WHERE id = p.resource_id OFFSET 0
    ) s
), held AS MATERIALIZED (
    SELECT role_id, resource_id, privilege FROM applications_rolepermission
    WHERE during @> %(at)s::timestamptz AND role_id = ANY(ARRAY(
        SELECT id FROM applications_applicationrole
        WHERE application_id = ANY(ARRAY(SELECT DISTINCT application_id FROM named WHERE lives AND NOT own))))
        AND (resource_id IN (SELECT resource_id FROM named)) IS TRUE
)
SELECT role_id, application_id, NULL, bool_or(lives AND own) FROM named GROUP BY role_id, application_id
UNION ALL
SELECT found.role_id, r.application_id, r.key, FALSE FROM (
    SELECT DISTINCT named.role_id, held.role_id AS holder
    FROM named JOIN held ON held.resource_id = named.resource_id AND held.privilege = named.privilege
    WHERE named.lives AND NOT named.own
) found
JOIN applications_applicationrole r ON r.id = found.holder
"""


@dataclass(slots=True)
class Touched:
    """Of one application: which of its roles hold what the tenant's role names, and whether it has an own."""

    holders: set[str] = field(default_factory=set)
    own: bool = False


def touched(role_ids: Collection[UUID], *, at: datetime) -> dict[UUID, dict[str, Touched]]:
    """By role and application, in the tenant's scope. One query, none for no role."""
    found: dict[UUID, dict[str, Touched]] = defaultdict(lambda: defaultdict(Touched))
    if not role_ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, {"roles": list(role_ids), "at": at})
        for role_id, application_id, holder, own in cursor.fetchall():
            here = found[role_id][application_id]
            if holder is None:
                here.own = own
            else:
                here.holders.add(holder)
    return found


def book(application_id: str, roles: Iterable[tuple[str, Mapping[str, Touched]]]) -> RoleBook:
    """What decides at that moment whether these roles, by their keys, come to something of the application.

    One permission stands for all that a role of the application and one of the tenant's have in common.
    """
    declared: dict[str, tuple[PermissionFact, ...]] = {}
    tenant: dict[str, tuple[PermissionFact, ...]] = {}
    own: dict[str, tuple[PermissionFact, ...]] = {}
    for key, places in roles:
        if (here := places.get(application_id)) is None:
            continue
        shared = {holder: (PermissionFact((holder, "", ""), Span()),) for holder in here.holders}
        declared |= shared
        tenant[key] = tenant.get(key, ()) + tuple(fact for facts in shared.values() for fact in facts)
        if here.own:
            own[key] = (PermissionFact(("", "", ""), Span()),)
    return RoleBook(declared, tenant, own)
