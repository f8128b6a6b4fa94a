"""What roles hold, by application and tenant: the books behind the answers about many people at once."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import connection

from accesscontrol import kept
from accesscontrol.decide import PermissionFact, RoleBook
from iam_portal.spans import Span

Pair = tuple[str, str]  # application id, tenant id
Declared = tuple[str, str]  # application id, key of a role of it

# One row for all permissions of a role that live alike: mostly one for a role. Found by the ids of roles and
# of resources: joined, the planner reads all that the tenants' roles hold of all applications, at every door.
DECLARED = """
SELECT NULL::text, false, r.application_id, r.key, p.during, p.held,
    array_agg(s.type), array_agg(s.key), array_agg(p.privilege)
FROM (
    SELECT * FROM applications_rolepermission WHERE NOT isempty(during) AND role_id = ANY(ARRAY(
        SELECT id FROM applications_applicationrole WHERE application_id = ANY(%(applications)s))) OFFSET 0
) p
JOIN applications_applicationrole r ON r.id = p.role_id AND r.application_id = ANY(%(applications)s)
CROSS JOIN LATERAL (
    SELECT type, key FROM applications_resource
    WHERE id = p.resource_id AND application_id = r.application_id AND owner_tenant_id IS NULL OFFSET 0
) s
GROUP BY r.application_id, r.key, p.during, p.held
"""
# One tenant by plain equality: with an array the planner takes the index of all that a tenant's roles hold.
_MADE = """
SELECT p.tenant_id::text, s.owner_tenant_id IS NOT NULL, s.application_id, r.key, p.during, p.during,
    array_agg(s.type), array_agg(s.key), array_agg(p.privilege)
FROM (
    SELECT * FROM accesscontrol_tenantrolepermission
    WHERE tenant_id = %(tenant)s AND NOT isempty(during) AND resource_id = ANY(ARRAY(
        SELECT id FROM applications_resource
        WHERE application_id = ANY(%(applications)s) AND owner_tenant_id IS NULL
        UNION ALL
        SELECT id FROM applications_resource
        WHERE application_id = ANY(%(applications)s) AND owner_tenant_id = %(tenant)s)) OFFSET 0
) p
JOIN accesscontrol_tenantrole r ON r.id = p.role_id
JOIN applications_resource s ON s.id = p.resource_id AND s.application_id = ANY(%(applications)s)
GROUP BY p.tenant_id, s.owner_tenant_id IS NOT NULL, s.application_id, r.key, p.during
"""
# With the versions of all; what is declared of those applications alone of which nothing is kept.
_KNOWN = f"""
SELECT NULL::bigint, NULL::bigint, NULL::bigint, NULL::boolean, made.* FROM ({_MADE}) made
UNION ALL
SELECT key, bit_xor(nonce), count(*), {kept.OWN},
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM accesscontrol_factchange WHERE key = ANY(%(numbers)s::bigint[]) GROUP BY key
"""
_UNKNOWN = f"""{_KNOWN}UNION ALL
SELECT NULL, NULL, NULL, NULL, declared.*
FROM ({DECLARED.replace("%(applications)s", "%(unknown)s")}) declared
"""
# Of an application's own roles those that somebody holds; of the others only what stands on the resources
# that the tenants' own roles name, which says what these come to.
_SOME = """
WITH named AS MATERIALIZED (
    SELECT p.tenant_id, p.role_id, r.key AS role, p.during, p.privilege, p.resource_id, s.*
    FROM (
        SELECT id, key FROM accesscontrol_tenantrole
        WHERE tenant_id = ANY(%(tenants)s::uuid[]) AND key = ANY(%(made)s) OFFSET 0
    ) r
    CROSS JOIN LATERAL (
        SELECT * FROM accesscontrol_tenantrolepermission WHERE role_id = r.id AND NOT isempty(during) OFFSET 0
    ) p
    CROSS JOIN LATERAL (
        SELECT owner_tenant_id IS NOT NULL AS dynamic, application_id, type, key FROM applications_resource
        WHERE id = p.resource_id OFFSET 0
    ) s
    WHERE p.tenant_id = ANY(%(tenants)s::uuid[]) AND s.application_id = ANY(%(applications)s)
), asked AS MATERIALIZED (
    SELECT r.id FROM unnest(%(owners)s::text[], %(keys)s::text[]) AS declared(owner, key)
    JOIN applications_applicationrole r ON r.application_id = declared.owner AND r.key = declared.key
    WHERE r.application_id = ANY(%(applications)s)
)
SELECT NULL, false, r.application_id, r.key, p.during, p.held,
    array_agg(s.type), array_agg(s.key), array_agg(p.privilege)
