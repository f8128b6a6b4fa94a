"""What a tenant chooses for how long its sessions and tokens last."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from iam_portal.errors import Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants.history import record
from tenants.lifetimes import Lifetime, bounds
from tenants.models import Tenant
from tenants.policies import require_revision

Chosen = Mapping[Lifetime, int | None]


class OutOfBounds(Invalid):
    """Shorter or longer than the installation allows; every such field is listed."""

    code = "lifetime_out_of_bounds"


def change(*, tenant: Tenant, chosen: Chosen, by: Actor, at: datetime, revision: int | None = None) -> Tenant:
    """Choose what is given; None goes back to the default of the installation.

    It counts for what is asked from now on: idle limits for what is there already, lives for what is new.
    """
    _require_within(chosen)
    with transaction.atomic():
        row = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        require_revision(row, revision)
        before = {of: getattr(row, of) for of in chosen}
        moved = [of for of, value in chosen.items() if value != before[of]]
        if not moved:
            return row
        for of in moved:
            setattr(row, of, chosen[of])
        row.revision += 1
        row.save(update_fields=[*moved, "revision"])
        record(
            action="tenant.lifetimes_changed",
            tenants=[row],
            by=by,
            at=at,
            subject=("tenant", row.id, row.name),
            before={str(of): before[of] for of in moved},
            after={str(of): chosen[of] for of in moved} | {"revision": f"r-{row.revision}"},
        )
    return row


def _require_within(chosen: Chosen) -> None:
    errors = []
    for of, value in chosen.items():
        allowed = bounds(of)
        if value is not None and not allowed.least <= value <= allowed.most:
            text = said(
                "Choose from %(least)s to %(most)s seconds.", {"least": allowed.least, "most": allowed.most}
            )
            errors.append({"pointer": f"/{of}", "code": "out_of_bounds", "detail": text})
    if errors:
        raise OutOfBounds("A life time is outside of what this installation allows.", errors=errors)
