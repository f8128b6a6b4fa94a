"""Events as an act would write them, and the pages that a service reads."""

from datetime import UTC, datetime
from typing import Any

from django.test import Client as Browser

from applications import events
from tenants.models import Tenant
from tests.support.knocking import Knocker

ROOT = "/iam/application-management/v1"
ROLES = ("user-reader", "provision-contract-manager")


def now() -> datetime:
    return datetime.now(UTC)


def write(tenant: Tenant, number: int, *, application_id: str | None = None, **data: Any) -> None:
    """One event of an application."""
    events.emit(
        type="application.available",
        tenant_id=tenant.id,
        application_id=application_id,
        subject=f"thing-{number}",
        at=now(),
        data=data,
    )


def ask(caller: Knocker, address: str, **query: Any) -> Any:
    """The body of the answer, with its status."""
    reply = Browser().get(address, query, headers=caller.headers)
    return reply.json() | {"status": reply.status_code}
