"""Which tenant a request is for, and whether the caller has a part in it."""

import re
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accesscontrol.models import Assignment
from applications.models import Application, Availability, Contract, ContractState, ContractType
from tenants.models import Tenant

NOBODY = UUID(int=0)
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SLUG = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Address:
    """How the path names the tenant: by id, by realm (id or slug), or (both empty) not at all."""

    tenant_id: str = ""
    realm: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the form decides (the addresses without a tenant)."""
        return not self.tenant_id and not self.realm

    def find(self) -> Tenant | None:
        """The tenant, if there is one."""
        return by_realm(self.realm) if self.realm else by_id(self.tenant_id)

    def named_id(self) -> str:
        """The id that is named, whether or not it is a tenant's; that of a slug; empty when there is none."""
        text = self.realm or self.tenant_id
        if _ID.fullmatch(text):
            return str(UUID(text))
        tenant = by_realm(self.realm) if self.realm else None
        return str(tenant.id) if tenant else ""


def by_id(text: str) -> Tenant | None:
    """The tenant of that id; ``None`` for an unknown one and for what is no id."""
    return Tenant.objects.filter(id=text).first() if _ID.fullmatch(text) else None


def by_realm(text: str) -> Tenant | None:
    """By id or slug. What looks like an id is one: no slug can take the place of another tenant's id."""
    if _ID.fullmatch(text):
        return by_id(text)
    return Tenant.objects.filter(slug=text).first() if _SLUG.fullmatch(text) else None


def has_part(caller: Application, tenant_id: UUID) -> bool:
    """Whether the caller, or its owner, has or had to do with the tenant. Runs in the tenant's scope.

    The tenant owns it; it is or was available there; its owner has or had an access contract of the
    tenant; it has or had an assignment there.
    """
    if caller.owner_id == tenant_id:
        return True
    available = Availability.objects.filter(tenant=OuterRef("pk"), application=caller)
    contracts = Contract.objects.filter(
        provider=OuterRef("pk"),
        consumer_id=caller.owner_id,
        type=ContractType.ACCESS,
        state=ContractState.ACCEPTED,
    )
    assignments = Assignment.objects.filter(tenant=OuterRef("pk"), application=caller, during__isempty=False)
    part = Q(Exists(available)) | Q(Exists(contracts)) | Q(Exists(assignments))
    return Tenant.objects.filter(part, id=tenant_id).exists()
