"""What a tenant keeps of people who are deleted."""

from datetime import datetime

from django.db import transaction

from iam_portal.gate import Actor
from tenants.history import record
from tenants.models import Kept, Tenant
from tenants.policies import require_revision


def choose(*, tenant: Tenant, keeps: Kept, by: Actor, at: datetime, revision: int | None = None) -> Tenant:
    """For deletions from now on: a name that history lost before does not come back."""
    with transaction.atomic():
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        require_revision(row, revision)
        before = row.history_keeps
        if keeps == before:
            return row
        row.history_keeps = keeps
        row.revision += 1
        row.save(update_fields=["history_keeps", "revision"])
        record(
            action="tenant.history_keeps_changed",
            tenants=[row],
            by=by,
            at=at,
            subject=("tenant", row.id, row.name),
            before={"keeps": before},
            after={"keeps": str(keeps), "revision": f"r-{row.revision}"},
        )
    return row
