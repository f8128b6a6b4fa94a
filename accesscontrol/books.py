"""What roles hold, by application and tenant: the books behind the answers about many people at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

from django.db import connection

from accesscontrol.decide import PermissionFact, RoleBook
from iam_portal.spans import Span

Pair = tuple[str, str]  # application id, tenant id

# One row for all permissions of a role that live alike, found by the ids of roles or of resources: as in
# ``accesscontrol.facts``, for many tenants.
_BOOKS = """
SELECT NULL, false, r.application_id, r.key, p.during, p.held,
    array_agg(s.type), array_agg(s.key), array_agg(p.privilege)
FROM (
    SELECT * FROM applications_rolepermission WHERE NOT isempty(during) AND role_id = ANY(ARRAY(
        SELECT id FROM applications_applicationrole WHERE application_id = ANY(%(applications)s))) OFFSET 0
) p
JOIN applications_applicationrole r ON r.id = p.role_id
JOIN applications_resource s ON s.id = p.resource_id AND s.owner_tenant_id IS NULL
GROUP BY r.application_id, r.key, p.during, p.held
UNION ALL
SELECT p.tenant_id::text, s.owner_tenant_id IS NOT NULL, s.application_id, r.key, p.during, p.during,
    array_agg(s.type), array_agg(s.key), array_agg(p.privilege)
FROM (
    SELECT * FROM accesscontrol_tenantrolepermission
    WHERE tenant_id = ANY(%(tenants)s::uuid[]) AND NOT isempty(during) AND {chosen} OFFSET 0
) p
JOIN accesscontrol_tenantrole r ON r.id = p.role_id
JOIN applications_resource s ON s.id = p.resource_id AND s.application_id = ANY(%(applications)s)
GROUP BY p.tenant_id, s.owner_tenant_id IS NOT NULL, s.application_id, r.key, p.during
"""
_ALL = _BOOKS.format(
    chosen="""resource_id = ANY(ARRAY(
        SELECT id FROM applications_resource WHERE application_id = ANY(%(applications)s)
            AND (owner_tenant_id IS NULL OR owner_tenant_id = ANY(%(tenants)s::uuid[]))))"""
)
_SOME = _BOOKS.format(
    chosen="""role_id = ANY(ARRAY(
        SELECT id FROM accesscontrol_tenantrole
        WHERE tenant_id = ANY(%(tenants)s::uuid[]) AND key = ANY(%(made)s)))"""
)


def books(
    application_ids: Collection[str], *, tenant_ids: Collection[str], made: Collection[str] | None = None
) -> dict[Pair, RoleBook]:
    """Of each application in each tenant. One query.

    ``made``: of roles of the tenants' own making, only those of these keys; what others hold is not needed.
    """
    declared: dict[str, dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
    own: dict[tuple[Pair, bool], dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
    values: dict[str, Any] = {"applications": sorted(application_ids), "tenants": sorted(tenant_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_ALL if made is None else _SOME, {**values, "made": sorted(made or ())})
        rows = cursor.fetchall()
    for tenant_id, dynamic, application_id, key, during, ever, *permissions in rows:
        shelf = declared[application_id] if tenant_id is None else own[(application_id, tenant_id), dynamic]
        span, held = Span.of(during), Span.of(ever)
        shelf[key] += [PermissionFact(one, span, held) for one in zip(*permissions, strict=True)]
    shelves = {application_id: _shelved(declared[application_id]) for application_id in application_ids}
    return {
        pair: RoleBook(shelves[pair[0]], _shelved(own.get((pair, False))), _shelved(own.get((pair, True))))
        for pair in product(application_ids, tenant_ids)
    }


def _shelved(facts: Mapping[str, list[PermissionFact]] | None) -> dict[str, tuple[PermissionFact, ...]]:
    return {key: tuple(found) for key, found in (facts or {}).items()}