FROM (
    SELECT * FROM applications_rolepermission WHERE NOT isempty(during) AND role_id = ANY(ARRAY(
        SELECT id FROM asked
        UNION
        SELECT id FROM applications_applicationrole
        WHERE application_id = ANY(ARRAY(SELECT DISTINCT application_id FROM named))))
        AND ((resource_id IN (SELECT resource_id FROM named)) IS TRUE
            OR (role_id IN (SELECT id FROM asked)) IS TRUE) OFFSET 0
) p
JOIN applications_applicationrole r ON r.id = p.role_id AND r.application_id = ANY(%(applications)s)
CROSS JOIN LATERAL (
    SELECT type, key FROM applications_resource
    WHERE id = p.resource_id AND application_id = r.application_id AND owner_tenant_id IS NULL OFFSET 0
) s
GROUP BY r.application_id, r.key, p.during, p.held
UNION ALL
SELECT tenant_id::text, dynamic, application_id, role, during, during,
    array_agg(type), array_agg(key), array_agg(privilege)
FROM named GROUP BY tenant_id, dynamic, application_id, role_id, role, during
"""


def books_of_held(
    application_ids: Collection[str],
    *,
    tenant_ids: Collection[str],
    made: Collection[str],
    declared: Collection[Declared],
) -> dict[Pair, RoleBook]:
    """Of each application in each tenant what decides on these roles, and what they come to. One query.

    ``made`` are keys of the tenants' own roles; of roles of applications that are not ``declared``, it is not
    all that they hold.
    """
    owners, keys = [each[0] for each in declared], [each[1] for each in declared]
    more = {"made": sorted(made), "owners": owners, "keys": keys}
    return _books(_SOME, application_ids, tenant_ids, more)


def of_tenant(application_ids: Collection[str], *, tenant_id: UUID | str) -> dict[str, RoleBook]:
    """Permissions of application roles and of one tenant's roles, by application.

    One query, and another where an application has changed since a process kept what it declares.
    """
    known = {each: book for each in application_ids if (book := kept.books.get(each)) is not None}
    read = _read(application_ids, known, tenant_id)
    if any(read.version(each) != book.version for each, book in known.items()):
        known = {}  # nothing of this answer counts
        read = _read(application_ids, known, tenant_id)
    found: dict[str, RoleBook] = {}
    for (application_id, _tenant), read_now in bound(read.rows, application_ids, {str(tenant_id)}).items():
        roles = MappingProxyType(read_now.application)  # from now on other requests have it, too
        declared = known.get(application_id) or kept.Book(read.version(application_id), roles)
        if application_id not in known and read.may_keep(application_id):
            kept.books.put(application_id, declared)
        found[application_id] = replace(read_now, application=declared.roles)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows of books and, by the numbers of keys, what stands under these, all in one snapshot."""

    rows: list[tuple[Any, ...]]
    versions: dict[int, tuple[int, int]]  # all nonces in one XOR, and how many there are
    own: bool  # as kept.OWN says

    def version(self, application_id: str) -> kept.Version:
        """Of all on which that rests what the application declares."""
        return tuple(map(self.versions.get, (kept.number_of(application_id), kept.LOST_NUMBER)))

    def may_keep(self, application_id: str) -> bool:
        _, traces = self.versions.get(kept.number_of(application_id), (0, 0))
        return kept.may_keep(traces=traces, own=self.own)


def _read(application_ids: Collection[str], known: Container[str], tenant_id: UUID | str) -> _Read:
    values: dict[str, Any] = {
        "applications": sorted(application_ids),
        "unknown": sorted(each for each in application_ids if each not in known),
        "numbers": [kept.LOST_NUMBER, *map(kept.number_of, application_ids)],
        "tenant": tenant_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN if values["unknown"] else _KNOWN, values)
        found = cursor.fetchall()
    versions = {number: (nonces, traces) for number, nonces, traces, *_ in found if number is not None}
    return _Read([row[4:] for row in found if row[0] is None], versions, any(row[3] for row in found))


def _books(
    statement: str, application_ids: Collection[str], tenant_ids: Collection[str], more: Mapping[str, Any]
) -> dict[Pair, RoleBook]:
    values = {"applications": sorted(application_ids), "tenants": sorted(tenant_ids), **more}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bound(cursor.fetchall(), application_ids, tenant_ids)


def bound(
    rows: Iterable[tuple[Any, ...]], application_ids: Collection[str], tenant_ids: Collection[str]
) -> dict[Pair, RoleBook]:
    """The rows of such a statement as books: empty ones for a pair that has none."""
    declared: dict[str, dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
    own: dict[tuple[Pair, bool], dict[str, list[PermissionFact]]] = defaultdict(lambda: defaultdict(list))
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
