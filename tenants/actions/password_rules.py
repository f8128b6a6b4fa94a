"""How long passwords of a tenant must be."""

from datetime import datetime

from django.db import transaction

from iam_portal.gate import Actor
from tenants.history import record
from tenants.models import Tenant
from tenants.policies import require_revision


def choose(
    *, tenant: Tenant, length: int | None, by: Actor, at: datetime, revision: int | None = None
) -> Tenant:
    """At least so many characters; None for the least of the installation.

    It counts for passwords that are set from now on: what is set already cannot be measured.
    """
    with transaction.atomic():
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        require_revision(row, revision)
        before = row.password_length
        if length == before:
            return row
        row.password_length = length
        row.revision += 1
        row.full_clean()
        row.save(update_fields=["password_length", "revision"])
        record(
            action="tenant.password_rules_changed",
            tenants=[row],
            by=by,
            at=at,
            subject=("tenant", row.id, row.name),
            before={"length": before},
            after={"length": length, "revision": f"r-{row.revision}"},
        )
    return row
