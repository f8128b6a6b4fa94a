"""Names for what answers tell by key: roles of an application, roles of the organization's own, resources."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connection

from accesscontrol.decide import HeldRole
from applications.models import ApplicationRole
from applications.views.role_words import named
from tenants.models import Tenant


class RoleNames(NamedTuple):
    """By key. A key that has no name any more stands for itself."""

    declared: Mapping[str, str]
    own: Mapping[str, str]

    def of(self, role: HeldRole) -> str:
        """What people call it."""
        names = self.own if role.relation == "tenant" else self.declared
        return names.get(role.key, role.key)

    def of_key(self, key: str) -> str:
        """The same, where only the key is told."""
        return self.declared.get(key) or self.own.get(key, key)


# Written out: made by the framework, each of them took twice as long as its answer.
_ROLES = """
SELECT true, key, name, during FROM applications_applicationrole
WHERE application_id = %(application)s AND key = ANY(%(keys)s)
UNION ALL
SELECT false, key, name, during FROM accesscontrol_tenantrole
WHERE tenant_id = %(tenant)s AND key = ANY(%(keys)s)
ORDER BY during
"""
_RESOURCES = """
SELECT type, key, name FROM applications_resource
WHERE application_id = %(application)s AND key = ANY(%(keys)s)
    AND (owner_tenant_id IS NULL OR owner_tenant_id = %(tenant)s)
ORDER BY during
"""


def roles(tenant: Tenant, application_id: str, keys: Iterable[str]) -> RoleNames:
    """One query. The last name that a key had, also of one that is over: answers speak of other days."""
    names, own = dict[str, str](), dict[str, str]()
    for of_application, key, name, _during in _rows(_ROLES, tenant, application_id, keys):
        if of_application:
            names[key] = named(name, application_id)
        else:
            own[key] = name
    return RoleNames(names, own)


def declared(application_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """Names of roles by application and key. One query."""
    rows = ApplicationRole.objects.filter(application__in=list(application_ids)).order_by("during")
    return {(of, key): named(name, of) for of, key, name in rows.values_list("application_id", "key", "name")}


def resources(
    tenant: Tenant, application_id: str, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Names by type and key, of those that the tenant can see. One query."""
    wanted = set(keys)
    rows = _rows(_RESOURCES, tenant, application_id, {key for _type, key in wanted})
    return {(kind, key): named(name, application_id) for kind, key, name in rows if (kind, key) in wanted}


def _rows(statement: str, tenant: Tenant, application_id: str, keys: Iterable[str]) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {"tenant": tenant.pk, "application": application_id, "keys": sorted(set(keys))}
    if not values["keys"]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
