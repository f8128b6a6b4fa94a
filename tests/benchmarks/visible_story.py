"""Who takes part in `tests.benchmarks.visible`; run in the portal's environment, it prints them as JSON.

In a portal that `manage.py generate_load` filled: a contract of an organization that provides thousands, and
a service of its consumer that calls what is shared.
"""

import json
import os
from datetime import UTC, datetime
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from accesscontrol.actions import assignments, rotation  # noqa: E402
from accesscontrol.actions.assignments import Wanted  # noqa: E402
from accesscontrol.models import SigningKey  # noqa: E402
from applications.actions import applications, clients  # noqa: E402
from applications.actions.applications import Details  # noqa: E402
from applications.models import Application, Contract  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tests.support.factories import SYSTEM  # noqa: E402
from tests.support.knocking import give  # noqa: E402


def told() -> dict[str, Any]:
    """Everybody with what proves who he is; another run adds others."""
    at = datetime.now(UTC)
    SigningKey.objects.using("owner").all().delete()  # sealed with keys that nobody has any more
    rotation.ensure(at=at)
    contract = _contract(at)
    role = contract.terms.select_related("role__application")[0].role
    provider, consumer = contract.provider, contract.consumer
    caller = _service(consumer, f"caller-{at:%H%M%S}", at, "module-manager")
    manager = _service(provider, f"manager-{at:%H%M%S}", at, "provision-contract-manager")
    wanted = Wanted(role=role.key, application_id=role.application_id, principal_application_id=caller.id)
    assignments.assign(tenant=consumer, wanted=wanted, by=SYSTEM, at=at)
    return {
        "contract": str(contract.id),
        "provider": str(provider.id),
        "consumer": str(consumer.id),
        "target": _secret(role.application, at),
        "caller": _secret(caller, at),
        "manager": _secret(manager, at),
    }


def _contract(at: datetime) -> Contract:
    """In force, without an end, and the only one by which its consumer has the application."""
    rows = Contract.objects.filter(state="accepted", ends_at=None, type="provision", pauses=None)
    rows = rows.filter(starts_at__lt=at, provider__slug__endswith="-4", provider__suspensions=None)
    for row in rows.filter(consumer__suspensions=None).order_by("id"):
        ids = set(row.terms.values_list("role__application_id", flat=True))
        ways = Contract.objects.filter(consumer=row.consumer, terms__role__application__in=ids).distinct()
        if ways.count() == 1:
            return row
    raise LookupError("no such contract")


def _service(tenant: Tenant, name: str, at: datetime, role: str) -> Application:
    details = Details(name=name, display_name=name)
    made = applications.register(
        owner=tenant, details=details, by=SYSTEM, at=at, application_id=f"{tenant.slug}.{name}"
    )
    give(tenant, role, principal_application_id=made.id)
    return made


def _secret(application: Application, at: datetime) -> tuple[str, str]:
    made = clients.add_secret(tenant=application.owner, client_id=application.id, by=SYSTEM, at=at)
    return application.id, made[1]


if __name__ == "__main__":
    print(json.dumps(told()))
