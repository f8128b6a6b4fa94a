"""Names for what answers tell by key: roles of an application, roles of the organization's own, resources."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import Q

from accesscontrol.decide import HeldRole
from accesscontrol.models import TenantRole
from applications.models import ApplicationRole, Resource
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


def roles(tenant: Tenant, application_id: str, keys: Iterable[str]) -> RoleNames:
    """Two queries. The last name that a key had, also of one that is over: answers speak of other days."""
    wanted = set(keys)
    declared = ApplicationRole.objects.filter(application=application_id, key__in=wanted).order_by("during")
    own = TenantRole.objects.filter(tenant=tenant, key__in=wanted).order_by("during")
    names = {key: named(name, application_id) for key, name in declared.values_list("key", "name")}
    return RoleNames(names, dict(own.values_list("key", "name")))


def declared(application_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """Names of roles by application and key. One query."""
    rows = ApplicationRole.objects.filter(application__in=list(application_ids)).order_by("during")
    return {(of, key): named(name, of) for of, key, name in rows.values_list("application_id", "key", "name")}


def resources(
    tenant: Tenant, application_id: str, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Names by type and key, of those that the tenant can see. One query."""
    wanted = set(keys)
    seen = Q(owner_tenant=None) | Q(owner_tenant=tenant)
    rows = Resource.objects.filter(seen, application=application_id, key__in={key for _type, key in wanted})
    known = rows.order_by("during").values_list("type", "key", "name")
    return {(kind, key): named(name, application_id) for kind, key, name in known if (kind, key) in wanted}
