"""Streams of events: what a tenant's and an application's hold, who may read which, and their wire form."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from applications.models import Event
from iam_portal.decision import rfc3339
from iam_portal.gate import Permission

# Which permission shows which events of a tenant; the first part of the type decides.
SHOWN_BY = {
    "iam.application.": "Modules:read",
    "iam.role.": "Roles:read",
    "iam.resource.": "Roles:read",
    "iam.acl.": "Acl:read",
    "iam.contract.": "ProvisionContracts:read|AccessContracts:read",
    "iam.partnership.": "OrganizationRelations:read",
    "iam.webhook.": "Webhooks:read",
    "iam.person.": "Users:read",
}
# What an application reads of itself, in all tenants that it serves. Who holds a role is their own affair.
OF_APPLICATION = ("iam.application.", "iam.role.changed.", "iam.acl.changed.")
_TYPE = re.compile(r"iam\.[a-z]+\.(?:\*|[a-z_]+(?:\.[a-z_]+)*\.v[0-9]{1,3})")


def shown_to(may: Callable[[Permission], object]) -> Q:
    """The events of a tenant that somebody may read there; ``may`` answers for him."""
    shown = Q(pk__in=())
    for prefix, wanted in SHOWN_BY.items():
        if any(may(permission) for permission in Permission.alternatives(wanted)):
            shown |= Q(type__startswith=prefix)
    return shown


def permissions_for(type: str) -> tuple[Permission, ...]:
    """Any of these shows events of the type, or of all types of a prefix (``iam.contract.*``).

    Empty for a type that no stream can hold.
    """
    prefix = next((prefix for prefix in SHOWN_BY if type.startswith(prefix)), None)
    if prefix is None or not _TYPE.fullmatch(type):
        return ()
    return Permission.alternatives(SHOWN_BY[prefix])


def told_to_application(type: str) -> bool:
    """Whether the stream of an application can hold events of the type or prefix."""
    bare = type.removesuffix("*")
    return any(bare.startswith(told) or told.startswith(bare) for told in OF_APPLICATION)


def chosen(types: Sequence[str]) -> Q:
    """The events that types and prefixes name."""
    prefixes = [type.removesuffix("*") for type in types if type.endswith("*")]
    named = Q(type__in=[type for type in types if not type.endswith("*")])
    for prefix in prefixes:
        named |= Q(type__startswith=prefix)
    return named


def names(types: Sequence[str], type: str) -> bool:
    """Whether types and prefixes name this one; :func:`chosen` for one that is at hand."""
    return any(type.startswith(one[:-1]) if one.endswith("*") else type == one for one in types)


def of_tenant(tenant_id: UUID) -> QuerySet[Event]:
    """Everything in a tenant's stream; whoever reads it is shown a part (:func:`shown_to`)."""
    return Event.objects.filter(tenant_id=tenant_id)


def of_application(application_id: str) -> QuerySet[Event]:
    """What an application is told of itself. The rows lie in the streams of all tenants that it serves."""
    told = Q(pk__in=())
    for prefix in OF_APPLICATION:
        told |= Q(type__startswith=prefix)
    return Event.objects.filter(told, application_id=application_id)


def event(row: Event) -> dict[str, Any]:
    """CloudEvents 1.0, JSON form."""
    return {
        "specversion": "1.0",
        "id": str(row.event_id),
        "type": row.type,
        "source": settings.PORTAL_BASE_URL,
        "subject": row.subject,
        "time": rfc3339(row.at),
        "tenantid": str(row.tenant_id),
        "position": row.position,
        "data": row.data,
    }


def event_for_application(row: Event) -> dict[str, Any]:
    """As the application itself reads it: without the chain, which may speak of contracts of others."""
    shown = event(row)
    if "cause" in row.data:
        cause = {key: value for key, value in row.data["cause"].items() if key != "reasons"}
        shown["data"] = {**row.data, "cause": cause}
    return shown
